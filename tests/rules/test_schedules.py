"""Schedules that PaddleClas and Paddle can build."""

import pytest

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.schedules import check_schedules
from tests.helpers.configs import base_config


@pytest.mark.parametrize(("schedule", "wrong"), [
    ({"name": "Cosine", "learning_rate": 0.1}, ""),
    ({"name": "Cosine", "learning_rate": -0.1}, "learning_rate"),
    ({"name": "Cosine", "learning_rate": "0.1"}, "learning_rate"),
    ({"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 1.0}, "warmup_epoch"),
    ({"name": "Step", "learning_rate": 0.1, "step_size": 1, "gamma": 0.1, "warmup_epoch": 0.5}, ""),
    ({"name": "Step", "learning_rate": 0.1, "step_size": 0, "gamma": 0.1}, "step_size"),
    ({"name": "Step", "learning_rate": 0.1, "step_size": 1, "gamma": 1.0}, "gamma"),
    ({"name": "Linear", "learning_rate": 0.1, "warmup_epoch": -1}, "warmup_epoch"),
    ({"name": "Linear", "learning_rate": 0.1, "warmup_epoch": 1, "warmup_start_lr": 0.1},
     "warmup_start_lr"),
    ({"name": "Piecewise", "decay_epochs": [1, 2], "values": [0.1, 0.01]}, "values"),
    ({"name": "Piecewise", "decay_epochs": [], "values": [0.1]}, "decay_epochs"),
    ({"name": "Piecewise", "decay_epochs": [1], "values": [0.1, 0.01]}, ""),
    ({"name": "MultiStepDecay", "learning_rate": 0.1, "milestones": [2, 1]}, "milestones"),
    ({"learning_rate": 0.1}, ""),
])
def test_schedules(schedule, wrong):
    config, issues = base_config(), ValidationIssues()
    config["Optimizer"]["lr"] = schedule
    check_schedules(config, issues)
    assert [issue.where for issue in issues] == ([f"Optimizer.lr.{wrong}"] if wrong else [])


def test_of_two_optimizers_one_may_rest():
    config, issues = base_config(), ValidationIssues()
    lr = {"name": "Constant", "learning_rate": 0.0}
    config["Optimizer"] = [{"Momentum": {"scope": "backbone", "lr": lr}},
                           {"Momentum": {"scope": "head", "lr": {**lr, "learning_rate": 0.1}}}]
    check_schedules(config, issues)
    assert issues == []
    config["Optimizer"].pop()
    check_schedules(config, issues)
    assert "nothing would be trained" in str(issues[0])
