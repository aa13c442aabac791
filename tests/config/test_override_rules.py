"""Overrides that miss their key, or would drop others without a word."""

import pytest

from paddle_transfer.config.load import apply_overrides
from paddle_transfer.config.override_rules import elsewhere
from paddle_transfer.errors import ConfigError
from tests.helpers.configs import base_config


def refusal(option):
    with pytest.raises(ConfigError) as caught:
        apply_overrides(base_config(), [option])
    issue, = caught.value.issues
    return str(issue)


@pytest.mark.parametrize(("option", "hint"), [
    ("epochs=3", "Did you mean 'Global.epochs', of the training config?"),
    ("lr=0.1", "Did you mean 'Optimizer.lr.learning_rate', of the training config?"),
    ("sampler.batch_size=4", "has DataLoader.Train.sampler.batch_size, DataLoader.Eval.sampler"),
    ("nothing=1", "PaddleClas has no such section; found nothing. Known: Global"),
])
def test_a_key_without_its_section_is_told_with_its_place(option, hint):
    assert hint in refusal(option)


def test_a_list_in_the_way_is_followed():
    assert elsewhere(base_config(), "CELoss.weight") == (
        "The training config has Loss.Train.0.CELoss.weight, Loss.Eval.0.CELoss.weight.")
    assert elsewhere({}, "epochs") == ""


@pytest.mark.parametrize(("option", "lost"), [
    ("Global={epochs: 3}", "Global.checkpoints, Global.pretrained_model, "),
    ("DataLoader={Train: {}}", "DataLoader.Eval"),
    ("Optimizer.lr={learning_rate: 0.1}", "Optimizer.lr.name, Optimizer.lr.warmup_epoch"),
    ("DataLoader.Train.sampler={batch_size: 4}", "DataLoader.Train.sampler.name, "),
])
def test_a_mapping_drops_nothing_without_a_word(option, lost):
    text = refusal(option)
    assert f"a mapping must not drop keys that are there; found {lost}" in text
    assert f"-o {option.partition('=')[0]}.KEY=VALUE" in text


@pytest.mark.parametrize(("option", "path"), [
    ("Optimizer={name: SGD, lr: {name: Constant, learning_rate: 0.1}}", "Optimizer"),
    ("Arch={name: VGG11, class_num: 5}", "Arch"), ("EMA={decay: 0.9}", "EMA"),
    ("Infer={}", "Infer"), ("Metric={Train: null, Eval: [{TopkAcc: null}]}", "Metric"),
])
def test_a_part_with_a_name_and_one_with_all_keys_replace_all(option, path):
    base = base_config() | {"Infer": {"infer_imgs": "x"}}
    changed = apply_overrides(base, [option])
    assert changed[path] == apply_overrides({}, [option])[path]
