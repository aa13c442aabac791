"""Arguments that PaddleClas's parts do not take, need, or pass over."""

import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.arguments import arguments_at, arguments_rules, heeded, ignored
from paddle_transfer.worker.locate import known_ppcls
from tests.helpers.configs import base_config

RAND = "DataLoader.Train.dataset.transform_ops.1.RandCropImage"


def mistakes(config):
    issues = ValidationIssues()
    for rule in arguments_rules(known_ppcls()):
        rule.check(config, issues)
    return [str(issue) for issue in issues]


def edited(path, value):
    config = base_config()
    dotpath.set_(config, path, value, create=True)
    return config


def test_a_config_in_order_has_none():
    assert mistakes(base_config()) == []
    assert ignored(base_config(), known_ppcls()) == {}
    assert heeded(base_config(), known_ppcls()) == base_config()


@pytest.mark.parametrize(("path", "value", "said"), [
    ("Loss.Train.0.CELoss.epsilom", 0.1, "is no argument of CELoss; found 0.1 (a number). Did you "
     "mean 'epsilon'?"),
    (f"{RAND}.bogus", 1, "is no argument of RandCropImage"),
    ("Metric.Eval.0.TopkAcc.k", 1, "is no argument of TopkAcc"),
    ("DataLoader.Train.dataset.root", "x", "is no argument of ImageNetDataset"),
    ("Optimizer.rho", 0.9, "is no argument of Momentum"),
    ("Optimizer.learning_rate", 0.9, "Write Optimizer.lr.learning_rate."),
    ("Optimizer.regularizer", None, "is no argument of Momentum"),
])
def test_what_would_end_every_trial(path, value, said):
    text, = mistakes(edited(path, value))
    assert text.startswith(f"{path}: ")
    assert said in text


def test_what_is_needed():
    config = base_config()
    del config["Optimizer"]["momentum"]
    assert mistakes(config) == ["Optimizer.momentum: is needed by Momentum; found nothing there"]


@pytest.mark.parametrize(("path", "value", "why"), [
    ("Optimizer.lr.warmup_epochs", 1, "Cosine takes no warmup_epochs (is warmup_epoch meant?)"),
    ("Arch.bogus", 1, "ResNet18_vd takes no bogus"),
    ("Optimizer.lr", {"learning_rate": 0.1, "eta_min": 0.0},
     "a rate without the name of a schedule is constant"),
])
def test_what_is_passed_over(path, value, why):
    config = edited(path, value)
    (_, said), = ignored(config, known_ppcls()).items()
    assert said == why
    assert ignored(heeded(config, known_ppcls()), known_ppcls()) == {}
    assert ignored(config, None) == {}


def test_an_optimizer_in_a_list_is_told_as_one_and_found_where_it_is():
    config = base_config()
    lr = {"name": "Constant", "learning_rate": 0.1, "eta_min": 0.0}
    config["Optimizer"] = [{"SGD": {"scope": "all", "momentum": 0.9, "lr": lr}}]
    text, = mistakes(config)
    assert text.startswith("Optimizer.momentum: is no argument of SGD")
    assert list(ignored(config, known_ppcls())) == ["Optimizer.0.SGD.lr.eta_min"]


@pytest.mark.parametrize(("path", "is_one"), [
    ("Loss.Train.0.CELoss.epsilon", True), ("Loss.Train.0.CELoss.epsilom", False),
    ("Optimizer.lr.eta_min", True), ("Optimizer.no_such", False), ("Global.epsilon", False)])
def test_arguments_that_are_not_given(path, is_one):
    place, _, key = path.rpartition(".")
    assert (key in arguments_at(base_config(), place, known_ppcls())) is is_one
    assert arguments_at(base_config(), place, None) == ()
