"""Food-101: ``meta/{train,test}.json`` map a class to ``class/id``; ``images/<class>/<id>.jpg``."""

from pathlib import Path

from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_json_lists


def read(root: Path, _options: PrepareOptions) -> Layout:
    meta = root / "food-101" / "meta"
    lists = {split: read_json_lists(meta / f"{split}.json") for split in ("train", "test")}
    splits = {split: [(f"food-101/images/{image}.jpg", name)
                      for name, images in files.items() for image in images]
              for split, files in lists.items()}
    classes = sorted(lists["train"])
    return Layout.by_name(classes, splits, titles=[name.replace("_", " ") for name in classes])


DATASET = Dataset(
    "food101", "Food-101", read,
    archives=(Archive("food-101.tar.gz", "85eeb15f3717b99a5da872d97d918f87",
                      "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"),),
    files=("food-101/meta/train.json", "food-101/meta/test.json", "food-101/images"),
    classes=101, official={"train": 75750, "test": 25250}, hold_out=0.1,
    sample="food-101/images/apple_pie")
