"""A training that is broken off and goes on ends as one that was not, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from paddle_transfer import dotpath
from paddle_transfer.predictions import FILE, Predictions
from tests.helpers.bridge import Interrupted, train
from tests.helpers.digits import DECODE, NORMALIZE, tiny_config
from tools.digits import write_digits

EPOCHS = 3
TRANSFORMS = [DECODE, {"RandCropImage": {"size": 28, "scale": [0.7, 1.0]}},
              {"RandAugment": {"num_layers": 2, "magnitude": 5}}, NORMALIZE]
#: MobileNetV3 has dropout of its own. Where PaddleClas knows EMA, the first has it as well.
CONFIGS = {
    "momentum, warmup, RandAugment, mixup, two data workers": {
        "Optimizer__lr__warmup_epoch": 1,
        "DataLoader__Train__dataset__transform_ops": TRANSFORMS,
        "DataLoader__Train__dataset__batch_transform_ops": [{"MixupOperator": {"alpha": 0.2}}],
        "Loss__Train": [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}],
        "Metric__Train": [], "DataLoader__Train__loader__num_workers": 2},
    "AdamW by epochs, a discriminator, a second list that ends in the middle of an epoch": {
        "Optimizer": {"name": "AdamW", "beta1": 0.9, "beta2": 0.999, "weight_decay": 0.05, "lr": {
            "name": "MultiStepDecay", "learning_rate": 0.003, "milestones": [1, 2], "gamma": 0.5}},
        "Transfer": {"strategy": {"name": "domain_adaptation", "hidden": 8},
                     "head": {"dropout": 0.3}}}}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    root = tmp_path_factory.mktemp("few_digits")
    write_digits(root, classes=(0, 1, 2), per_class_train=9, per_class_val=10)
    return root


def broken_off(trainings, folder, config, *, after):
    """Train; the training is gone when it has told of epoch ``after``, and before that is saved."""
    with pytest.raises(Interrupted):
        trainings(train, str(folder), config, break_after=after, checkpoint_every=0)


def trained_epochs(log):
    return [int(line.split("[Epoch ")[1].split("/")[0]) for line in log.read_text().splitlines()
            if "[Train][Epoch" in line and "[Avg]" in line]


def same_answers(*folders):
    """Whether trainings left the same answers on the validation list: those of the best epoch."""
    one, other = (vars(Predictions.read(folder / FILE)) for folder in folders)
    return all(np.array_equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("name", CONFIGS)
def test_it_ends_as_an_undisturbed_one(trainings, digits, tmp_path, name):
    def config(folder):
        made = tiny_config(str(digits), str(folder), Global__epochs=EPOCHS, **CONFIGS[name])
        other = dotpath.clone(made["DataLoader"]["Train"])
        other["dataset"]["cls_label_path"] = str(digits / "val_list.txt")
        made["DataLoader"]["Unlabeled"] = other
        if trainings.paddleclas and "Transfer" not in made:
            made["EMA"] = {"decay": 0.9}
        return made

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = trainings(train, str(whole), config(whole), checkpoint_every=None)
    broken_off(trainings, parts, config(parts), after=2)
    log = parts / "train.log"
    assert trained_epochs(log) == [1, 2]
    log.rename(parts / "train.log.1")
    found = trainings(train, str(parts), config(parts), checkpoint_every=0)
    # losses and rates of all epochs, too
    assert found["reports"] == expected["reports"]
    assert len(found["reports"]) == EPOCHS
    for key in ("curve", "value", "best_epoch", "digest", "images", "list"):
        assert found[key] == expected[key], key
    assert same_answers(whole, parts)
    assert trained_epochs(log) == [2, 3], "what was saved is not trained again"
    assert "goes on after epoch 1, from a checkpoint" in log.read_text()
    assert (found["resumed"], "resumed" in expected) == ([1], False)
    # killed before the result was written: nothing is left to train
    log.unlink()
    last = trainings(train, str(parts), config(parts), checkpoint_every=0)
    assert (last["reports"], last["digest"]) == (expected["reports"], expected["digest"])
    assert (last["resumed"], trained_epochs(log)) == ([1, EPOCHS], [])
