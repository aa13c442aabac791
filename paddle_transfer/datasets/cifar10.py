"""CIFAR-10: pickled batches, read without running anything from them, written out as PNG files."""

from __future__ import annotations

import os
from pathlib import Path

from paddle_transfer.datasets.base import Layout
from paddle_transfer.datasets.pickles import load_plain
from paddle_transfer.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)}


def read(root: Path, seed: int) -> Layout:
    splits: dict[str, list[tuple[str, int]]] = {}
    for split, files in BATCHES.items():
        splits[split] = []
        for file in files:
            images, labels = load_batch(root / "cifar-10-batches-py" / file)
            first = len(splits[split])
            paths = [f"png/{split}/{first + i:05d}.png" for i in range(len(labels))]
            _write(root, paths, images)
            splits[split] += list(zip(paths, labels))
    return Layout(CLASSES, splits)


def load_batch(path: Path):
    """Images (n, 32, 32, 3) uint8 in RGB and n labels in 0..9 of one batch file. Raises DataError."""
    import numpy as np

    batch = load_plain(path)
    if not isinstance(batch, dict):
        raise DataError(f"{path}: should hold a dict, but holds {type(batch).__name__}")
    batch = {
        key.decode("latin1") if isinstance(key, bytes) else key: value
        for key, value in batch.items()
    }
    data, labels = batch.get("data"), batch.get("labels")
    if not isinstance(
            data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        raise DataError(f"{path}: 'data' should be n x 3072 bytes")
    if not isinstance(labels, list) or len(labels) != len(data) or any(
            not isinstance(x, int) or not 0 <= x < len(CLASSES) for x in labels):
        raise DataError(f"{path}: 'labels' should be {len(data)} numbers in 0..9")
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _write(root: Path, paths: list[str], images) -> None:
    import cv2

    (root / paths[0]).parent.mkdir(parents=True, exist_ok=True)
    for path, image in zip(paths, images):
        data = cv2.imencode(".png", image[:, :, ::-1])[1].tobytes()
        target = root / path
        if target.exists() and target.read_bytes() == data:
            continue  # written by an earlier call; its time stamp keeps the check's cache valid
        temporary = target.with_suffix(".part")
        temporary.write_bytes(data)
        os.replace(temporary, target)
