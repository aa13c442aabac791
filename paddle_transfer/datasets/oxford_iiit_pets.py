"""Oxford-IIIT Pets: ``annotations/{trainval,test}.txt``, lines ``id class(1-37) species breed``."""

from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import parse_label, read_lines
from paddle_transfer.errors import DataError

CLASSES = 37
URL = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"


def read(root: Path, _options: PrepareOptions) -> Layout:
    names: dict[int, str] = {}
    splits = {split: _split(root / "annotations" / file, names)
              for split, file in (("train", "trainval.txt"), ("test", "test.txt"))}
    return Layout(tuple(names.get(i, f"class {i}") for i in range(CLASSES)), splits)


def _split(path: Path, names: dict[int, str]) -> list[Entry]:
    entries = []
    for line in read_lines(path):
        if line.startswith("#"):
            continue
        parts = line.split()
        if len(parts) < 2:
            raise DataError(f"{path}: a line should read 'id class species breed', "
                            f"but got {line!r}")
        label = parse_label(parts[1], classes=CLASSES, file=path)
        names[label] = parts[0].rpartition("_")[0].replace("_", " ")
        entries.append((f"images/{parts[0]}.jpg", label))
    return entries


DATASET = Dataset(
    "oxford_iiit_pets", "Oxford-IIIT Pets", read,
    archives=(Archive("images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c", URL + "images.tar.gz"),
              Archive("annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f",
                      URL + "annotations.tar.gz")),
    files=("images", "annotations/trainval.txt", "annotations/test.txt"),
    classes=CLASSES, official={"train": 3680, "test": 3669}, metric="mean_per_class",
    sample="images")
