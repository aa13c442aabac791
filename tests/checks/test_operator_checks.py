"""Sizes far above the images', and normalisations that are not those of the weights."""

import json
from types import SimpleNamespace

import pytest

from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.operator_checks import check_enlarged, check_normalisation
from tests.helpers.configs import base_config

IMAGENET = {"scale": "1.0/255.0", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}

HALF = {**IMAGENET, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}


def config(normal, *, infer=None, evaluation=None, **arch):
    """A config whose lists are normalised alike, but for ``evaluation`` and ``infer``."""
    made = json.loads(json.dumps(base_config()))
    for part, own in (("Train", normal), ("Eval", evaluation or normal)):
        made["DataLoader"][part]["dataset"]["transform_ops"] = [
            {"DecodeImage": None}, {"NormalizeImage": own}]
    made["Infer"] = {"transforms": [{"NormalizeImage": infer or normal}]}
    made["Arch"] = {"name": "ResNet50_vd", "class_num": 5, "pretrained": True, **arch}
    return made


def told(made):
    report = Report()
    check_normalisation(made, file="c.yaml", report=report)
    return [(one.error, one.message) for one in report.findings]


@pytest.mark.parametrize("fine", [
    config(IMAGENET), config(None), config({"order": ""}),
    config({"scale": 1.0, "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}),
    config(HALF, pretrained=False), config(HALF, name="ViT_base_patch16_224"),
    config(HALF, pretrained="own.pdparams"),
    config({**IMAGENET, "scale": "a riddle"}), config({**IMAGENET, "mean": [0.5]})])
def test_what_the_weights_want_is_not_told(fine):
    assert told(fine) == []


@pytest.mark.parametrize(("spoilt", "where"), [
    ({"std": [0.229, 2.24, 0.225]}, "std [0.229, 2.24, 0.225]"),
    ({"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, "mean [0.5, 0.5, 0.5]"),
    ({"scale": 1.0}, "scale 1.0"), ({"scale": "1/25.5"}, "scale 1/25.5"),
    ({"std": [0.28, 0.28, 0.28]}, "std [0.28, 0.28, 0.28]")])
def test_another_normalisation_than_the_weights_is_told_at_each_place(spoilt, where):
    found = told(config({**IMAGENET, **spoilt}))
    assert [error for error, _ in found] == [False] * 3, "of both lists and of Infer"
    assert found[0][1].startswith("DataLoader.Train.dataset.transform_ops.1.NormalizeImage (scale ")
    assert all(where in text and "pretrained weights of ResNet50_vd" in text for _, text in found)


def test_weights_of_anybody_may_want_any_usual_normalisation_but_no_odd_one():
    odd = {**IMAGENET, "std": [2.29, 0.224, 0.225]}
    (_, text), *_ = told(config(odd, pretrained="own.pdparams"))
    assert "or mean and std 0.5" in text


def test_a_list_that_is_normalised_otherwise_than_training_is_told():
    ((_, text),) = told(config(IMAGENET, evaluation=HALF, pretrained=False))
    assert "DataLoader.Eval" in text
    assert "another one than that of the train list" in text
    ((error, text),) = told(config(IMAGENET, infer={**IMAGENET, "std": [0.229, 0, 0.225]}))
    assert error
    assert "has a 0" in text


def enlarged(sides, operator, name="train"):
    made = base_config()
    section = {"train": "Train", "val": "Eval"}[name]
    made["DataLoader"][section]["dataset"]["transform_ops"] = [{"DecodeImage": None}, operator]
    split = SimpleNamespace(name=name, decoded=lambda: [
        (None, SimpleNamespace(width=side, height=2 * side)) for side in sides])
    report = Report()
    check_enlarged([split], config=made, file="c.yaml", report=report)
    return [one.message for one in report.findings]


def test_images_that_are_enlarged_to_more_than_twice_their_side_are_told_once():
    crop = {"RandCropImage": {"size": 224}}
    assert enlarged([112, 112, 900], crop) == []
    (text,) = enlarged([64, 100, 900], crop)
    assert text == ("DataLoader.Train.dataset.transform_ops enlarges images to 224 px, 2.2 times "
                    "their side: half of the train list have 100 px or less")
    assert enlarged([64], {"ResizeImage": {"resize_short": 256}}) == [], "no size is set"
    assert len(enlarged([20], {"ResizeImage": {"size": [96, 64]}}, "val")) == 1
    assert enlarged([], crop) == []
