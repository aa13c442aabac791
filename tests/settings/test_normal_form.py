"""Configs that train the same have one normal form, and others do not."""

import copy

import pytest

from paddle_transfer import dotpath
from paddle_transfer.settings.normal_form import normal_form, why_the_same
from tests.helpers.configs import base_config

LR = "Optimizer.lr"
TRAIN_OPS = "DataLoader.Train.dataset.transform_ops"
BATCH_OPS = "DataLoader.Train.dataset.batch_transform_ops"
CROP, SIZE = {"RandCropImage": {"size": 32}}, "DataLoader.Train.sampler.batch_size"
ROOT = {"Global.epochs": 4}
PIECES = {"name": "Piecewise", "decay_epochs": [2, 4], "values": [0.1, 0.01, 0.001]}


@pytest.fixture
def base(tmp_path):
    for part in ("train", "val", "copy"):
        (tmp_path / f"{part}_list.txt").write_text("a.jpg 0\nb.jpg 1\n" * 5)
    return base_config(tmp_path)


def edited(base, edits):
    config = copy.deepcopy(base)
    for path, value in {**ROOT, **edits}.items():
        dotpath.set_(config, path, copy.deepcopy(value), create=True)
    return config


def cosine(**arguments):
    return {LR: {"name": "Cosine", "learning_rate": 0.1, **arguments}}


SAME = [
    (cosine(warmup_epoch=4), cosine(warmup_epoch=9), "longer, is the whole training"),
    (cosine(warmup_epoch=4), {LR: {"name": "Step", "learning_rate": 0.1, "step_size": 1,
                                   "gamma": 0.5, "warmup_epoch": 5}}, "is the whole training"),
    (cosine(warmup_epoch=0), cosine(warmup_epoch=0, warmup_start_lr=0.01), "ignores"),
    (cosine(), cosine(eta_min=0.0), "up to the last epoch"),
    (cosine(), {LR: {"name": "Cosine", "learning_rate": "0.1"}}, "the same value"),
    ({LR: PIECES}, {LR: {**PIECES, "decay_epochs": [2, 7]}}, "up to the last epoch"),
    ({LR: {**PIECES, "decay_epochs": [4, 5]}}, {LR: {"learning_rate": 0.1}}, "last epoch"),
    ({LR: {"name": "Step", "learning_rate": 0.1, "step_size": 4, "gamma": 0.5}},
     {LR: {"name": "Step", "learning_rate": 0.1, "step_size": 9, "gamma": 0.1}}, "last epoch"),
    ({LR: {"name": "MultiStepDecay", "learning_rate": 0.1, "milestones": [3, 4]}},
     {LR: {"name": "MultiStepDecay", "learning_rate": 0.1, "milestones": [3, 9]}}, "last epoch"),
    ({"Optimizer.regularizer.coeff": 0}, {"Optimizer.regularizer": None}, "decay"),
    ({"Optimizer.regularizer": None, "Optimizer.weight_decay": 1e-5}, {}, "decay"),
    ({"Optimizer.weight_decay": 0.5}, {}, "decay"),
    ({"Loss.Train.0.CELoss.epsilon": 0}, {"Loss.Train.0.CELoss.epsilon": None}, "loss"),
    ({"Loss.Train.0.CELoss.epsilon": 1.5}, {}, "loss"),
    ({"Loss.Train.0.CELoss.weight": 3}, {}, "ignores"),
    ({"Loss.Eval": []}, {}, "ignores"),
    ({TRAIN_OPS: [CROP, {"RandomErasing": {"EPSILON": 0}}]}, {TRAIN_OPS: [CROP]}, "no image"),
    ({TRAIN_OPS: [CROP, {"RandAugment": {"num_layers": 0}}]}, {TRAIN_OPS: [CROP]}, "no image"),
    ({TRAIN_OPS: [CROP, {"ResizeImage": {"size": [32, 32]}}]}, {TRAIN_OPS: [CROP]}, "no image"),
    ({TRAIN_OPS: [CROP, {"CropImage": {"size": 32}}]},
     {TRAIN_OPS: [CROP, {"ResizeImage": {"resize_short": 32}}]}, "no image"),
    ({BATCH_OPS: []}, {}, "no batch"),
    ({BATCH_OPS: [{"OpSampler": {"MixupOperator": {"prob": 0.5},
                                 "CutmixOperator": {"prob": 0, "alpha": 2}}}]},
     {BATCH_OPS: [{"OpSampler": {"MixupOperator": {"prob": 0.5}}}]}, "no batch"),
    ({SIZE: 10}, {SIZE: 64}, "one batch either way"),
    ({"Arch.lr_mult_list": [1.0, 1, 1, 1, 1]}, {}, "switched off"),
    ({"EMA": {"decay": 0}}, {}, "switched off"),
    ({"AMP": None}, {}, "switched off"),
    ({"FineTune": {"dropout": 0.0, "backbone_lr_mult": 1, "note": "x"}}, {}, "switched off"),
    ({"Global.eval_interval": 3}, {"Global.start_eval_epoch": 3, "Global.eval_interval": 3},
     "epochs are evaluated"),
    ({"Arch.pretrained": True}, {"Transfer.pretrained": "imagenet"}, "same weights"),
    ({"Transfer.pretrained": "none"}, {"Arch.pretrained": False}, "same weights"),
    ({"Transfer.pretrained": "w/x.pdparams"}, {"Transfer.pretrained": "./w/x"}, "same weights"),
    ({"Global.class_num": 9}, {}, "class count"),
    ({"Transfer.strategy": "full"}, {}, "way to transfer"),
    ({"Transfer.strategy": {"name": "discriminative", "decay": 1.0}},
     {"Transfer.strategy": "discriminative"}, "way to transfer"),
    ({"Transfer.strategy": {"name": "gradual", "head_epochs": 4}}, {"Transfer.strategy": "head"},
     "way to transfer"),
    ({"Transfer.strategy": {"name": "gradual", "stage_epochs": 3}},
     {"Transfer.strategy": {"name": "gradual", "stage_epochs": 7}}, "way to transfer"),
    ({"Transfer.strategy": {"name": "discriminative", "per": "layer"}},
     {"Transfer.strategy": "discriminative"}, "way to transfer"),
    ({"Transfer.strategy": {"name": "discriminative", "backbone": 1.0}}, {}, "way to transfer"),
    ({"Transfer.pretrained": "10w", "Transfer.strategy": {"name": "discriminative", "backbone": 1}},
     {"Transfer.pretrained": "10w"}, "way to transfer"),
    ({"Transfer.strategy": "head", "Arch.lr_mult_list": [0.1] * 5}, {"Transfer.strategy": "head"},
     "way to transfer"),
    ({"Transfer.strategy": "head", "FineTune": {"backbone_lr_mult": 0.1}},
     {"Transfer.strategy": "head"}, "switched off"),
    ({"Transfer.strategy": "scratch", "Transfer.pretrained": "imagenet"},
     {"Transfer.strategy": "scratch", "Transfer.pretrained": "10w"}, "way to transfer"),
]


@pytest.mark.parametrize(("one", "other", "why"), SAME)
def test_configs_that_train_the_same(base, one, other, why):
    first, second = edited(base, one), edited(base, other)
    before = copy.deepcopy(first)
    assert normal_form(first) == normal_form(second)
    assert why in why_the_same(first, second)
    assert first == before


EXTRACTION = {"Transfer.pretrained": "imagenet", "Transfer.strategy": "feature_extraction"}
NOT_TRAINED = "no network is trained"
SAME += [(EXTRACTION, {**EXTRACTION, **edits}, why) for edits, why in [
    (cosine(), NOT_TRAINED), ({"Optimizer.name": "AdamW"}, NOT_TRAINED),
    ({TRAIN_OPS: [CROP, {"RandomErasing": {"EPSILON": 0.5}}]}, NOT_TRAINED),
    ({"EMA": {"decay": 0.5}}, "way to transfer"), ({SIZE: 7}, NOT_TRAINED),
    ({"Loss.Train": [{"CELoss": {"epsilon": 0.1}}]}, NOT_TRAINED),
    ({"Global.epochs": 9}, "way to transfer"),
    ({"Transfer.strategy": {"name": "feature_extraction", "neighbors": 9}}, "way to transfer")]]

DIFFERENT = [
    (EXTRACTION, {"Transfer.pretrained": "imagenet"}),
    *((EXTRACTION, {**EXTRACTION, "Transfer.strategy": {"name": "feature_extraction", **options}})
      for options in ({"strength": 1.0}, {"classifier": "linear_svm"}, {"classifier": "knn"},
                      {"layer": "conv"}, {"standardize": False})),
    (EXTRACTION, {**EXTRACTION, "DataLoader.Eval.dataset.transform_ops": [CROP]}),
    (cosine(warmup_epoch=3), cosine(warmup_epoch=4)),
    (cosine(warmup_epoch=4), cosine(warmup_epoch=4, warmup_start_lr=0.01)),
    (cosine(warmup_epoch=1), cosine(warmup_epoch=1, warmup_start_lr=0.01)),
    ({LR: PIECES}, {LR: {**PIECES, "decay_epochs": [2, 3]}}),
    ({LR: {**PIECES, "warmup_epoch": 1, "decay_epochs": [2, 7]}},
     {LR: {**PIECES, "warmup_epoch": 1, "decay_epochs": [1, 7]}}),
    ({"Optimizer.name": "AdamW", "Optimizer.weight_decay": 0.1}, {"Optimizer.name": "AdamW"}),
    ({"Loss.Train.0.CELoss.epsilon": 1e-7}, {}),
    ({TRAIN_OPS: [CROP, {"RandomErasing": {"EPSILON": 0.1}}]}, {TRAIN_OPS: [CROP]}),
    ({TRAIN_OPS: [{"ResizeImage": {"size": 36}}, {"CropImage": {"size": 32}}]},
     {TRAIN_OPS: [{"CropImage": {"size": 32}}]}),
    ({SIZE: 9}, {SIZE: 64}),
    ({SIZE: 10, "DataLoader.Train.sampler.drop_last": True},
     {SIZE: 64, "DataLoader.Train.sampler.drop_last": True}),
    ({"Arch.lr_mult_list": [0.0, 1, 1, 1, 1]}, {}),
    ({"EMA": {"decay": 0.5}}, {}),
    ({"Global.eval_interval": 2}, {}),
    ({"Transfer.pretrained": "10w"}, {"Transfer.pretrained": "imagenet"}),
    ({"Transfer.strategy": "head"}, {}),
    ({"Transfer.strategy": "partial", "Arch.lr_mult_list": [0.1] * 5},
     {"Transfer.strategy": "partial"}),
    ({"Transfer.strategy": {"name": "discriminative", "backbone": 1.0, "decay": 0.5}}, {}),
    ({"Transfer.strategy": {"name": "discriminative", "decay": 0.5, "per": "layer"}},
     {"Transfer.strategy": {"name": "discriminative", "decay": 0.5}}),
    ({"Transfer.strategy": "head", "FineTune": {"dropout": 0.1}}, {"Transfer.strategy": "head"}),
    ({"Transfer.strategy": {"name": "gradual", "head_epochs": 3}}, {"Transfer.strategy": "head"}),
    ({"Transfer.strategy": {"name": "gradual", "stage_epochs": 2}},
     {"Transfer.strategy": {"name": "gradual", "stage_epochs": 3}}),
    ({"Transfer.strategy": {"name": "gradual", "head_epochs": 3}},
     {"Transfer.strategy": {"name": "gradual", "head_epochs": 3, "stage_epochs": 1}}),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_configs_that_train_otherwise(base, one, other):
    assert normal_form(edited(base, one)) != normal_form(edited(base, other))


def test_lists_with_the_same_content(base, tmp_path):
    path = "DataLoader.Train.dataset.cls_label_path"
    other = edited(base, {path: str(tmp_path / "copy_list.txt")})
    assert why_the_same(edited(base, {}), other) == "the lists have the same content"
    (tmp_path / "copy_list.txt").write_text("a.jpg 0\n")
    assert normal_form(other) != normal_form(edited(base, {}))
    assert why_the_same(base, base) == ""
