"""Which transforms draw at random."""

import pytest

from paddle_transfer.config.transforms import random_transforms


@pytest.mark.parametrize(("operators", "batches", "found"), [
    ([{"DecodeImage": None}, {"ResizeImage": {"size": 8}}, {"NormalizeImage": {}}], None, []),
    ([{"RandFlipImage": {"flip_code": 1}}, {"CropImage": {"size": 8}}], [], ["RandFlipImage"]),
    ([{"ResizeImage": {"size": 8, "interpolation": "random"}}], None, ["ResizeImage"]),
    ([{"SomethingNew": None}], [{"MixupOperator": {"alpha": 0.2}}],
     ["SomethingNew", "MixupOperator"])])
def test_those_that_draw_are_named(operators, batches, found):
    dataset = {"transform_ops": operators, "batch_transform_ops": batches}
    assert random_transforms({"DataLoader": {"Train": {"dataset": dataset}}}, "Train") == found
    assert random_transforms({"DataLoader": {"Train": {"dataset": dataset}}}, "Eval") == []
