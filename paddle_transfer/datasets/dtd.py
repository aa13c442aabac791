"""DTD, split 1: ``labels/{train,val,test}1.txt`` with lines ``class/file.jpg``."""

from pathlib import Path

from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_lines


def read(root: Path, _options: PrepareOptions) -> Layout:
    splits = {split: [(f"dtd/images/{image}", image.partition("/")[0])
                      for image in read_lines(root / "dtd" / "labels" / f"{split}1.txt")]
              for split in ("train", "val", "test")}
    return Layout.by_name(sorted({name for _, name in splits["train"]}), splits)


DATASET = Dataset(
    "dtd", "DTD (split 1)", read,
    archives=(Archive("dtd-r1.0.1.tar.gz", "fff73e5086ae6bdbea199a49dfb8a4c1",
                      "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"),),
    files=("dtd/images", "dtd/labels/train1.txt", "dtd/labels/val1.txt", "dtd/labels/test1.txt"),
    classes=47, official={"train": 1880, "val": 1880, "test": 1880}, sample="dtd/images/banded")
