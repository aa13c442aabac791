"""Sizes of images, operator by operator."""

import pytest

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.images import check_sizes
from tests.helpers.configs import base_config


@pytest.mark.parametrize(("operators", "fine"), [
    ([{"ResizeImage": {"resize_short": 256}}, {"CropImage": {"size": 224}}], True),
    ([{"ResizeImage": {"resize_short": 200}}, {"CropImage": {"size": 224}}], False),
    ([{"ResizeImage": {"size": [300, 200]}}, {"CropImage": {"size": [224, 224]}}], False),
    ([{"ResizeImage": {"size": 224}}, {"RandCropImageV2": {"size": 224}}], True),
    ([{"CropImage": {"size": 224}}], True),  # of images of any size
    ([{"ResizeImage": {"size": 20}}, {"Padv2": {"size": 24}}, {"CropImage": {"size": 24}}], True),
    ([{"RandCropImage": {"size": 0}}], False),
    ([{"RandCropImage": {"size": "224"}}], False),
    ([{"RandomResizedCrop": {"size": 64}}, {"CenterCrop": {"size": 96}}], False),
    ([{"DecodeImage": None}, {"ToCHWImage": None}], True),
])
def test_operators(operators, fine):
    config, issues = base_config(), ValidationIssues()
    config["DataLoader"]["Eval"]["dataset"]["transform_ops"] = operators
    check_sizes(config, issues)
    assert (issues == []) is fine
    assert all(issue.where.startswith("DataLoader.Eval.dataset.transform_ops.") for issue in issues)


@pytest.mark.parametrize(("arguments", "wrong"), [
    ({"interpolation": "bicubic", "backend": "pil"}, ""),
    ({"interpolation": "Random"}, ""),
    ({"interpolation": 2}, ""),
    ({"interpolation": "cubic"}, "interpolation"),
    ({"interpolation": "box"}, "interpolation"),
    ({"interpolation": "area", "backend": "PIL"}, "interpolation"),
    ({"interpolation": ["bilinear"]}, "interpolation"),
    ({"backend": "opencv"}, "backend"),
])
def test_names_of_interpolations(arguments, wrong):
    config, issues = base_config(), ValidationIssues()
    config["DataLoader"]["Train"]["dataset"]["transform_ops"] = [
        {"RandCropImage": {"size": 32, **arguments}}]
    check_sizes(config, issues)
    place = "DataLoader.Train.dataset.transform_ops.0.RandCropImage"
    assert [issue.where for issue in issues] == ([f"{place}.{wrong}"] if wrong else [])
