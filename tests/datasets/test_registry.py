"""Data sets of other packages: registered, prepared, and trained by what ``prepare`` writes."""

import pytest

from paddle_transfer.cli.prepare import prepare_and_print
from paddle_transfer.config.load import load_yaml
from paddle_transfer.datasets.base import Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.datasets.registry import DATASETS, public_datasets
from paddle_transfer.registry import UnknownName
from tests.helpers.datasets import picture


def read_toy(root, options):
    """Ten images of two classes, in the order of the seed."""
    entries = []
    for i in range(10):
        (root / f"{i}.jpg").write_bytes(picture(100 * options.seed + i))
        entries.append((f"{i}.jpg", i % 2))
    return Layout(("even", "odd"), {"train": entries})


@pytest.fixture
def toy(monkeypatch, tmp_path):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    DATASETS.register("toy", Dataset("toy", "Toys", read_toy, hold_out=0.4))
    yield tmp_path
    DATASETS.unregister("toy")


def test_a_registered_data_set_is_prepared_like_ours(toy):
    result = prepare("toy", toy, PrepareOptions(processes=1))
    assert {split: count for split, (_, count) in result.lists.items()} == {
        "train": 6, "val": 4, "trainval": 10}
    assert (toy / "label_list.txt").read_text() == "0 even\n1 odd\n"


def test_its_configs_are_written_into_its_folder(toy, capsys):
    assert prepare_and_print("toy", toy, PrepareOptions(processes=1)) == 0
    assert load_yaml(str(toy / "custom.yaml"))["Arch"]["class_num"] == 2
    assert f"-c {toy / 'custom_bayes.yaml'}" in capsys.readouterr().out


def test_names():
    assert (*public_datasets(), "folder", "csv") == DATASETS.names()
    assert all(DATASETS[name].name == name for name in DATASETS.names())
    with pytest.raises(UnknownName, match=r"there is no data set 'dtt'\. Did you mean 'dtd'\?"):
        DATASETS["dtt"]
