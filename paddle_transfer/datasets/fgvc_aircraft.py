"""FGVC Aircraft by variant: ``images_variant_{train,val,test}.txt``, ``id name with spaces``."""

from pathlib import Path

from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_lines

DATA = "fgvc-aircraft-2013b/data"


def read(root: Path, _options: PrepareOptions) -> Layout:
    lines = {split: read_lines(root / DATA / f"images_variant_{split}.txt")
             for split in ("train", "val", "test")}
    splits = {split: [(f"{DATA}/images/{image}.jpg", name)
                      for image, _, name in (line.partition(" ") for line in part)]
              for split, part in lines.items()}
    variants = root / DATA / "variants.txt"
    return Layout.by_name(read_lines(variants) if variants.exists() else
                          sorted({name for _, name in splits["train"]}), splits)


DATASET = Dataset(
    "fgvc_aircraft", "FGVC Aircraft (variants)", read,
    archives=(Archive("fgvc-aircraft-2013b.tar.gz", "", "https://www.robots.ox.ac.uk/~vgg/data/"
                      "fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"),),
    files=(f"{DATA}/images", f"{DATA}/images_variant_train.txt"),
    classes=100, official={"train": 3334, "val": 3333, "test": 3333}, metric="mean_per_class",
    sample=f"{DATA}/images")
