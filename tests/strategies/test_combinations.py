"""What a training config asks for beside a strategy: allowed, or refused by name before training.
"""

import pytest

from paddle_transfer.config import resolve
from paddle_transfer.config.versions import ignored_by
from paddle_transfer.errors import ConfigError, TrialError
from paddle_transfer.strategies.base import Strategy
from paddle_transfer.strategies.combinations import (
    COMBINATIONS,
    SEVERAL_DEVICES,
    require_one_device,
)
from paddle_transfer.strategies.registry import STRATEGIES
from paddle_transfer.strategies.section import apply_strategy, check_strategy
from tests.helpers.configs import base_config
from tests.helpers.greedy_files import distillation_config

KEEPING = ("head", "partial", "gradual")
#: A config's sections -> the strategies that refuse them.
ASKED = {
    "amp": ({"AMP": {"level": "O1"}}, ()), "half_weights": ({"AMP": {"level": "O2"}}, KEEPING),
    "off": ({"AMP": {"level": "O2", "use_amp": False}}, ()), "ema": ({"EMA": {"decay": 0.9}}, ())}


def config(strategy, **sections):
    return {**base_config(), **sections,
            "Transfer": {"strategy": strategy, "pretrained": "imagenet"}}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", [*KEEPING, "full", "scratch", "discriminative"])
def test_what_each_refuses(name, asked):
    sections, refusing = ASKED[asked]
    issues = check_strategy(config(name, **sections))
    assert [issue.where for issue in issues] == ["AMP.level"] * (name in refusing)
    for issue in issues:
        assert str(issue) == (
            f"AMP.level: cannot stand beside Transfer.strategy: {name}, which leaves layers as "
            "they were loaded: level O2 would round them to half precision; found O2. Write "
            "AMP.level: O1. Or choose strategy: full.")


class Lonely(Strategy):
    refuses = dict.fromkeys((*COMBINATIONS, SEVERAL_DEVICES), "which is a test")


def test_every_combination_can_be_refused():
    STRATEGIES.register("lonely", Lonely)
    Lonely.options = STRATEGIES["full"].options
    try:
        distilled = distillation_config(base_config())
        for name, (sections, _) in {**ASKED, "distillation": (distilled, ())}.items():
            found = {issue.where for issue in check_strategy(config("lonely", **sections))}
            assert found == {"amp": {"AMP"}, "half_weights": {"AMP", "AMP.level"}, "off": set(),
                             "ema": {"EMA"}, "distillation": {"Arch.models"}}[name]
    finally:
        STRATEGIES.unregister("lonely")
    require_one_device(1, "lonely", Lonely())
    require_one_device(2, "full", STRATEGIES["full"]())
    with pytest.raises(TrialError, match="lonely trains on one device, which is a test; 2 process"):
        require_one_device(2, "lonely", Lonely())


def test_the_trained_networks_of_a_distillation():
    assert resolve.trained_networks(base_config()) == ["Arch"]
    made = distillation_config(base_config())
    assert resolve.trained_networks(made) == ["Arch.models.1.Student"]
    made["Arch"]["freeze_params_list"] = None
    assert resolve.trained_networks(made) == ["Arch.models.0.Teacher", "Arch.models.1.Student"]
    chain = {"name": "AttentionModel", "freeze_params_list": [True, False],
             "models": [{"ResNet34": {}}, {"LinearTransformTeacher": {}}]}
    made["Arch"]["models"][0]["Teacher"] = chain
    assert resolve.trained_networks(made) == ["Arch.models.1.Student"]
    chain["freeze_params_list"] = [False, False]
    assert resolve.trained_networks(made) == ["Arch.models.0.Teacher.models.0.ResNet34",
                                              "Arch.models.1.Student"]


@pytest.mark.parametrize("name", KEEPING)
def test_the_student_needs_weights_where_layers_stay_as_they_were_loaded(name):
    made = {**distillation_config(base_config()), "Transfer": {"strategy": name}}
    student = made["Arch"]["models"][1]["Student"]
    student["pretrained"] = False
    issue, = check_strategy(made)
    assert str(issue) == (
        f"Transfer.strategy: {name} needs pretrained weights: it leaves layers as they were "
        "loaded; found none for Arch.models.1.Student. Write Arch.models.1.Student.pretrained: "
        "True, say, or choose strategy: full.")
    student["pretrained"] = True
    assert check_strategy(made) == []


def test_from_scratch_a_teacher_keeps_its_weights():
    made = {**distillation_config(base_config()), "Transfer": {"strategy": "scratch"}}
    teacher, student = (next(iter(one.values())) for one in made["Arch"]["models"])
    teacher["pretrained"] = student["pretrained"] = True
    teacher, student = (next(iter(one.values()))
                        for one in apply_strategy(made)["Arch"]["models"])
    assert (teacher["pretrained"], student["pretrained"]) == (True, False)
    made["Global"]["pretrained_model"] = "both"
    with pytest.raises(ConfigError, match="the teacher would lose its weights"):
        apply_strategy(made)


@pytest.mark.parametrize(("section", "version", "told"), [
    ({"EMA": {"decay": 0.9}}, "2.4.2", ["EMA"]), ({"EMA": {"decay": 0.9}}, "2.6.0", []),
    ({"EMA": {"decay": 0.9}}, "unknown", []), ({"EMA": {"decay": 0}}, "2.4.2", []),
    ({"Global": {"update_freq": 2}}, "2.4.2", ["Global.update_freq"]),
    ({"Global": {"update_freq": 1}}, "2.4.2", [])])
def test_what_an_old_engine_ignores_is_told(section, version, told):
    issues = ignored_by({**base_config(), **section}, version)
    assert [issue.where for issue in issues] == told
    assert all("needs PaddleClas 2.5 or newer: older ones ignore it" in str(issue)
               for issue in issues)
