"""Stanford Cars: ``.mat`` files with ``annotations`` (``fname``, ``class`` 1-based) and names."""

from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import parse_label
from paddle_transfer.datasets.mat_files import read_mat
from paddle_transfer.errors import DataError

CLASSES = 196
ANNOTATIONS = {"train": ("cars_train", "devkit/cars_train_annos.mat"),
               "test": ("cars_test", "cars_test_annos_withlabels.mat")}


def read(root: Path, _options: PrepareOptions) -> Layout:
    meta = root / "devkit" / "cars_meta.mat"
    names = tuple(str(name) for name in read_mat(meta)["class_names"])
    if len(names) != CLASSES:
        raise DataError(f"{meta}: should name {CLASSES} classes, but names {len(names)}")
    return Layout(names, {split: _split(root / file, folder)
                          for split, (folder, file) in ANNOTATIONS.items()})


def _split(file: Path, folder: str) -> list[Entry]:
    return [(f"{folder}/{car.fname}", parse_label(vars(car)["class"], classes=CLASSES, file=file))
            for car in read_mat(file)["annotations"]]


DATASET = Dataset(
    "stanford_cars", "Stanford Cars", read,
    archives=(Archive("cars_train.tgz", "065e5b463ae28d29e77c1b4b166cfe61"),
              Archive("cars_test.tgz", "4ce7ebf6a94d07f1952d94dd34c4d501"),
              Archive("car_devkit.tgz", "c3b158d763b6e2245038c8ad08e45376"),
              Archive("cars_test_annos_withlabels.mat", "b0a2b23655a3edd16d84508592a98d10")),
    files=("cars_train", "cars_test", "devkit/cars_train_annos.mat", "devkit/cars_meta.mat",
           "cars_test_annos_withlabels.mat"),
    classes=CLASSES, official={"train": 8144, "test": 8041}, sample="cars_test",
    note="The official addresses of Stanford Cars are dead: bring the four files yourself.")
