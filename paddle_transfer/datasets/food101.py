"""Food-101: ``meta/{train,test}.json`` map a class to ``class/id``; ``images/<class>/<id>.jpg``."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_json_lists
from paddle_transfer.errors import DataError


def read(root: Path, _options: PrepareOptions) -> Layout:
    meta = root / "food-101" / "meta"
    lists = {split: read_json_lists(meta / f"{split}.json") for split in ("train", "test")}
    classes = sorted(lists["train"])
    unknown = sorted(set(lists["test"]) - set(classes))
    if unknown:
        raise DataError(f"{meta / 'test.json'}: classes that train.json does not have: "
                        f"{', '.join(unknown)}")
    splits = {split: [(f"food-101/images/{image}.jpg", label) for label, name in enumerate(classes)
                      for image in files.get(name, ())] for split, files in lists.items()}
    return Layout(tuple(name.replace("_", " ") for name in classes), splits)


DATASET = Dataset(
    "food101", "Food-101", read,
    archives=(Archive("food-101.tar.gz", "85eeb15f3717b99a5da872d97d918f87",
                      "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"),),
    files=("food-101/meta/train.json", "food-101/meta/test.json", "food-101/images"),
    classes=101, official={"train": 75750, "test": 25250}, hold_out=0.1,
    sample="food-101/images/apple_pie")
