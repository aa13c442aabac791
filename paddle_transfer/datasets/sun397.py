"""SUN397, partition 1: ``{Training,Testing}_01.txt`` with lines ``/a/abbey/sun_xyz.jpg``.

Some of its ``.jpg`` files are BMP, PNG or GIF inside, and one does not decode.
"""

from pathlib import Path

from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import read_lines

URL = "http://vision.princeton.edu/projects/2010/SUN/"


def read(root: Path, _options: PrepareOptions) -> Layout:
    partitions = root / "Partitions"
    names = next((path for path in (partitions / "ClassName.txt", root / "SUN397" / "ClassName.txt")
                  if path.exists()), partitions / "ClassName.txt")
    classes = read_lines(names)
    splits = {split: [(f"SUN397{line}", line.rpartition("/")[0])
                      for line in read_lines(partitions / file)]
              for split, file in (("train", "Training_01.txt"), ("test", "Testing_01.txt"))}
    return Layout.by_name(classes, splits, titles=[
        name[3:].replace("_", " ").replace("/", " ") for name in classes])


DATASET = Dataset(
    "sun397", "SUN397 (partition 1)", read,
    archives=(Archive("SUN397.tar.gz", "8ca2778205c41d23104230ba66911c7a", URL + "SUN397.tar.gz"),
              Archive("Partitions.zip", "29a205c0a0129d21f36cbecfefe81881",
                      URL + "download/Partitions.zip", folder="Partitions")),
    files=("SUN397", "Partitions/Training_01.txt", "Partitions/Testing_01.txt"),
    classes=397, official={"train": 19850, "test": 19850}, sample="SUN397/a/abbey")
