"""Ways to transfer in real trainings: every one of ours, and one from outside of the package, in a
trial, the train command and a search. It freezes the backbone, so what it did is in the weights.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from paddle_transfer import dotpath
from paddle_transfer.api import run_search
from paddle_transfer.config.base import FURTHER
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.config.portable import handed_back
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.strategies.registry import STRATEGIES
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.study.trial_folder import TrialFolder
from paddle_transfer.weights.read import read
from tests.helpers.bridge import digest, environment, save_weights, stock_use, train
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config
from tests.helpers.toy_strategy import Toy

ROOT = Path(__file__).parents[2]
TOY = "tests.helpers.toy_strategy:Toy"


@pytest.fixture(scope="module")
def weights(trainings, tmp_path_factory):
    """Weights of another task to start from."""
    path = tmp_path_factory.mktemp("weights") / "mine.pdparams"
    trainings(save_weights, str(path), arch="MobileNetV3_small_x0_35", class_num=7, seed=100)
    return str(path)


#: Every strategy with options that show, and whether another's weights are its start.
STRATEGIES_OF_OURS = {
    "full": {}, "scratch": {}, "head": {}, "partial": {"stages": 2},
    "gradual": {"head_epochs": 1, "stage_epochs": 1},
    "discriminative": {"backbone": 0.3, "decay": 0.5, "per": "layer"},
    "feature_extraction": {"classifier": "linear_svm", "strength": 0.01},
    "multi_task": {"weight": 2.0, "target_epochs": 1}, "domain_adaptation": {"hidden": 8}}
NUMBERS = {name: number for number, name in enumerate(STRATEGIES_OF_OURS)}  # of the trials below
#: In its trial a search is killed in the second epoch; it thaws layers before that.
KILLED = "gradual"


def test_all_of_ours_are_tried_here():
    assert set(STRATEGIES.builtin) == set(STRATEGIES_OF_OURS)


def config_of_all(digits, **overrides):
    """With the lists that some strategies read beside the training list: the images of the
    validation."""
    config = tiny_config(digits, "unused", **overrides)
    for part in FURTHER:
        section = dotpath.clone(config["DataLoader"]["Train"])
        section["dataset"]["cls_label_path"] = str(Path(digits, "val_list.txt"))
        config["DataLoader"][part] = section
    return config


@pytest.fixture(scope="module")
def searches(trainings, digits, weights, tmp_path_factory):
    """Two searches that try every strategy, undisturbed, and killed in the middle of a trial and
    resumed: their folders, and the epochs that the first one's trials reported, by number."""
    folder = tmp_path_factory.mktemp("searches")
    dump_yaml(config_of_all(digits, Global__pretrained_model=weights), str(folder / "base.yaml"))
    values = [{"name": name, **options} for name, options in STRATEGIES_OF_OURS.items()]
    for name in ("undisturbed", "killed"):
        dump_yaml({"base_config_file": str(folder / "base.yaml"), "search_mode": "grid",
                   "output_dir": str(folder / name), "workers": 1, "keep_models": len(values),
                   "checkpoint_every": 0 if name == "killed" else "none",
                   "search_dict": [{"search_key": "strategy", "search_values": values}]},
                  str(folder / f"{name}.yaml"))
    told = Reports()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(trainings.paddleclas).items():
            patch.setenv(name, value)
        ended = subprocess.run([sys.executable, "-m", "tests.helpers.killed_search",
                                str(folder / "killed.yaml"),
                                json.dumps({NUMBERS[KILLED]: "search"})],
                               cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stdout[-2000:] + ended.stderr[-2000:]
        kept = results(folder / "killed")
        assert [*kept] == [f"{number:04}" for number in range(NUMBERS[KILLED])]
        for name, callbacks in (("killed", ()), ("undisturbed", (told, ))):
            settings = load_search_file(str(folder / f"{name}.yaml"), [])
            assert run_search(settings, callbacks=callbacks) == 0
    assert kept.items() < results(folder / "killed").items(), "what was done is not done again"
    return SimpleNamespace(undisturbed=folder / "undisturbed", killed=folder / "killed",
                           reports=told.of)


class Reports:
    """The epochs that trials report, by their number, as a worker tells them."""

    def __init__(self):
        self.of = {}

    def epoch_reported(self, record, report) -> None:
        told = {key: getattr(report, key) for key in ("epoch", "value", "scalars", "images")}
        self.of.setdefault(record.number, []).append(told)


def results(folder):
    """What each trial of a search has left, by its number."""
    return {file.parent.name: file.read_bytes()
            for file in sorted(folder.glob("trials/*/result.json"))}


@pytest.mark.parametrize(("name", "options"), STRATEGIES_OF_OURS.items(), ids=STRATEGIES_OF_OURS)
def test_conformance(trainings, digits, weights, searches, tmp_path, name, options):
    """The same seed gives the same metric, also in a search that was killed; it stops when asked;
    stock PaddleClas evaluates, infers with and exports the best weights, with the accuracy that
    was shown."""
    number = NUMBERS[name]
    trial, again = (TrialFolder.of(one, number) for one in (searches.undisturbed, searches.killed))
    first = trial.read_result(number, 1)
    assert first["verdict"] == "complete"
    assert (first["pretrained"] is None) == (name == "scratch")
    assert changed(weights, trial.weights) >= HEAD
    resumed = again.read_result(number, 2 if name == KILLED else 1)
    assert resumed["curve"] == first["curve"]
    assert resumed.get("resumed") == ([1] if name == KILLED else None)
    assert not again.checkpoint.exists()
    assert trainings(digest, str(again.weights)) == trainings(digest, str(trial.weights))

    seed = load_yaml(str(trial.config))["Global"]["seed"]
    config = config_of_all(digits, Global__seed=seed)
    config["Transfer"] = {"pretrained": weights, "strategy": {"name": name, **options}}
    stopped = trainings(train, str(tmp_path / "stopped"), config, stop_after=1)
    assert stopped["stopped"]
    assert stopped["reports"] == searches.reports[number][:1]

    best = handed_back(apply_strategy(config), output_dir=str(tmp_path / "stock"), seed=7,
                       device="cpu", metric="top1")
    dump_yaml(best, str(tmp_path / "best_config.yaml"))
    used = trainings(stock_use, str(tmp_path / "best_config.yaml"),
                     str(trial.weights.with_suffix("")), str(tmp_path / "stock"))
    assert used["metric"] == pytest.approx(first["value"], abs=1e-6)
    assert used["shape"] == [1, 4]
    assert used["inferred"] > 0


def toy_config(digits, weights, **options):
    config = tiny_config(digits, "unused")
    config["Transfer"] = {"pretrained": weights, "strategy": {"name": TOY, **options}}
    return config


def changed(before, after):
    """The parameters that differ, without BatchNorm's statistics."""
    old, new = read(before).tensors, read(after).tensors
    return {name for name in new if not name.endswith(("_mean", "_variance")) and (
        name not in old or not np.array_equal(old[name], new[name]))}


FIRST = "conv.conv.weight"
HEAD = {"fc.weight", "fc.bias"}


def test_a_training_heeds_its_edit_and_its_hooks(trainings, digits, weights, tmp_path):
    head, thawed = tmp_path / "head", tmp_path / "thawed"
    first = trainings(train, str(head), toy_config(digits, weights, thaw_in=9))
    assert changed(weights, head / "best_model.pdparams") == HEAD
    log = (head / "train.log").read_text()
    assert "toy: epoch 1, momentum 0.5, frozen True\n" in log
    assert "toy: epoch 2, momentum 0.5, frozen True\n" in log
    assert set(read(head / "best_model.pdparams").tensors) == set(read(weights).tensors)

    again = trainings(train, str(tmp_path / "again"), toy_config(digits, weights, thaw_in=9))
    assert (again["reports"], again["digest"]) == (first["reports"], first["digest"])
    trainings(train, str(thawed), toy_config(digits, weights, thaw_in=1))
    assert changed(weights, thawed / "best_model.pdparams") == HEAD | {FIRST}


def test_an_unknown_one_is_refused_before_training(trainings, digits, tmp_path):
    config = tiny_config(digits, "unused")
    config["Transfer"] = {"strategy": "ful"}
    with pytest.raises(ConfigError, match=r"there is no strategy 'ful'\. Did you mean 'full'\?"):
        trainings(train, str(tmp_path), config)


def test_the_train_command_heeds_it_too(trainings, digits, weights, tmp_path):
    expected = trainings(train, str(tmp_path / "trial"), toy_config(digits, weights))
    config = toy_config(digits, weights)
    config["Global"]["output_dir"] = str(tmp_path / "out")
    dump_yaml(config, str(tmp_path / "config.yaml"))

    def run(*overrides, code=0):
        ended, told = trainings(run_command, "train", "-c", "config.yaml", *overrides,
                                cwd=str(tmp_path))
        assert ended == code, told
        return told

    shown = run()
    told = json.loads((tmp_path / "out/train_result.json").read_text())
    assert told["best"] == expected["value"]
    assert "toy: epoch 2, momentum 0.5, frozen False\n" in shown
    wrong = run("-o", "Transfer.strategy.thaw_inn=1", "-o", "FineTune.dropot=0.5", code=2)
    assert "Did you mean 'thaw_in'?" in wrong
    assert "Did you mean 'dropout'?" in wrong


def test_one_that_only_this_process_registered_reaches_the_workers_of_a_search(
        trainings, digits, tmp_path, monkeypatch):
    config = tiny_config(digits, "unused")
    config["Transfer"] = {"strategy": {"name": "toy", "thaw_in": 9}}
    dump_yaml(config, str(tmp_path / "base.yaml"))
    search = {"base_config_file": str(tmp_path / "base.yaml"), "output_dir": str(tmp_path / "out"),
              "search_mode": "grid", "search_dict": [{"search_key": "lr", "search_values": [0.05]}]}
    dump_yaml(search, str(tmp_path / "search.yaml"))
    for name, value in environment(trainings.paddleclas).items():
        monkeypatch.setenv(name, value)
    STRATEGIES.register("toy", Toy)
    try:
        settings = load_search_file(str(tmp_path / "search.yaml"), [])
        assert run_search(settings, callbacks=()) == 0
    finally:
        STRATEGIES.unregister("toy")
    trial = tmp_path / "out/trials/0000"
    emitted = yaml.safe_load((trial / "config.yaml").read_text())
    assert emitted["Transfer"]["strategy"] == {"name": TOY, "thaw_in": 9}
    assert emitted["Optimizer"]["momentum"] == 0.5
    assert json.loads((trial / "result.json").read_text())["verdict"] == "complete"
    assert "toy: epoch 2, momentum 0.5, frozen True\n" in (trial / "train.log").read_text()
