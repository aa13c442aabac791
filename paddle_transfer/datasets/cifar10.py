"""CIFAR-10: pickled batches, read without running anything from them, written as PNG files."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions, Recipe
from paddle_transfer.datasets.pickles import load_arrays
from paddle_transfer.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = "cifar-10-batches-py"
BATCHES = {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)}

Images = npt.NDArray[np.uint8]  # (n, 32, 32, 3) in RGB


def read(root: Path, _options: PrepareOptions) -> Layout:
    splits: dict[str, list[Entry]] = {split: [] for split in BATCHES}
    for split, files in BATCHES.items():
        for file in files:
            images, labels = load_batch(root / FOLDER / file)
            first = len(splits[split])
            paths = [f"png/{split}/{first + i:05d}.png" for i in range(len(labels))]
            _write(root, paths, images)
            splits[split] += zip(paths, labels, strict=True)
    return Layout(CLASSES, splits)


def load_batch(path: Path) -> tuple[Images, list[int]]:
    """Images and labels (0 to 9) of one batch file. Raises DataError."""
    batch = load_arrays(path)
    if not isinstance(batch, dict):
        raise DataError(f"{path}: should hold a dict, but holds {type(batch).__name__}")
    batch = {key.decode("latin1") if isinstance(key, bytes) else key: value
             for key, value in batch.items()}
    data, labels = batch.get("data"), batch.get("labels")
    if (not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2
            or data.shape[1] != 3072):
        raise DataError(f"{path}: 'data' should be n x 3072 bytes")
    if not isinstance(labels, list) or len(labels) != len(data) or any(
            not isinstance(label, int) or not 0 <= label < len(CLASSES) for label in labels):
        raise DataError(f"{path}: 'labels' should be {len(data)} numbers in 0..9")
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _write(root: Path, paths: Sequence[str], images: Images) -> None:
    (root / paths[0]).parent.mkdir(parents=True, exist_ok=True)
    for path, image in zip(paths, images, strict=True):
        data = cv2.imencode(".png", image[:, :, ::-1])[1].tobytes()
        target = root / path
        if target.exists() and target.read_bytes() == data:
            continue  # written by an earlier call; its time stamp keeps the check's cache valid
        temporary = target.with_suffix(".part")
        temporary.write_bytes(data)
        os.replace(temporary, target)


DATASET = Dataset(
    "cifar10", "CIFAR-10", read,
    archives=(Archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a",
                      "http://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"),),
    files=(f"{FOLDER}/data_batch_1", f"{FOLDER}/test_batch"), classes=len(CLASSES),
    official={"train": 50000, "test": 10000}, hold_out=0.1, sample="png/test",
    recipe=Recipe(arch="ResNet18", lr=0.0005, epochs=10, batch_size=128, baseline_lr=0.0003,
                  head_init="xavier"))
