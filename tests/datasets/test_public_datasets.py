"""Each public data set: its archives through prepare, and its shipped config through check."""

import pickle
from pathlib import Path

import pytest

from paddle_transfer.checks.checker import check_config
from paddle_transfer.config.load import load_yaml
from paddle_transfer.datasets import cifar10, voc2012
from paddle_transfer.datasets import prepare as prepare_module
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.pickles import load_arrays
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.datasets.registry import public_datasets
from paddle_transfer.errors import DataError
from tests.helpers.datasets import build

CONFIGS = Path(__file__).resolve().parents[2] / "ppcls_configs"
PUBLIC = public_datasets()


def entries(root, split):
    lines = (Path(root) / f"{split}_list.txt").read_text().splitlines()
    return [(path, int(label)) for path, label in (line.split(" ") for line in lines)]


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(name, **options):
        root = Path("dataset") / name
        counts = build(name, root) if not root.exists() else None
        chosen = PrepareOptions(**{"unverified": True, "processes": 1, **options})
        return counts, prepare(name, root, chosen, cache_folder=tmp_path / "cache")

    return run


@pytest.mark.parametrize("name", PUBLIC)
def test_archives_to_lists_to_a_clean_check(name, prepared, tmp_path):
    counts, result = prepared(name)
    dataset = PUBLIC[name]
    lists = {split: entries(result.root, split) for split in result.lists}
    official = dict(counts)
    official["train"] += official.get("val", 0)
    got = {"train": len(lists["train"]) + len(lists["val"])}
    if "test" in dataset.official:
        got["test"] = len(lists["test"])
    left_out = len(result.bad)
    assert sum(got.values()) + left_out == sum(official[split] for split in got)
    assert got.get("test", 0) == official.get("test", 0)
    assert sorted(lists["train"] + lists["val"]) == lists["trainval"]
    paths = [path for split in lists if split != "trainval" for path, _ in lists[split]]
    assert len(set(paths)) == len(paths), "an image stands in two lists"
    assert {label for _, label in lists["train"]} == set(range(dataset.classes))
    names = (result.root / "label_list.txt").read_text().splitlines()
    assert [line.split(" ", 1)[0] for line in names] == [str(i) for i in range(dataset.classes)]

    config = load_yaml(str(CONFIGS / "transfer" / dataset.recipe.arch / f"{name}.yaml"))
    report = check_config(config, file=name, processes=1, cache_folder=tmp_path / "cache")
    assert report.errors == []
    assert set(report.counts) == set(lists) - {"trainval"}
    assert report.scanned == result.converted, "prepare has looked at the others already"


def test_the_same_call_writes_the_same_lists_and_another_seed_others(prepared):
    _, first = prepared("food101")
    before = entries(first.root, "val")
    prepared("food101")
    assert entries(first.root, "val") == before
    prepared("food101", seed=1)
    assert entries(first.root, "val") != before
    assert sorted(label for _, label in entries(first.root, "val")) == sorted(
        label for _, label in before)


def test_labels_are_those_of_the_files(prepared):
    for name, path, label in (("oxford_iiit_pets", "images/Great_Breed_5_4.jpg",
                               4), ("oxford_102_flowers", "jpg/image_00004.jpg",
                                    0), ("stanford_cars", "cars_test/00007.jpg", 6),
                              ("dtd", "dtd/images/texture03/texture03_0003.jpg", 3)):
        _, result = prepared(name)
        assert (path, label) in entries(result.root, "test"), name
    assert "3 Maker Car 3 2012" in (Path("dataset") / "stanford_cars" /
                                    "label_list.txt").read_text()


def test_aircraft_names_keep_their_spaces(prepared):
    _, result = prepared("fgvc_aircraft")
    assert "11 Maker 11-77 ER" in (result.root / "label_list.txt").read_text().splitlines()


def test_sun397_bad_images_are_left_out_and_gifs_converted(prepared):
    _, result = prepared("sun397")
    assert len(result.bad) == 1
    assert "sun_0.jpg" in result.bad[0]
    assert "it is no image" in result.bad[0]
    assert (result.root / "bad_images.txt").read_text().count("\n") == 1
    everything = entries(result.root, "trainval") + entries(result.root, "test")
    assert result.converted == 1
    assert sum(path.startswith("converted/") for path, _ in everything) == 1
    assert not any(path in result.bad[0] for path, _ in everything)


def test_caltech_leaves_the_background_out_and_draws_without_replacement(prepared):
    _, result = prepared("caltech101")
    paths = [path for path, _ in entries(result.root, "trainval")]
    assert len(set(paths)) == len(paths) == 303
    assert not any("BACKGROUND" in path for path in paths)


def test_voc_takes_the_largest_box_that_is_not_difficult(tmp_path):
    def annotate(*boxes):
        file = tmp_path / "a.xml"
        file.write_text("<annotation>" + "".join(
            f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>0</xmin><ymin>0</ymin>"
            f"<xmax>{side}</xmax><ymax>{side}</ymax></bndbox></object>"
            for name, side, difficult in boxes) + "</annotation>")
        return voc2012.CLASSES[voc2012.read_label(file)]
    assert annotate(("dog", 50, 0), ("cat", 90, 1), ("bus", 20, 0)) == "dog"
    assert annotate(("cat", 90, 1), ("bus", 20, 1)) == "cat"
    with pytest.raises(DataError, match="unknown class 'unicorn'"):
        annotate(("unicorn", 1, 0))
    (tmp_path / "b.xml").write_text("<annotation><object>")
    with pytest.raises(DataError, match=r"b\.xml: should be an annotation"):
        voc2012.read_label(tmp_path / "b.xml")


class Evil:
    def __init__(self, what, *args):
        self.call = what, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_cifar_pickles_run_nothing(tmp_path, protocol):
    import os

    target = tmp_path / "ran"
    file = tmp_path / "data_batch_1"
    for number, evil in enumerate(
        (Evil(os.system, f"touch {target}"), Evil(
            eval, f"open({str(target)!r}, 'w')"), Evil(__import__, "os"))):
        file.write_bytes(pickle.dumps({b"data": [evil], b"labels": [0]}, protocol))
        with pytest.raises(DataError, match=r"refused.*asks for (posix|nt|builtins|__builtin__)"):
            load_arrays(file)
        assert not target.exists(), number


def test_cifar_pickles_of_other_things_are_named(tmp_path):
    import numpy as np

    file = tmp_path / "data_batch_1"
    for content, text in (({b"data": np.zeros((2, 3), "uint8"), b"labels": [0, 1]}, "n x 3072"), ({
            b"data": np.zeros((2, 3072), "uint8"), b"labels": [0, 10]
    }, r"2 numbers in 0\.\.9"), ([1], "holds list")):
        file.write_bytes(pickle.dumps(content, 2))
        with pytest.raises(DataError, match=text):
            cifar10.load_batch(file)
    file.write_bytes(b"\x80\x02}q\x00")
    with pytest.raises(DataError, match="broken pickle"):
        load_arrays(file)


def test_full_archives_must_give_the_official_counts(prepared, monkeypatch):
    """With the published md5 the counts must be official; here, those of the small archives."""
    from dataclasses import replace

    from paddle_transfer.datasets.archives import md5_of

    counts, result = prepared("dtd")
    dataset = PUBLIC["dtd"]
    archive = replace(dataset.archives[0], md5=md5_of(result.root / dataset.archives[0].file))
    changed = replace(dataset, archives=(archive,))
    monkeypatch.setattr(prepare_module, "DATASETS", {"dtd": changed})
    with pytest.raises(DataError, match="train should have 1880 images, but has 94"):
        prepared("dtd", unverified=False)
    monkeypatch.setattr(prepare_module, "DATASETS", {"dtd": replace(changed, official=counts)})
    _, result = prepared("dtd", unverified=False)
    assert result.notes == []


def test_the_tables_lists_add_up_to_the_official_counts():
    assert PUBLIC["food101"].counts == {"train": 68175, "val": 7575, "test": 25250}
    assert PUBLIC["sun397"].counts == {"train": 15880, "val": 3970, "test": 19850}
    assert PUBLIC["caltech101"].counts == {"train": 2525, "val": 505, "test": 5647}
    assert PUBLIC["oxford_iiit_pets"].counts == {"train": 2944, "val": 736, "test": 3669}
    assert PUBLIC["voc2012"].counts == {"train": 5717, "val": 5823}
    assert len(PUBLIC) == 10
