"""A folder per class, a table: ``prepare`` for one's own images."""

import contextlib
import functools
import json
import re
from pathlib import Path

import pytest

from paddle_transfer.checks.checker import check_config
from paddle_transfer.cli import prepare as cli
from paddle_transfer.cli.prepare import COMMAND, prepare_and_print
from paddle_transfer.config.load import load_yaml
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.errors import DataError
from paddle_transfer.settings.final import Final
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers import own_folder
from tests.helpers.datasets import picture

#: Names with spaces: the lists are delimited by tabs.
fill = functools.partial(own_folder.fill, name="photo {}.jpg")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    root = tmp_path / "my images"
    root.mkdir()
    return root


def lists(root):
    return {
        split: [
            tuple(line.split("\t"))
            for line in (root / f"{split}_list.txt").read_text().splitlines()
        ]
        for split in ("train", "val", "test")
        if (root / f"{split}_list.txt").exists()
    }


def test_a_folder_with_spaces_becomes_lists_a_config_and_a_search_that_check(home, capsys):
    fill(home, {"red rose": 10, "tulip": 6, ".thumbs": 2})
    (home / "tulip" / "notes.txt").write_text("not an image")
    assert prepare_and_print("folder", home, PrepareOptions(test=0.2, processes=1, size=32)) == 0
    made = lists(home)
    assert {split: len(rows) for split, rows in made.items()} == {"train": 10, "val": 3, "test": 3}
    assert {label for _, label in made["train"]} == {label
                                                     for _, label in made["test"]} == {"0", "1"}
    assert (home / "label_list.txt").read_text() == "0 red rose\n1 tulip\n"
    config = load_yaml(str(home / "custom.yaml"))
    assert config["Arch"]["class_num"] == 2
    assert config["DataLoader"]["Train"]["dataset"]["delimiter"] == "\t"
    assert config["Metric"]["Eval"] == [{"TopkAcc": {"topk": [1]}}]
    report = check_config(config, file="custom.yaml", processes=1)
    assert report.findings == []
    assert list(report.counts) == ["train", "val", "test"]
    schema = (home / "custom_bayes.yaml").read_text().splitlines()[0].partition("$schema=")[2]
    assert json.loads(Path(schema).read_text(encoding="utf-8"))["properties"]["search_dict"]
    settings = load_search_file(str(home / "custom_bayes.yaml"))
    assert settings.base_config_file == f"{home}/custom.yaml"
    assert settings.final == Final("train+val")
    assert "tools/search.py -c" in capsys.readouterr().out


def test_the_network_and_the_size_of_the_config_are_named(home):
    fill(home, {"a": 4, "b": 4})
    prepare_and_print("folder", home, PrepareOptions(processes=1, arch="PPLCNet_x1_0", size=64))
    text = (home / "custom.yaml").read_text()
    config = load_yaml(str(home / "custom.yaml"))
    assert config["Arch"]["name"] == "PPLCNet_x1_0"
    assert config["Global"]["image_shape"] == [3, 64, 64]
    assert re.findall(r" (size|resize_short): (\d+)", text) == [
        ("size", "64"), ("resize_short", "73"), ("size", "64"), ("resize_short", "73"),
        ("size", "64")]
    assert load_search_file(str(home / "custom_bayes.yaml")).base.config["Arch"]["class_num"] == 2


def test_images_for_inference_are_those_of_one_class_and_no_sheet_of_samples(home, capsys):
    fill(home, {"red rose": 4, "tulip": 4})
    prepare_and_print("folder", home, PrepareOptions(processes=1))
    assert load_yaml(str(home / "custom.yaml"))["Infer"]["infer_imgs"] == f"{home}/red rose"
    assert "--sheet contact_sheet.png\n" in capsys.readouterr().out
    (home / "val_list.txt").write_text("")  # of a user: kept
    prepare_and_print("folder", home, PrepareOptions(processes=1))
    assert load_yaml(str(home / "custom.yaml"))["Infer"]["infer_imgs"] == str(home)


@pytest.mark.parametrize(("gpus", "cpu_only"), [(["0"], False), (["0"], True), ([], False)])
def test_the_command_that_trains_does_so_on_this_machine(home, capsys, monkeypatch, gpus, cpu_only):
    monkeypatch.setattr(cli, "find_gpus", lambda: gpus)
    monkeypatch.setattr(cli, "paddle_is_cpu_only", lambda: cpu_only)
    fill(home, {"a": 4, "b": 4})
    on_cpu = cpu_only or not gpus
    for options, told in [(PrepareOptions(processes=1), on_cpu),
                          (PrepareOptions(processes=1, arch="SqueezeNet1_1", size=64), False)]:
        prepare_and_print("folder", home, options)
        out = capsys.readouterr().out
        assert ("custom.yaml' -o Global.device=cpu\n" in out) == on_cpu
        assert ("--arch SqueezeNet1_1 --size 64" in out) == told


def test_a_config_that_other_options_replace_is_told(home, capsys):
    fill(home, {"a": 4, "b": 4})
    small = PrepareOptions(processes=1, arch="PPLCNet_x1_0", size=64)
    for options, note in [
            (small, ""), (small, ""),
            (PrepareOptions(processes=1), f"note: {home}/custom.yaml is replaced: Arch.name "
             "PPLCNet_x1_0 -> ResNet50_vd, size 64 -> 224\n"),
            (small, "Arch.name ResNet50_vd -> PPLCNet_x1_0, size 224 -> 64\n")]:
        prepare_and_print("folder", home, options)
        out = capsys.readouterr().out
        assert note in out
        assert ("is replaced" in out) == bool(note)
    (home / "custom.yaml").write_text((home / "custom.yaml").read_text() + "# mine\n")
    prepare_and_print("folder", home, PrepareOptions(processes=1))
    assert "is replaced" not in capsys.readouterr().out, "an edited one is kept"


@pytest.mark.parametrize(("arguments", "told"), [
    (["--size", "8"], "a whole number of pixels from 16 to 2048, but got 8"),
    (["--size", "big"], "but got big"),
    (["--arch", "PPLCNet_x1"], "must be a network of PaddleClas with ImageNet weights; found "
     "PPLCNet_x1. Did you mean")])
def test_another_network_or_size_is_refused_before_images_are_read(home, capsys, arguments, told):
    fill(home, {"a": 2, "b": 2})
    with contextlib.suppress(SystemExit):
        assert COMMAND.main(["--dataset", "folder", "--root", str(home), *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not (home / "train_list.txt").exists()


@pytest.mark.parametrize("options", [PrepareOptions(processes=1),
                                     PrepareOptions(test=0.2, val=0.0, processes=1)])
def test_without_a_validation_or_a_test_list_there_is_no_final_training(home, options):
    fill(home, {"a": 10, "b": 10})
    prepare_and_print("folder", home, options)
    assert load_search_file(str(home / "custom_bayes.yaml")).final is None


def test_split_folders_are_kept(home):
    fill(home / "train", {"a": 4, "b": 4})
    fill(home / "Valid", {"a": 2, "b": 1}, first=50)
    result = prepare("folder", home, PrepareOptions(processes=1))
    assert result.lists["train"][1] == 8
    assert result.lists["val"][1] == 3
    assert result.classes == ("a", "b")


def test_copies_never_land_on_two_sides(home):
    fill(home, {"a": 8, "b": 8})
    for i in range(8):
        (home / "a" / f"copy {i}.jpg").write_bytes((home / "a" / f"photo {i}.jpg").read_bytes())
    for seed in range(5):
        prepare("folder", home, PrepareOptions(val=0.3, test=0.2, seed=seed, processes=1))
        where = {}
        for split, rows in lists(home).items():
            for path, _ in rows:
                where.setdefault((home / path).read_bytes(), set()).add(split)
        assert all(len(splits) == 1 for splits in where.values()), seed


def test_broken_images_are_left_out_and_named(home):
    fill(home, {"a": 3, "b": 3})
    (home / "a" / "photo 1.jpg").write_bytes(picture(1)[:200])
    (home / "b" / "photo 2.jpg").write_bytes(b"<html>not found</html>")
    result = prepare("folder", home, PrepareOptions(processes=1))
    assert [line.split(":")[0] for line in result.bad] == ["a/photo 1.jpg", "b/photo 2.jpg"]
    assert "truncated" in result.bad[0]
    assert "web page" in result.bad[1]
    assert sum(len(rows) for rows in lists(home).values()) == 4
    assert "photo 1" in (home / "bad_images.txt").read_text()


def gif(path):
    import io

    from PIL import Image
    Image.open(io.BytesIO(picture(7))).save(path, format="GIF")


def test_two_images_never_become_one_converted_file(home):
    for folder, name in (("a", "b__c.gif"), ("a__b", "c.gif")):
        fill(home, {folder: 2})
        gif(home / folder / name)
    result = prepare("folder", home, PrepareOptions(val=0.0, processes=1))
    converted = [path for path, _ in lists(home)["train"] if path.startswith("converted")]
    assert result.converted == 2
    assert len(set(converted)) == 2
    assert all((home / path).exists() for path in converted)


def test_no_room_for_a_converted_image_is_no_fault_of_the_image(home):
    fill(home, {"a": 2, "b": 2})
    gif(home / "a" / "x.gif")
    (home / "converted").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"x\.gif\.png: cannot be written"):
        prepare("folder", home, PrepareOptions(val=0.0, processes=1))


def test_shares_that_leave_nothing_for_training_are_refused_with_the_default_one_too(home):
    fill(home, {"a": 5, "b": 5})
    text = r"--val 0\.2 and --test 0\.8 together must leave something for training"
    with pytest.raises(DataError, match=text):
        prepare("folder", home, PrepareOptions(test=0.8, processes=1))


@pytest.mark.parametrize("labels", [("--1", "2"), ("\u00b2", "3")])
def test_labels_that_only_look_like_numbers_are_names(home, labels):
    fill(home, {"x": 4})
    rows = "".join(f"x/photo {i}.jpg,{labels[i % 2]}\n" for i in range(4))
    (home / "t.csv").write_text("path,label\n" + rows, encoding="utf-8")
    assert set(prepare("csv", home, PrepareOptions(csv=str(home / "t.csv"), val=0.0,
                                           processes=1)).classes) == set(labels)


def test_other_options_leave_no_old_lists_behind(home):
    fill(home, {"a": 5, "b": 5})
    prepare("folder", home, PrepareOptions(test=0.2, processes=1))
    prepare("folder", home, PrepareOptions(val=0.0, processes=1))
    assert set(lists(home)) == {"train"}
    assert not (home / "trainval_list.txt").exists()


@pytest.mark.parametrize(("make", "text"), [
    (lambda _root: None, "a folder per class, but has none"),
    (lambda root: fill(root, {"only": 2}), "a folder per class, but has 1"),
    (lambda root: fill(root, {"a": 2, "b": 0}), "these classes have no image.*b"),
    (lambda root: (fill(root / "train", {"a": 2, "b": 2}), fill(root / "test", {"c": 1})),
     "no training images: c"),
    (lambda root: (fill(root, {"a": 2}), (root / "b").mkdir(),
                   (root / "b" / "x\ty.jpg").write_bytes(picture(9))),
     r"no image.*: b\..*\n1 file skipped: names that no list file can hold \('b/x\\ty\.jpg'\)"),
])
def test_folders_that_cannot_be_used_say_why(home, make, text):
    make(home)
    with pytest.raises(DataError, match=text):
        prepare("folder", home, PrepareOptions(processes=1))


def test_a_table_with_names_and_splits(home):
    fill(home, {"x": 6})
    rows = [
        "file;category;set",
        *(f"x/photo {i}.jpg;{('dog', 'cat')[i % 2]};{('train', 'train', 'test')[i // 2]}"
          for i in range(6))
    ]
    (home / "labels.csv").write_text("\ufeff" + "\r\n".join(rows) + "\r\n", encoding="utf-8")
    result = prepare("csv", home, PrepareOptions(val=0.0, processes=1))
    assert result.classes == ("cat", "dog")
    assert lists(home)["test"] == [("x/photo 4.jpg", "1"), ("x/photo 5.jpg", "0")]


def test_number_labels_become_0_based_in_numeric_order(home):
    fill(home, {"x": 4})
    rows = [f"{home}/x/photo {i}.jpg,{(2, 10)[i % 2]}\n" for i in range(4)]
    (home / "t.csv").write_text("path,label\n" + "".join(rows))
    result = prepare("csv", home, PrepareOptions(csv=str(home / "t.csv"), val=0.0, processes=1))
    assert result.classes == ("2", "10")
    assert lists(home)["train"][1] == ("x/photo 1.jpg", "1")


@pytest.mark.parametrize(("text", "message"), [
    ("path,label\na.jpg,1\nb.jpg\nc.jpg,\n",
     r"(?s)t\.csv:3: 2 columns expected.*t\.csv:4: image or label is empty"),
    ("path,label,split\na.jpg,1,train\nb.jpg,2,holdout\n",
     r"t\.csv:3: a split is train, val or test, but got 'holdout'"),
    ("bild,klasse\na,b\n", "which column is the image.*--image-column"),
    ("path,label\na.jpg,1\nb.jpg,1\n", "all images have the label '1'"),
    ("", "the table is empty"),
])
def test_tables_that_cannot_be_used_name_their_lines(home, text, message):
    (home / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        prepare("csv", home, PrepareOptions(csv=str(home / "t.csv"), processes=1))


def test_a_misspelt_column_gets_a_hint(home):
    (home / "t.csv").write_text("picture,klass\na,b\n")
    options = PrepareOptions(csv=str(home / "t.csv"), image_column="pictur", processes=1)
    with pytest.raises(DataError, match=r"no column 'pictur'\. Did you mean 'picture'"):
        prepare("csv", home, options)


@pytest.mark.parametrize(("inner", "classes"), [("images", 2), ("a/b c", 3)])
def test_the_folder_that_holds_the_classes_is_named(home, inner, classes):
    fill(home, {f"{inner}/class{i}": 2 for i in range(classes)})
    with pytest.raises(DataError) as caught:
        prepare("folder", home, PrepareOptions(processes=1))
    text = str(caught.value)
    assert f"has 1, {inner.partition('/')[0]}. If the classes are class0, class1" in text
    assert f"--root '{home / inner}'" in text


def test_one_class_is_still_one_class(home):
    fill(home, {"rose": 2})
    with pytest.raises(DataError, match=r"a folder per class, but has 1\. For a table"):
        prepare("folder", home, PrepareOptions(processes=1))


@pytest.mark.parametrize(("names", "note"), [
    (["0", "1", "2", "10"], "the class named 10 has the label 2 and 1 more, see label_list.txt"),
    (["1", "2"], "the class named 1 has the label 0 and 1 more"),
    (["0", "1", "2"], ""), (["0", "1", "10", "cat"], ""),
])
def test_classes_that_are_numbers_but_not_their_labels_are_told(home, names, note):
    fill(home, dict.fromkeys(names, 2))
    notes = prepare("folder", home, PrepareOptions(processes=1)).notes
    told = [one for one in notes if "order of their names as texts" in one]
    assert [note in one for one in told] == ([True] if note else [])


def test_a_converted_picture_that_was_edited_is_kept_and_told(home):
    from PIL import Image

    fill(home, {"a": 2, "b": 2})
    gif(home / "a" / "x.gif")
    target = home / "converted" / "a" / "x.gif.png"

    def run():
        return [note for note in prepare("folder", home, PrepareOptions(
            val=0.0, processes=1)).notes if "converted image" in note]

    assert run() == []
    written = target.read_bytes()
    assert run() == []
    assert target.read_bytes() == written
    Image.new("RGB", (40, 40)).save(home / "a" / "x.gif", format="GIF")
    assert run() == [], "the image has changed, not what was made of it"
    assert target.read_bytes() != written
    Image.new("RGB", (9, 9), "red").save(target)
    edited = target.read_bytes()
    note, = run()
    assert note.startswith("1 converted image kept that this command did not write as it is: "
                           "converted/a/x.gif.png. ")
    assert target.read_bytes() == edited
    target.write_text("no image")
    with pytest.raises(DataError, match=r"x\.gif\.png: is there already, and is no image"):
        run()
