"""``prepare`` with a second folder: labelled images from elsewhere, images without labels."""

import os
import shutil

import pytest
import yaml

from paddle_transfer.checks.checker import check_config
from paddle_transfer.config.load import load_yaml
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.config_files import written_files
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.errors import DataError
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.datasets import build, picture
from tests.helpers.own_folder import fill, prepare_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The current folder, with labelled images below ``own``."""
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "own", {"cat": 10, "dog": 10})
    return tmp_path


def lines(name):
    with open(f"own/{name}", encoding="utf-8") as stream:
        return stream.read().splitlines()


def sizes(config):
    return {name: section["sampler"]["batch_size"]
            for name, section in config["DataLoader"].items() if name not in ("Eval", "Test")}


def checked(name):
    """The config, and what the check says of it."""
    config = load_yaml(f"own/{name}.yaml")
    return config, check_config(config, file=name, processes=1)


def test_a_source_of_its_own_classes_is_for_two_tasks(home):
    fill(home / "more", {"bee": 4, "cat": 4, "elk": 4}, first=100)
    told = prepare_folder("own", source=home.joinpath("more").relative_to(home), test=0.2,
                          size=32)
    assert "own/source_list.txt: 12 images" in told
    assert lines("source_list.txt")[4] == "../more/cat/0.jpg 1"
    assert lines("source_label_list.txt") == ["0 bee", "1 cat", "2 elk"]
    assert lines("label_list.txt") == ["0 cat", "1 dog"]
    config, report = checked("custom_multi_task")
    assert (report.findings, list(report.counts)) == ([], ["train", "source", "val", "test"])
    assert config["Arch"]["class_num"] == 2
    assert sizes(config) == {"Train": 12, "Source": 12}
    assert "Unlabeled" not in config["DataLoader"]
    settings = load_search_file("own/custom_multi_task_search.yaml")
    assert settings.space["strategy"].values == ("full", "multi_task")


def test_images_without_labels_are_taken_from_any_folders(home):
    fill(home / "shop", {".": 2, "a/b c": 3, "d": 1}, first=100)
    (home / "shop/d/notes.txt").write_text("no image")
    told = prepare_folder("own", unlabeled=home / "shop", size=32)
    assert lines("unlabeled_list.txt") == [
        f"{home}/shop/{name}" for name in (
            "0.jpg", "1.jpg", "a/b c/0.jpg", "a/b c/1.jpg", "a/b c/2.jpg", "d/0.jpg")]
    assert f"note: {home}/shop: 1 file skipped: .txt (d/notes.txt)" in told
    config, report = checked("custom_domain_adaptation")
    assert (report.findings, report.counts["unlabeled"]["images"]) == ([], 6)
    assert config["DataLoader"]["Unlabeled"]["dataset"]["delimiter"] == "\t"
    assert load_search_file("own/custom_domain_adaptation_search.yaml").metric == "target_free"


def test_beside_images_without_labels_the_source_has_the_classes_of_the_root(home):
    fill(home / "more", {"ant": 2, "dog": 3, "elk": 2}, first=100)
    fill(home / "shop", {".": 3}, first=200)
    told = prepare_folder("own", source=home / "more", unlabeled=home / "shop", size=32)
    assert lines("source_list.txt") == [f"{home}/more/dog/{i}.jpg 1" for i in range(3)]
    assert "left out are classes that are not those of --root: ant, elk" in told
    assert "more: has no image of cat" in told
    assert not os.path.exists("own/source_label_list.txt")
    config, report = checked("custom_domain_adaptation")
    assert [finding.kind for finding in report.findings] == []
    assert {*config["DataLoader"]} == {"Train", "Source", "Unlabeled", "Eval"}
    settings = load_search_file("own/custom_domain_adaptation_search.yaml")
    assert (settings.metric, settings.fixed["strategy"]) == ("top1", "full")


def test_no_image_is_in_two_lists_and_lists_of_an_earlier_call_go(home):
    fill(home / "more", {"bee": 2, "elk": 2}, first=100)
    shutil.copy("own/cat/3.jpg", "more/elk/copy.jpg")
    assert "more: 1 image left out, being in another list by content" in prepare_folder(
        "own", source=home / "more")
    assert len(lines("source_list.txt")) == 4
    prepare_folder("own")
    assert not {"source_list.txt", "source_label_list.txt"} & {*os.listdir("own")}
    for name in ("shop", "shop/in"):
        (home / name).mkdir()
        shutil.copy("own/dog/3.jpg", f"{name}/copy.jpg")
    before = sorted(os.listdir("own"))
    with pytest.raises(DataError, match=r"no usable image for the unlabeled .* left of 2: 2 are "):
        prepare("folder", home / "own", PrepareOptions(unlabeled=home / "shop", processes=1))
    assert sorted(os.listdir("own")) == before


def test_broken_images_are_left_out_of_every_list(home):
    fill(home / "shop", {".": 2}, first=100)
    (home / "shop/broken.jpg").write_bytes(picture(1)[:200])
    result = prepare("folder", home / "own", PrepareOptions(unlabeled=home / "shop", processes=1))
    assert [bad.split(":")[0] for bad in result.bad] == [f"{home}/shop/broken.jpg"]
    assert result.lists["unlabeled"][1] == 2


def test_a_step_has_few_of_few_images_beside_a_longer_source():
    lists = {"train": 50, "val": 10, "source": 400}
    made = {
        "source": yaml.safe_load(next(iter(written(lists).values()))),
        "none": yaml.safe_load(next(iter(written({"train": 50}).values()))),
        "unlabeled": yaml.safe_load(next(iter(written({"train": 50, "unlabeled": 400}).values())))}
    assert {name: sizes(config) for name, config in made.items()} == {
        "source": {"Train": 8, "Source": 40}, "none": {"Train": 16},
        "unlabeled": {"Train": 16, "Unlabeled": 16}}


def test_an_epoch_over_few_images_has_ten_steps_where_their_batch_is_not_too_small():
    made = {count: yaml.safe_load(next(iter(written({"train": count}).values())))
            for count in (10, 98, 320, 5000)}
    assert {count: sizes(config)["Train"] for count, config in made.items()} == {
        10: 10, 98: 16, 320: 32, 5000: 64}


def written(lists):
    return written_files(DATASETS["folder"], root="own", classes=2, lists=lists, delimiter=" ")


@pytest.mark.parametrize(("folders", "options", "text"), [
    ({}, {"unlabeled": "nowhere"}, r"nowhere: is no folder\. --unlabeled names"),
    ({"empty": 0}, {"unlabeled": "empty"}, "empty: holds no image"),
    ({}, {"unlabeled": "own/cat"}, r"own/cat \(--unlabeled\) is own \(--root\), or in it"),
    ({}, {"source": "."}, r"own \(--root\) is \. \(--source\), or in it"),
    ({"s/a": 2, "s/b": 2}, {"source": "s", "unlabeled": "s"}, "or in it"),
    ({"s/a": 2, "s/b": 2, "u": 1}, {"source": "s", "unlabeled": "u"}, "which has no a, b. Rename"),
    ({"s/cat": 2, "s/Dog": 2, "u": 1}, {"source": "s", "unlabeled": "u"},
     r"has no Dog\. 'Dog' is 'dog' there\. Rename"),
    ({"a\tb": 1}, {"unlabeled": "a\tb"}, "has a tab in its name, which no list"),
    ({"s/a": 2}, {"source": "s"}, "s: should hold a folder per class, but has 1")])
def test_a_folder_that_cannot_be_used_is_told_before_anything_is_written(home, folders, options,
                                                                         text):
    fill(home, folders, first=100)
    with pytest.raises(DataError, match=text):
        prepare_folder("own", **{key: type(home)(name) for key, name in options.items()})
    assert sorted(os.listdir("own")) == ["cat", "dog"]


def test_a_public_data_set_gets_files_of_its_own(tmp_path, monkeypatch):
    """Without adabn, as its network has no BatchNorm; and without a test list that says nothing
    about the images without labels."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="shop: is no folder"):
        prepare_folder("voc", name="voc2012", unlabeled=tmp_path / "shop")
    build("voc2012", tmp_path / "voc")
    fill(tmp_path / "shop", {".": 3}, first=1000)
    told = prepare_folder("voc", name="voc2012", unverified=True, unlabeled=tmp_path / "shop")
    assert "search -c voc/voc2012_domain_adaptation_search.yaml" in told
    settings = load_search_file("voc/voc2012_domain_adaptation_search.yaml")
    assert settings.base_config["Arch"]["name"] == "VGG16"
    assert settings.base_config["Transfer"] == {"strategy": "domain_adaptation"}
    assert settings.space["adaptation"].values == ("adversarial", "coral")
    assert (settings.metric, settings.final) == ("target_free", None)
