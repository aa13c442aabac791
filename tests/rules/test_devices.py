"""What a training must have for several processes to train it together."""

import pytest

from paddle_transfer import dotpath
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.devices import devices_rule
from tests.helpers.configs import base_config

SAMPLER = "DataLoader.Train.sampler"


def faults(folder, **changes):
    (folder / "train_list.txt").write_text("".join(f"{i}.png {i % 5}\n" for i in range(20)))
    config, issues = base_config(folder), ValidationIssues()
    for path, value in changes.items():
        dotpath.set_(config, path, value, create=True)
    devices_rule(2).check(config, issues)
    return [(issue.where, str(issue)) for issue in issues]


def test_a_usual_training_has_it(tmp_path):
    assert faults(tmp_path) == []
    assert faults(tmp_path, **{f"{SAMPLER}.drop_last": True}) == [], "8 of 10 images"


@pytest.mark.parametrize(("changes", "where", "text"), [
    ({"Transfer": {"strategy": {"name": "feature_extraction", "classifier": "knn"}}},
     "Transfer.strategy", "must not be one that runs on one device"),
    ({"Global.eval_mode": "retrieval"}, "Global.eval_mode", "must be classification"),
    ({"Global.use_dali": True}, "Global.use_dali", "must be False"),
    ({f"{SAMPLER}.name": "PKSampler"}, f"{SAMPLER}.name", "Write DistributedBatchSampler."),
    ({"DataLoader.Eval.sampler": {"batch_size": 8}}, "DataLoader.Eval.sampler.name",
     "must be one that shares the images out where 2 devices train a trial together"),
    ({f"{SAMPLER}.drop_last": True, f"{SAMPLER}.batch_size": 11}, f"{SAMPLER}.batch_size",
     "20 images, batch_size 11")])
def test_what_it_must_not_have(tmp_path, changes, where, text):
    ((found, said), ) = faults(tmp_path, **changes)
    assert found == where
    assert text in said
