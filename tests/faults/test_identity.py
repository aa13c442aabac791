"""What a search's results depend on is part of it: a change of its data is noticed when it goes
on."""

from __future__ import annotations

import os
import shlex
import shutil
import tracemalloc
from types import SimpleNamespace

import pytest

import paddle_transfer
from paddle_transfer import api, dotpath
from paddle_transfer.errors import StudyError
from paddle_transfer.loop.context import commit_of, environment, note_context
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.html.steps import next_steps
from paddle_transfer.settings.inputs import read_inputs
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.identity import INPUTS, check_identity, check_settings
from paddle_transfer.study.store import open_store
from paddle_transfer.weights.for_search import SearchWeights
from tests.helpers.configs import base_config, write_search
from tests.helpers.datasets import picture
from tests.helpers.greedy_files import distillation_config, write_greedy
from tests.helpers.tiny_search import RUNNER

TRAIN, EVAL = 18, 9
VALUES = [{"search_key": "a", "replace_config": ["Tiny.x.a"], "search_values": [0.0, 0.5, 1.0]}]


class Search:
    """A search of tiny trainings over real lists of images in ``folder``, and its study."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"
        self.data.mkdir()
        (folder / "out").mkdir()
        self.base = {**base_config(self.data), "Tiny": {"misbehave": None, "x": {"a": 0.0}}}
        self.options = {"search_dict": VALUES, "workers": 1}
        for part, count in (("train", TRAIN), ("val", EVAL)):
            self.write_list(part, [f"{part}{i}.jpg {i % 3}" for i in range(count)])
            for i in range(count):
                (self.data / f"{part}{i}.jpg").write_bytes(picture(i + 100 * (part == "val")))

    def write_list(self, part, lines):
        (self.data / f"{part}_list.txt").write_text("".join(f"{line}\n" for line in lines))

    def lines(self, part):
        return (self.data / f"{part}_list.txt").read_text().splitlines()

    def file(self):
        return write_search(self.folder, base=self.base, **self.options)

    def settings(self):
        return load_search_file(self.file())

    def go_on(self):
        """What is told when the search begins, or goes on. Raises StudyError."""
        settings = self.settings()
        store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
        try:
            return check_identity(store, settings.identity(), self.inputs(settings),
                                  place=settings.output.output_dir)
        finally:
            store.close()

    def inputs(self, settings):
        return read_inputs(settings, cache_folder=self.folder / "cache")

    def refusal(self):
        with pytest.raises(StudyError) as caught:
            self.go_on()
        return str(caught.value)


@pytest.fixture
def search(tmp_path):
    return Search(tmp_path)


@pytest.fixture
def begun(search):
    assert search.go_on() == []
    assert search.go_on() == []
    return search


def test_a_search_does_not_go_on_over_shortened_lists(search, monkeypatch):
    monkeypatch.setattr(api, "PADDLE_RUNNER", RUNNER)
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(search.folder / "home"))
    first = paddle_transfer.search(search.file(), check_data=False, max_iter=1)
    assert len(first.trials) == 1
    search.write_list("val", search.lines("val")[:3])
    search.write_list("train", search.lines("train")[:12])
    with pytest.raises(StudyError) as caught:
        paddle_transfer.search(search.file(), check_data=False, max_iter=2)
    text = str(caught.value)
    assert f"{search.data}/val_list.txt (DataLoader.Eval.dataset): 6 of 9 lines are gone" in text
    assert "train_list.txt (DataLoader.Train.dataset): 6 of 18 lines are gone" in text
    for way_out in ("Take the changes back", "--fresh", "another output_dir",
                    f"warm_start: [{search.folder}/out]"):
        assert way_out in text
    assert len(paddle_transfer.load_search(search.folder / "out").trials) == 1


def test_images_with_other_content_under_the_same_names_are_named(begun):
    for name in ("val2.jpg", "val7.jpg"):
        path = begun.data / name
        before = path.stat()
        path.write_bytes(path.read_bytes()[:-4] + b"\0\0\xff\xd9")  # the size is the same
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "val_list.txt (DataLoader.Eval.dataset): the image of 'val2.jpg 2' and 1 more have " \
        "other content" in begun.refusal()


def test_folders_of_images_that_change_places_are_noticed(search):
    for folder, seed in (("one", 1), ("two", 2)):
        (search.data / folder).mkdir()
        (search.data / folder / "x.bmp").write_bytes(picture(seed, ending=".bmp"))
    for folder in ("one", "two"):
        os.utime(search.data / folder / "x.bmp", ns=(0, 0))
    search.write_list("train", ["one/x.bmp 0", "two/x.bmp 1"])
    search.go_on()
    (search.data / "one").rename(search.data / "kept")
    (search.data / "two").rename(search.data / "one")
    (search.data / "kept").rename(search.data / "two")
    assert "the image of 'one/x.bmp 0' and 1 more have other content" in search.refusal()


def test_labels_that_change_are_counted(begun):
    begun.write_list("train", [line.replace(" 2", " 1") for line in begun.lines("train")])
    assert "6 of 18 lines changed" in begun.refusal()


def test_an_image_that_is_gone_is_noticed(begun):
    (begun.data / "train3.jpg").unlink()
    assert "the image of 'train3.jpg 0' has other content" in begun.refusal()


def test_the_order_counts_where_it_changes_the_training(begun):
    begun.write_list("val", begun.lines("val")[::-1])
    assert begun.go_on() == []
    begun.write_list("train", begun.lines("train")[::-1])
    assert "train_list.txt (DataLoader.Train.dataset): its lines are in another order" in \
        begun.refusal()


def test_lists_that_only_a_value_of_the_search_names_count_as_well(search):
    search.write_list("large", search.lines("train")[::-1])
    search.options["search_dict"] = [*VALUES, {
        "search_key": "list", "replace_config": ["DataLoader.Train.dataset.cls_label_path"],
        "search_values": [str(search.data / f"{part}_list.txt") for part in ("train", "large")]}]
    search.go_on()
    search.write_list("large", search.lines("train")[:10])
    assert "large_list.txt (DataLoader.Train.dataset, variant 2): 8 of 18 lines are gone" in \
        search.refusal()


def test_any_other_file_that_the_config_names_counts_by_its_content(search):
    table = search.data / "soft_labels.npy"
    table.write_bytes(b"first")
    search.base["Loss"]["Train"][0]["CELoss"]["table"] = str(table)
    search.go_on()
    table.write_bytes(b"other")
    assert "soft_labels.npy (Loss.Train.0.CELoss.table): its content has changed" in \
        search.refusal()


def test_names_of_classes_and_test_lists_are_told_and_not_refused(search):
    names = search.data / "label_list.txt"
    names.write_text("0 a\n")
    search.base["Infer"] = {"PostProcess": {"class_id_map_file": str(names)}}
    search.write_list("test", search.lines("val"))
    search.base["DataLoader"]["Test"] = {"dataset": {
        **search.base["DataLoader"]["Eval"]["dataset"],
        "cls_label_path": str(search.data / "test_list.txt")}}
    search.go_on()
    names.write_text("0 b\n")
    search.write_list("test", search.lines("val")[:2])
    told = search.go_on()
    assert len(told) == 2
    assert "test_list.txt (DataLoader.Test.dataset): 7 of 9 lines are gone" in told[0]
    assert "label_list.txt (Infer.PostProcess.class_id_map_file)" in told[1]
    assert search.go_on() == []


@pytest.mark.parametrize("listed", ["below the root", "in full"])
def test_the_same_data_in_another_folder_are_the_same_data(search, listed):
    def write(folder):
        if listed == "in full":
            for part in ("train", "val"):
                search.write_list(part, [str(folder / os.path.basename(line))
                                         for line in search.lines(part)])

    write(search.data)
    search.go_on()
    shutil.copytree(search.data, search.folder / "moved")
    shutil.rmtree(search.data)
    search.data = search.folder / "moved"
    search.base["DataLoader"] = base_config(search.data)["DataLoader"]
    write(search.data)
    settings = search.settings()
    store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
    check_settings(store.attributes(), settings.identity(), search.inputs(settings),
                   place=settings.output.output_dir)  # before the weights are known: the same
    store.close()
    assert search.go_on() == ["The data have moved; their content is that of before."]
    assert search.go_on() == []
    search.write_list("val", search.lines("val")[:4])
    assert "moved/val_list.txt (DataLoader.Eval.dataset): 5 of 9 lines are gone" in search.refusal()


def test_data_that_move_from_one_folder_to_two_and_back_are_the_same_data(begun):
    for name in ("one", "two"):
        shutil.copytree(begun.data, begun.folder / name)
    before = begun.base["DataLoader"]
    begun.base["DataLoader"] = {
        "Train": base_config(begun.folder / "one")["DataLoader"]["Train"],
        "Eval": base_config(begun.folder / "two")["DataLoader"]["Eval"]}
    assert len(begun.go_on()) == 1
    begun.base["DataLoader"] = before
    assert len(begun.go_on()) == 1
    assert begun.go_on() == []


def test_another_folder_with_other_images_is_refused(begun):
    shutil.copytree(begun.data, begun.folder / "other")
    (begun.folder / "other" / "val1.jpg").write_bytes(picture(999))
    begun.base["DataLoader"] = base_config(begun.folder / "other")["DataLoader"]
    text = begun.refusal()
    assert "holds a search with other settings and data" in text
    assert "the image of 'val1.jpg 1' has other content" in text


def test_what_has_changed_is_told_even_where_the_copy_of_the_list_is_gone(begun):
    shutil.rmtree(begun.folder / "out" / "inputs")
    begun.write_list("val", begun.lines("val")[:3])
    assert "val_list.txt (DataLoader.Eval.dataset): its content has changed" in begun.refusal()


def test_hashes_of_another_version_are_no_change_where_the_copy_is_the_same(begun):
    settings = begun.settings()
    store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
    known = store.attributes()[INPUTS]
    place, copies = "DataLoader.Eval.dataset", begun.folder / "out" / "inputs"
    (copies / f"{known[place][2][:16]}.tsv").rename(copies / f"{'0' * 16}.tsv")
    store.set_attribute(INPUTS, {**known, place: [*known[place][:2], "0" * 64]})
    store.close()
    assert begun.go_on() == []
    begun.write_list("val", begun.lines("val")[:3])
    assert "6 of 9 lines are gone" in begun.refusal()


def test_a_study_of_an_earlier_version_goes_on_and_is_watched_from_then_on(search):
    settings = search.settings()
    store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
    check_identity(store, settings.identity(), place=settings.output.output_dir)
    assert INPUTS not in store.attributes()
    store.close()
    (note,) = search.go_on()
    assert "begun by an earlier version" in note
    assert search.go_on() == []
    search.write_list("val", search.lines("val")[:3])
    assert "6 of 9 lines are gone" in search.refusal()


def test_a_further_value_is_refused_with_the_way_to_use_what_is_known(begun):
    begun.options["search_dict"] = [{**VALUES[0], "search_values": [0.0, 0.5, 1.0, 2.0]}]
    text = begun.refusal()
    assert "space.a.choices: [0.0, 0.5, 1.0] -> [0.0, 0.5, 1.0, 2.0]" in text
    assert f"warm_start: [{begun.folder}/out]" in text


def test_other_settings_are_refused_before_weights_are_fetched(begun, monkeypatch):
    begun.base["Global"]["epochs"] = 4

    monkeypatch.setattr(SearchWeights, "resolve", None)  # is not called
    with pytest.raises(StudyError, match=r"base_config\.Global\.epochs: 3 -> 4"):
        paddle_transfer.search(begun.file(), check_data=False)


def test_a_search_that_is_stopped_while_weights_come_shows_no_trial_of_another(search, monkeypatch):
    """Only its weights tell it from the search that is in the folder."""
    monkeypatch.setattr(api, "PADDLE_RUNNER", RUNNER)
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(search.folder / "home"))
    assert len(paddle_transfer.search(search.file(), check_data=False, max_iter=1).trials) == 1

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(SearchWeights, "resolve", stop)
    result = paddle_transfer.search(search.file(), check_data=False)
    assert result.reason == "interrupted"
    assert result.trials == ()


def test_lists_of_a_distillation_count_as_well(search):
    search.write_list("unlabelled", search.lines("train"))
    del search.base["Tiny"]
    distil = distillation_config(search.base)
    distil["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(
        search.data / "unlabelled_list.txt")
    search.file = lambda: write_greedy(search.folder, search.base, distil=distil)
    search.go_on()
    search.write_list("unlabelled", search.lines("train")[:3])
    assert "unlabelled_list.txt (distillation.DataLoader.Train.dataset): 15 of 18 lines are gone" \
        in search.refusal()


def test_weights_behind_a_name_that_have_become_others_are_noticed(begun):
    def go_on(content):
        settings = begun.settings()
        weights = SearchWeights({}, settings.output)
        weights._resolved = {("imagenet", "ResNet18_vd"): SimpleNamespace(sha256=content)}
        store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
        try:
            return check_identity(store, weights.identity(settings.identity()),
                                  {**begun.inputs(settings), **weights.inputs()},
                                  place=settings.output.output_dir)
        finally:
            store.close()

    assert go_on("1" * 64) == []
    with pytest.raises(StudyError, match=r"imagenet \(weights of ResNet18_vd\): its content has"):
        go_on("2" * 64)


def test_the_weights_of_a_teacher_count_by_their_content(search):
    del search.base["Tiny"]
    weights = search.folder / "teacher.pdparams"
    weights.write_bytes(b"first")
    distil = distillation_config(search.base)
    distil["Arch"]["models"][0]["Teacher"]["pretrained"] = str(search.folder / "teacher")
    search.file = lambda: write_greedy(search.folder, search.base, distil=distil)
    search.go_on()
    weights.write_bytes(b"other")
    assert "Teacher.pretrained): its content has changed" in search.refusal()
    assert "warm_start" not in search.refusal(), "a greedy search is none that another learns from"


def test_an_interrupt_ends_the_hashing_of_many_images(search):
    def pause(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_inputs(search.settings(), cache_folder=search.folder / "cache", pause=pause)


def test_another_way_to_choose_points_is_told_in_a_line(search, monkeypatch, capsys):
    monkeypatch.setattr(api, "PADDLE_RUNNER", RUNNER)
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(search.folder / "home"))

    def go_on(**fields):
        paddle_transfer.search(search.file(), check_data=False, **fields)
        return [line for line in capsys.readouterr().err.splitlines() if "settings" in line]

    assert go_on(max_iter=1) == []
    assert go_on(max_iter=1, workers=2) == [], "how fast trials run makes no difference"
    (line,) = go_on(max_iter=1, search_mode="random", fixed={"a": 0.5}, confirm=2)
    assert "sampler grid -> random" in line
    assert "fixed none -> {'a': 0.5}" in line
    assert "confirm none -> 2" in line
    assert "the trials so far stay" in line
    assert go_on(max_iter=1, search_mode="random", fixed={"a": 0.5}, confirm=2) == []


def test_the_reports_command_goes_on_with_what_changed_the_training_config(search, monkeypatch):
    monkeypatch.setattr(api, "PADDLE_RUNNER", RUNNER)
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(search.folder / "home"))
    begun = paddle_transfer.search(search.file(), ["Global.epochs=2"], check_data=False, max_iter=1)
    line = dict(next_steps(read_search_data(begun.output_dir)))["step_search"]
    words = shlex.split(line)
    file, options = words[words.index("-c") + 1], words[words.index("-o") + 1::2]
    with pytest.raises(StudyError, match=r"Global\.epochs"):
        paddle_transfer.search(file, options[1:], check_data=False)
    assert len(paddle_transfer.search(file, options, check_data=False).trials) == 2


def test_another_environment_is_told_in_a_line(search):
    settings = search.settings()
    store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
    first = environment(settings, "2.4.2 wheel")
    assert note_context(store, {}, first) == []
    assert note_context(store, {}, first) == []
    (line,) = note_context(store, {}, {**environment(settings, "2.6.0 checkout"),
                                       "Paddle": "9.9", "FLAGS_cudnn_deterministic": "1"})
    assert line.startswith("Warning:")
    assert "PaddleClas 2.4.2 wheel -> 2.6.0 checkout" in line
    assert "-> 9.9" in line
    assert "FLAGS_cudnn_deterministic none -> 1" in line
    store.close()


def test_a_checkout_is_known_by_its_commit(tmp_path):
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    assert commit_of(str(tmp_path)) == ""
    (git / "HEAD").write_text("ref: refs/heads/develop\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{'b' * 40} refs/heads/develop\n")
    assert commit_of(str(tmp_path)) == "b" * 10
    (git / "refs" / "heads" / "develop").write_text("a" * 40 + "\n")
    assert commit_of(str(tmp_path)) == "a" * 10
    (git / "HEAD").write_text("c" * 40 + "\n")
    assert commit_of(str(tmp_path)) == "c" * 10


@pytest.mark.parametrize(("path", "value"), [
    ("DataLoader.Eval.sampler.drop_last", True), ("DataLoader.Eval.sampler.shuffle", True),
    ("Global.checkpoints", "old/latest"), ("Global.eval_during_train", True)])
def test_what_no_trial_heeds_may_change(search, path, value):
    dotpath.set_(search.base, path, value, create=True)
    search.go_on()
    dotpath.delete(search.base, path)
    assert search.go_on() == []


def test_trials_that_left_images_out_do_not_compare_with_those_on_the_whole_list(search):
    dotpath.set_(search.base, "DataLoader.Eval.sampler.drop_last", True, create=True)
    settings = search.settings()
    store = open_store(output_dir=settings.output.output_dir, space=settings.search_space.space)
    check_identity(store, settings.identity(), None, place=settings.output.output_dir)
    store.close()
    search.base["DataLoader"]["Eval"]["sampler"]["drop_last"] = False
    with pytest.raises(StudyError, match=r"DataLoader.Eval.sampler.drop_last: True -> \(absent\)"):
        search.go_on()


def test_a_long_list_is_read_within_a_small_multiple_of_its_size(search):
    lines = [f"train{i % TRAIN}.jpg {i % 3}" for i in range(30_000)]
    search.write_list("train", lines)
    settings = search.settings()
    search.inputs(settings)
    tracemalloc.start()
    found = search.inputs(settings)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = (search.data / "train_list.txt").stat().st_size
    assert found["DataLoader.Train.dataset"].rows.count(b"\n") == len(lines)
    assert peak < 10 * size
