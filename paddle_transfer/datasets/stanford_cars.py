"""Stanford Cars: ``.mat`` files with ``annotations`` (``fname``, ``class`` 1-based) and the names of the classes."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout, label, load_mat
from paddle_transfer.datasets.catalogue import DATASETS
from paddle_transfer.errors import DataError

CLASSES = DATASETS["stanford_cars"].classes


def read(root: Path, seed: int) -> Layout:
    import numpy as np

    names = [
        str(name)
        for name in np.atleast_1d(load_mat(root / "devkit" / "cars_meta.mat")["class_names"])
    ]
    if len(names) != CLASSES:
        raise DataError(
            f"{root / 'devkit' / 'cars_meta.mat'}: should name {CLASSES} classes, but names {len(names)}"
        )
    splits = {}
    for split, folder, file in (("train", "cars_train", root / "devkit" / "cars_train_annos.mat"),
                                ("test", "cars_test", root / "cars_test_annos_withlabels.mat")):
        cars = np.atleast_1d(load_mat(file)["annotations"])
        splits[split] = [(f"{folder}/{car.fname}",
                          label(getattr(car, "class"), classes=CLASSES, where=file))
                         for car in cars]
    return Layout(tuple(names), splits)
