"""Half the batch with the gradients of two added up: when it is possible, and what it trains."""

import pytest

from paddle_transfer import dotpath
from paddle_transfer.rules.accumulation import accumulated, why_not_halved
from tests.helpers.configs import base_config

SAMPLER = "DataLoader.Train.sampler"


def config(folder, **changes):
    (folder / "train_list.txt").write_text("".join(f"{i}.png {i % 5}\n" for i in range(40)))
    made = base_config(folder)
    for path, value in changes.items():
        dotpath.set_(made, path.replace("__", "."), value, create=True)
    return made


def test_a_step_is_of_as_many_images(tmp_path):
    before = config(tmp_path, Global__iter_per_epoch=5)
    made = accumulated(before, 2)
    assert made["DataLoader"]["Train"]["sampler"]["batch_size"] == 4
    assert (made["Global"]["update_freq"], made["Global"]["iter_per_epoch"]) == (2, 10)
    assert accumulated(made, 2)["Global"]["update_freq"] == 4
    assert accumulated(before, 1) == before == config(tmp_path, Global__iter_per_epoch=5)


@pytest.mark.parametrize(("changes", "version", "why"), [
    ({}, "2.6.0", ""), ({}, "", ""),
    ({}, "2.4.2", "PaddleClas 2.4.2 adds up no gradients, 2.5 and newer do"),
    ({f"{SAMPLER}.batch_size": 7}, "2.6.0", "a batch of 7 cannot be halved"),
    ({f"{SAMPLER}.name": "PKSampler"}, "2.6.0", "PKSampler composes its batches"),
    ({"Global.train_mode": "efficientnetv2"}, "2.6.0", "Global.train_mode has a loop of its own"),
    ({"DataLoader.Source": {"dataset": {}}}, "2.6.0", "it trains on two lists at once"),
    ({"Loss.Train": [{"CELoss": {}}, {"TripletLoss": {}}]}, "2.6.0",
     "CELoss, TripletLoss may compare the images of a batch"),
    ({f"{SAMPLER}.batch_size": 2, "DataLoader.Train.dataset.batch_transform_ops": [
        {"MixupOperator": {"alpha": 0.2}}]}, "2.6.0",
     "MixupOperator mixes the images of a batch")])
def test_when_a_batch_cannot_be_halved(tmp_path, changes, version, why):
    found = why_not_halved(config(tmp_path, **changes), version)
    assert why in found
    assert bool(why) == bool(found)
