"""Batches of the samplers of PaddleClas, and of operators that mix them."""

import pytest

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.batches import BATCH_OPS, check_batches, check_mixing
from paddle_transfer.rules.lists import label_counts, list_lines
from tests.helpers.configs import base_config


@pytest.fixture
def config(tmp_path):
    """7 training images of 3 classes."""
    lines = [f"{i}.jpg {i % 3}" for i in range(7)]
    (tmp_path / "train_list.txt").write_text("\n".join(lines) + "\n\n")
    return base_config(tmp_path)


def mistakes(check, config):
    issues = ValidationIssues()
    check(config, issues)
    return [str(issue) for issue in issues]


def test_images_and_labels_of_a_list(config):
    assert list_lines(config, "Train") == 7
    assert label_counts(config, "Train") == {"0": 3, "1": 2, "2": 2}
    assert list_lines(config, "Eval") is None  # it is not there
    config["DataLoader"]["Train"]["dataset"]["name"] = "Cifar10"
    assert list_lines(config, "Train") is None


def test_a_list_that_was_rewritten_is_read_again(config, tmp_path):
    assert list_lines(config, "Train") == 7
    (tmp_path / "train_list.txt").write_text("0.jpg 0\n")
    assert list_lines(config, "Train") == 1


@pytest.mark.parametrize(("sampler", "fine"), [
    ({"batch_size": 8, "drop_last": False}, True), ({"batch_size": 8, "drop_last": True}, False),
    ({"batch_size": 7, "drop_last": True}, True), ({"batch_size": 2.0}, False),
    ({"batch_size": True}, False), ({"batch_size": 4, "drop_last": "False"}, False),
    ({"name": "PKSampler", "batch_size": 6, "sample_per_id": 2}, True),
    ({"name": "PKSampler", "batch_size": 9, "sample_per_id": 3}, False),  # drop_last by default
    ({"name": "PKSampler", "batch_size": 9, "sample_per_id": 3, "drop_last": False}, True),
    ({"name": "PKSampler", "batch_size": 6}, False),
    ({"name": "MultiScaleSampler", "scales": [32], "first_bs": 64}, True),
    ({"name": "MultiScaleSampler", "scales": [32], "first_bs": 0}, False),
])
def test_samplers(config, sampler, fine):
    config["DataLoader"]["Train"]["sampler"] = {"name": "DistributedBatchSampler", **sampler}
    assert (mistakes(check_batches, config) == []) is fine


@pytest.mark.parametrize(("operators", "size", "drop_last", "fine"), [
    ([{"MixupOperator": {"alpha": 0.2}}], 2, False, True),
    ([{"MixupOperator": {"alpha": 0}}], 2, False, False),
    ([{"OpSampler": {"CutmixOperator": {"alpha": -1, "prob": 0.5}}}], 2, False, False),
    ([{"CutmixOperator": {"alpha": 1.0}}], 1, False, False),
    ([{"MixupCutmixHybrid": {"num_classes": 3}}], 2, True, True),
    ([{"MixupCutmixHybrid": {"num_classes": 3}}], 2, False, False),  # the last batch has one image
    ([{"MixupCutmixHybrid": {"num_classes": 3}}], 3, True, False),
    ([], 1, False, True),
])
def test_mixing(config, operators, size, drop_last, fine):
    config["DataLoader"]["Train"]["dataset"][BATCH_OPS.rpartition(".")[2]] = operators
    config["DataLoader"]["Train"]["sampler"].update(batch_size=size, drop_last=drop_last)
    assert (mistakes(check_mixing, config) == []) is fine
