"""Situations in which a figure was over other images than asked for, or over none; each with the
right outcome. Trainings are real, a second each."""

import json
import re
import types
import zlib
from dataclasses import replace

import pytest

from paddle_transfer import dotpath
from paddle_transfer.api import run_search
from paddle_transfer.config.evaluation import read_whole_lists
from paddle_transfer.config.load import load_yaml
from paddle_transfer.errors import ConfigError, StudyError, TrialError
from paddle_transfer.loop.final import FinalRuns
from paddle_transfer.loop.measured import other_list
from paddle_transfer.loop.past_tasks import load_task
from paddle_transfer.loop.saved_search import SavedSearch, read_saved_search
from paddle_transfer.report.summary import summary_lines
from paddle_transfer.result import load_search
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from paddle_transfer.study.records import Stage
from paddle_transfer.worker.jobs import _verdict
from tests.helpers.bridge import train
from tests.helpers.configs import base_config, write_search
from tests.helpers.digits import tiny_config
from tests.helpers.records import ranker_of, record, shown_settings
from tests.helpers.tiny_search import RUNNER, tiny_settings
from tools.digits import write_digits


@pytest.fixture(scope="module")
def trained(trainings, tmp_path_factory):
    """Trains for an epoch, with changes by dotted path."""
    root = tmp_path_factory.mktemp("digits")
    write_digits(root)
    lines = (root / "val_list.txt").read_text().splitlines(True)
    (root / "val_list.txt").write_text("".join(lines[::len(lines) // 9][:9]))

    def run(name="a", **changes):
        config = tiny_config(str(root), "unused", **{"Global__epochs": 1, **changes})
        return trainings(train, str(root / name), config)
    return types.SimpleNamespace(run=run, root=root)


def test_the_whole_list_is_evaluated_whatever_drop_last_says(trained):
    whole = trained.run()
    assert whole["images"] == 9
    assert whole["value"] * 9 == round(whole["value"] * 9), "a share of nine images"
    assert whole["classes"] == 4
    assert whole["list"] == f"{zlib.crc32((trained.root / 'val_list.txt').read_bytes()):08x}"
    for batch_size in (64, 8):
        part = trained.run(DataLoader__Eval__sampler__drop_last=True,
                           DataLoader__Eval__sampler__batch_size=batch_size,
                           DataLoader__Eval__sampler__shuffle=True)
        assert (part["value"], part["images"]) == (whole["value"], 9)
        assert [told["images"] for told in part["reports"]] == [9]


def test_a_training_without_an_iteration_is_no_result(trained):
    with pytest.raises(TrialError, match=r"epoch 1 trains no iteration, so nothing is learnt: .* "
                       r"\(\d+ images, batch_size 4096, drop_last True\)"):
        trained.run(DataLoader__Train__sampler__drop_last=True,
                    DataLoader__Train__sampler__batch_size=4096)


def test_a_warmup_as_long_as_the_training_is_no_training(trained):
    """One iteration, at the learning rate where a warmup begins."""
    with pytest.raises(TrialError, match="has changed no weight: the learning rate was 0 in every"):
        trained.run(DataLoader__Train__sampler__batch_size=4096, Optimizer__lr__warmup_epoch=1)


def test_an_epoch_at_a_learning_rate_of_0_is_not_the_best_one(trained):
    """The network of the first epoch is the one that the training began with."""
    result = trained.run(Optimizer__lr__warmup_epoch=1, Global__epochs=3,
                         DataLoader__Train__sampler__batch_size=4096)
    assert [epoch for epoch, _ in result["curve"]] == [2, 3]


def test_an_unreadable_image_is_not_replaced_by_another(trained):
    (trained.root / "broken.png").write_text("no image")
    lines = (trained.root / "val_list.txt").read_text()
    (trained.root / "broken.txt").write_text(lines + "broken.png 0\n")
    for workers in (0, 1):
        with pytest.raises(TrialError, match=r"DataLoader\.Eval: PaddleClas cannot read .*broken"):
            trained.run(DataLoader__Eval__loader__num_workers=workers,
                        DataLoader__Eval__dataset__cls_label_path=str(trained.root / "broken.txt"))


def test_a_loss_that_ends_in_nan_with_the_epoch_is_seen_without_a_loss_of_the_evaluation(trained):
    """The only iteration has a finite loss; the step after it makes all weights infinite."""
    with pytest.raises(ArithmeticError, match="answers in the evaluation are nan"):
        trained.run(Optimizer__lr__learning_rate=1e30, Loss__Eval=None,
                    DataLoader__Train__sampler__batch_size=4096)


def test_the_config_handed_back_evaluates_the_whole_list_in_stock_tools():
    config = base_config()
    sampler = {"batch_size": 64, "drop_last": True, "shuffle": True}
    config["DataLoader"]["Eval"]["sampler"].update(sampler)
    config["DataLoader"]["Test"] = dotpath.clone(config["DataLoader"]["Eval"])
    parts = {"dataset": {}, "sampler": {"batch_size": 4}}
    retrieval = {"DataLoader": {"Eval": {"Query": parts, "Gallery": dotpath.clone(parts)}}}
    for given in (config, retrieval):
        read_whole_lists(given)
    for part in ("Eval", "Test"):
        assert config["DataLoader"][part]["sampler"] == {
            **sampler, "name": "DistributedBatchSampler", "drop_last": False, "shuffle": False}
    for part in ("Query", "Gallery"):
        assert retrieval["DataLoader"]["Eval"][part]["sampler"] == {
            "batch_size": 4, "drop_last": False, "shuffle": False}


def searched(tmp_path, items, **changes):
    base = base_config(tmp_path)
    for path, value in changes.items():
        dotpath.set_(base, path.replace("__", "."), value, create=True)
    return write_search(tmp_path, base=base, search_dict=items)


LR = [{"search_key": "lr", "search_values": [0.1, 0.01]}]


@pytest.mark.parametrize(("changes", "message"), [
    ({"DataLoader__Eval__sampler": {"name": "PKSampler", "batch_size": 4, "sample_per_id": 2}},
     "DataLoader.Eval.sampler.name: must read every image of the list once"),
    ({"DataLoader__Eval__sampler__num_replicas": 2},
     "DataLoader.Eval.sampler.num_replicas: must not be set: a part of the list"),
    ({"Global__eval_mode": "retrieval", "Loss__Eval": None},
     "Loss.Eval: is needed for a retrieval: without it PaddleClas measures nothing")])
def test_an_evaluation_that_cannot_be_whole_is_refused_before_any_training(tmp_path, changes,
                                                                           message):
    with pytest.raises(ConfigError) as caught:
        load_search_file(searched(tmp_path, LR, **changes))
    assert message in str(caught.value)


def test_a_teachers_accuracy_is_not_the_students(tmp_path):
    models = [{"Teacher": {"name": "ResNet18", "class_num": 5}},
              {"Student": {"name": "ResNet18", "class_num": 5}}]
    for key, refused in (("Teacher", True), ("Student", False)):
        file = searched(tmp_path, LR, Arch={"name": "DistillationModel", "class_num": 5,
                                            "models": models},
                        Metric__Eval=[{"DistillationTopkAcc": {"model_key": key, "topk": [1]}}])
        issues = ""
        try:
            load_search_file(file)
        except ConfigError as error:
            issues = str(error)
        assert ("the model_key of DistillationTopkAcc must be Student" in issues) is refused


def test_dali_is_refused_where_it_would_count_images_twice(tmp_path):
    file = searched(tmp_path, LR, Global__use_dali=True)
    (tmp_path / "val_list.txt").write_text("a.jpg 0\n" * 9)
    with pytest.raises(ConfigError, match=r"must divide the number of images: .* 9 images, batch"):
        load_search_file(file)
    (tmp_path / "val_list.txt").write_text("a.jpg 0\n" * 16)
    load_search_file(file)


@pytest.mark.parametrize(("path", "values"), [
    ("DataLoader.Eval.dataset.cls_label_path", ["a.txt", "b.txt"]),
    ("DataLoader.Eval.dataset.image_root", [".", ".."]),
    ("Metric.Eval", [[{"TopkAcc": {"topk": [1]}}], [{"GoogLeNetTopkAcc": {"topk": [1]}}]]),
    ("Global.use_multilabel", [False, True])])
def test_trials_are_measured_on_the_same_images_by_the_same_metric(tmp_path, path, values):
    items = [{"search_key": "what", "replace_config": [path], "search_values": values}]
    with pytest.raises(ConfigError) as caught:
        load_search_file(searched(tmp_path, items, Global__use_multilabel=False))
    assert ("search_dict.0.replace_config: may not change the images or metrics that trials are "
            "measured by: their results could not be compared") in str(caught.value)


def test_how_images_are_evaluated_may_be_searched(tmp_path):
    items = [{"search_key": "mean", "replace_config": [
        "DataLoader.Eval.dataset.transform_ops.2.NormalizeImage.mean"],
        "search_values": [[0.5, 0.5, 0.5], [0.4, 0.4, 0.4]]}]
    load_search_file(searched(tmp_path, items))


def test_a_list_that_changes_while_the_search_runs_ends_it(tmp_path):
    settings = tiny_settings(str(tmp_path / "out"), values={"a": [0.0], "Tiny.images": [9, 3]},
                             tiny={"images": 9}, workers=1)
    with pytest.raises(StudyError, match="trial 1 was measured on 3 images, trial 0 on 9: the "):
        run_search(settings, runner=RUNNER)
    trials = load_search(tmp_path / "out").trials
    assert [(str(one.state), one.images) for one in trials] == [("complete", 9), ("failed", None)]
    assert "cannot be compared" in trials[1].info["reason"]


def test_another_list_of_as_many_images_is_another_list():
    records = [record(0, 0.1, value=0.5, info={"list": "aa"}), record(1, 0.1, state="running")]
    for result, other in (({"images": 9, "list": "bb"}, True), ({"images": 9}, False),
                          ({"images": 9, "list": "aa"}, False), (None, False)):
        said = other_list(result or {}, records[1], records)
        assert ("trial 1 was measured on another list than trial 0" in str(said)) is other
    teacher = replace(records[0], stage=Stage.TEACHER)
    assert other_list({"list": "bb"}, records[1], [teacher, records[1]]) is None


def test_an_earlier_search_of_several_lists_is_no_task_to_learn_from(tmp_path, monkeypatch):
    for name, images in (("one", 9), ("old", None)):
        run_search(tiny_settings(str(tmp_path / name), values={"a": [0.0, 0.5]}, workers=1,
                                 tiny={"images": images}), runner=RUNNER, callbacks=[])
    space = Space((Choice("a", (0.0, 0.5)), ))
    for name in ("one", "old"):
        task = load_task(str(tmp_path / name), space=space, output_dir="elsewhere")
        assert len(task.points) == 2, task
    # as an earlier version left it that went on after the list was cut
    *before, last = read_saved_search(tmp_path / "one").records()
    mixed = (*before, replace(last, info={**last.info, "images": 3}))
    monkeypatch.setattr(SavedSearch, "records", lambda _: mixed)
    issue = load_task(str(tmp_path / "one"), space=space, output_dir="elsewhere")
    assert "must have been measured on one evaluation list" in str(issue)
    assert "3, 9 images" in str(issue)


@pytest.mark.parametrize("images", [0, None, -1, 2.5])
def test_a_metric_over_no_image_is_none(images):
    result = {"curve": [[1, 0.5]], "value": 0.5, "images": images}
    verdict, message, _ = _verdict(result)
    assert verdict == "invalid"
    assert f"measured on {images!r} images" in message
    assert _verdict({**result, "images": 9})[0] == "complete"


def test_results_of_two_lists_are_rebuilt_into_no_study(tmp_path):
    settings = tiny_settings(str(tmp_path / "out"), values={"a": [0.0, 0.5]}, workers=1)
    run_search(settings, runner=RUNNER)
    (tmp_path / "out/study.journal").unlink()
    kept = tmp_path / "out/trials/0001/trial.json"
    text = kept.read_text()
    kept.write_text(re.sub(r'"images": ?9', '"images": 3', text))
    assert kept.read_text() != text
    with pytest.raises(StudyError, match="trial 1 was measured on 3 images, trial 0 on 9"):
        run_search(settings, runner=RUNNER, rebuild=True)
    kept.write_text(text)
    assert run_search(settings, runner=RUNNER, rebuild=True) == 0


def test_two_final_trainings_are_tested_on_one_list():
    runs = object.__new__(FinalRuns)
    with pytest.raises(StudyError, match="tested on 3 and on 9 images: the test list has changed"):
        runs._outcome({0: {"images": 9}, 1: {"images": 3}})


def test_a_mean_of_classes_says_of_how_many(tmp_path):
    settings = shown_settings(tmp_path, metric="mean_per_class")
    records = [record(0, 0.01, value=0.75, info={"classes": 2})]
    leaderboard = ranker_of(settings).leaderboard(records)
    assert summary_lines(settings, records, leaderboard)[0].startswith(
        "Best mean_per_class 0.7500 on 9 images of 2 classes")


def test_every_file_says_on_how_many_images(tmp_path):
    out = tmp_path / "out"
    settings = tiny_settings(str(out), values={"a": [0.0, 0.5]}, workers=1, tiny={"images": 7},
                             fixed={"a": 0.5})
    run_search(settings, runner=RUNNER)
    summary = json.loads((out / "search_results.json").read_text())
    assert summary["winner"]["images"] == summary["fixed"]["images"] == 7
    assert json.loads((out / "trials/0000/result.json").read_text())["images"] == 7
    assert load_yaml(str(out / "best_config.yaml"))["Tiny"]["images"] == 7
    assert "on 7 images" in (out / "best_config.yaml").read_text().splitlines()[1]
    found = load_search(out)
    assert {found.best.images, *(row["images"] for row in found.rows()),
            *(trial.images for trial in found.trials)} == {7}
