"""What several entries do together, or in configs that are written otherwise; what they build is in
tests/e2e."""

import itertools

import pytest

from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey, apply_point
from tests.helpers.configs import base_config


def apply(base, **point):
    return apply_point(base, [SearchKey(Choice(name, (value, ))) for name, value in point.items()],
                       point)


def ops(config):
    return [next(iter(op)) for op in config["DataLoader"]["Train"]["dataset"]["transform_ops"]]


@pytest.mark.parametrize("point", [{
    "autoaugment": True, "randaugment": True, "randaugment_magnitude": 9, "cutout": 0.5,
    "random_erasing": True
}, {"optimizer": "AdamW", "l2_decay": 0.05, "lr": 0.001, "clip_norm": 1.0}, {
    "mixup": True, "label_smoothing": 0.2
}, {"lr_schedule": "step", "lr": 0.02, "epochs": 8, "warmup_epochs": 2}, {
    "frozen_stages": 2, "lr_mult": 0.1
}, {"resolution": 64, "cutout": True, "timm_autoaugment": True},
                                   {"batch_size_scaled": 16, "lr": 0.2}])
def test_the_order_of_keys_does_not_matter(point):
    first, *others = [
        apply(base_config(), **dict(order)) for order in itertools.permutations(point.items())
    ]
    assert all(other == first for other in others)


def test_operators_stand_where_paddleclas_has_them():
    config = apply(base_config(), cutout=True, timm_autoaugment=True, random_erasing=True,
                   randaugment=True, autoaugment=True)
    assert ops(config) == [
        "DecodeImage", "RandCropImage", "AutoAugment", "RandAugment", "TimmAutoAugment",
        "NormalizeImage", "RandomErasing", "Cutout"
    ]
    off = dict.fromkeys(
        ("cutout", "timm_autoaugment", "random_erasing", "randaugment", "autoaugment"), False)
    assert apply(config, **off) == base_config()


def test_adamw_gets_the_decay_that_was_there_and_momentum_gets_it_back():
    base = base_config()
    adamw = apply(base, optimizer="AdamW")
    assert adamw["Optimizer"] == {"name": "AdamW", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
                                  "lr": base["Optimizer"]["lr"], "weight_decay": 1e-5}
    assert apply(adamw, optimizer="Momentum") == base
    assert apply(apply(base, l2_decay=0), optimizer="AdamW")["Optimizer"]["weight_decay"] == 0.0


def test_an_optimizer_keeps_its_own_arguments_and_those_of_losses_stay():
    base = base_config()
    base["Optimizer"] = [{
        "Momentum": {"scope": "RecModel", "momentum": 0.8, "lr": {"learning_rate": 0.1}}
    }, {"SGD": {"scope": "CenterLoss", "lr": {"learning_rate": 1000}}}]
    assert apply(base, optimizer="Momentum") == base
    first, second = apply(base, optimizer="RMSProp")["Optimizer"]
    assert first == {"RMSProp": {"momentum": 0.9, "rho": 0.9, "epsilon": 0.001, "scope": "RecModel",
                                 "lr": {"learning_rate": 0.1}}}
    assert second == base["Optimizer"][1]


def test_dropout_says_where_only_this_package_trains_it():
    base = base_config()
    section = apply(base, dropout=0.3)["FineTune"]
    assert section["dropout"] == 0.3
    assert "PaddleClas's own trains without it" in section["note"]
    assert apply(apply(base, dropout=0.3), dropout=False) == base
    base["Arch"]["name"] = "PPLCNet_x1_0"
    config = apply(base, dropout=True, lr_mult=0.1)
    assert config["Arch"]["dropout_prob"] == 0.2
    assert config["FineTune"]["backbone_lr_mult"] == 0.1
    assert "dropout" not in config["FineTune"]


def test_stages_are_frozen_and_thawed():
    frozen = apply(base_config(), frozen_stages=3, lr_mult=0.1)
    assert frozen["Arch"]["lr_mult_list"] == [0.0, 0.0, 0.0, 0.1, 0.1]
    assert apply(frozen, frozen_stages=0)["Arch"]["lr_mult_list"] == [1.0, 1.0, 1.0, 0.1, 0.1]


def test_the_resize_before_a_crop_keeps_its_proportion():
    base = base_config()
    base["DataLoader"]["Eval"]["dataset"]["transform_ops"][1:2] = [{
        "ResizeImage": {"resize_short": 256}
    }, {"CropImage": {"size": 224}}]
    base["Infer"] = {"transforms": [{"DecodeImage": None}, {"ResizeImage": {"size": [64, 64]}}]}
    base["DataLoader"]["Unlabeled"] = {"dataset": {"transform_ops": [
        {"RandCropImage": {"size": 224}}]}}
    config = apply(base, resolution=112)
    assert config["DataLoader"]["Unlabeled"]["dataset"]["transform_ops"] == [
        {"RandCropImage": {"size": 112}}]
    assert config["DataLoader"]["Eval"]["dataset"]["transform_ops"][1:3] == [{
        "ResizeImage": {"resize_short": 128}
    }, {"CropImage": {"size": 112}}]
    assert config["Infer"]["transforms"][1] == {"ResizeImage": {"size": [112, 112]}}
    assert config["Global"]["image_shape"] == [3, 112, 112]
    assert apply(config, resolution=112) == config
