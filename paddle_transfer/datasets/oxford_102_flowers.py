"""Oxford-102 Flowers: ``jpg/image_%05d.jpg``; ``imagelabels.mat`` (1-based), ``setid.mat`` (trnid, valid, tstid)."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.datasets.base import Layout, label, load_mat
from paddle_transfer.datasets.catalogue import DATASETS
from paddle_transfer.errors import DataError

CLASSES = DATASETS["oxford_102_flowers"].classes


def read(root: Path, seed: int) -> Layout:
    import numpy as np

    labels = np.atleast_1d(load_mat(root / "imagelabels.mat")["labels"])
    sets = load_mat(root / "setid.mat")
    splits = {}
    # PaddleClas's own train_extra_list is train + test of this split: evaluating on test with it leaks.
    for split, key in (("train", "trnid"), ("val", "valid"), ("test", "tstid")):
        splits[split] = []
        for number in np.atleast_1d(sets[key]):
            if not 1 <= number <= len(labels):
                raise DataError(
                    f"{root / 'setid.mat'}: {key} names image {number}, but imagelabels.mat has "
                    f"{len(labels)} labels")
            splits[split].append((f"jpg/image_{int(number):05d}.jpg", label(
                labels[int(number) - 1], classes=CLASSES, where=root / "imagelabels.mat")))
    return Layout(tuple(f"flower {i + 1}" for i in range(CLASSES)), splits)
