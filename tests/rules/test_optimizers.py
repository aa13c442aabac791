"""Optimizers that PaddleClas and Paddle can build."""

import pytest

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.optimizers import check_optimizers
from tests.helpers.configs import base_config

ADAMW = {"name": "AdamW", "weight_decay": 0.01}


@pytest.mark.parametrize(("arguments", "wrong"), [
    ({"name": "Momentum", "momentum": 0.9}, ""),
    ({"name": "Momentum", "momentum": 1.5}, "momentum"),
    ({"name": "Momentum", "momentum": 1}, "momentum"),
    ({"name": "Momentum", "momentum": "0.9"}, "momentum"),
    ({"name": "RMSProp", "rho": 1.0}, "rho"),
    ({"name": "RMSProp", "epsilon": -1e-3}, "epsilon"),
    ({"name": "Momentum", "momentum": 0.9, "clip_norm": 0}, "clip_norm"),
    ({"name": "Adam", "beta1": 1.0}, "beta1"),
    (ADAMW, ""),
    ({"name": "AdamW", "weight_decay": 0}, ""),
    ({"name": "AdamW"}, "weight_decay"),
    ({**ADAMW, "regularizer": {"name": "L2", "coeff": 0.01}}, "regularizer"),
    ({**ADAMW, "regularizer": None}, ""),
    ({"name": "SGD", "weight_decay": -1.0}, "weight_decay"),
    ({"name": "SGD", "regularizer": {"name": "L1", "coeff": 0.01}}, ""),
    ({"name": "SGD", "regularizer": {"name": "L2Decay", "coeff": 0.01}}, "regularizer.name"),
    ({"name": "SGD", "regularizer": {"coeff": 0.01}}, "regularizer.name"),
    ({"name": "SGD", "regularizer": {"name": "L2", "coeff": "much"}}, "regularizer.coeff"),
    ({"name": "SGD", "regularizer": {"name": "L2", "coef": 0.1}}, "regularizer.coef"),
])
def test_arguments(arguments, wrong):
    config, issues = base_config(), ValidationIssues()
    config["Optimizer"] = {**arguments, "lr": {"learning_rate": 0.1}}
    check_optimizers(config, issues)
    assert [issue.where for issue in issues] == ([f"Optimizer.{wrong}"] if wrong else [])


def test_the_decay_of_adamw_is_told_with_its_place():
    config, issues = base_config(), ValidationIssues()
    config["Optimizer"]["name"] = "AdamW"
    check_optimizers(config, issues)
    assert "Write weight_decay: 1e-05 in its place" in str(issues[0])


def test_every_optimizer_of_a_list_but_that_of_a_loss():
    config, issues = base_config(), ValidationIssues()
    config["Optimizer"] = [{"Momentum": {"scope": "backbone", "momentum": 0.9}},
                           {"Momentum": {"scope": "head", "momentum": 2}},
                           {"Momentum": {"scope": "CenterLoss", "momentum": 3}}]
    check_optimizers(config, issues)
    assert [issue.found for issue in issues] == ["2 (an integer)"]
