"""Real images without a download: scikit-learn's 8x8 digits as PNG files with list files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from paddle_transfer.checks.listfile import Entry, write_list
from paddle_transfer.config.load import write_atomic


def write_digits(root: Path, *, classes: Sequence[int] = (0, 1, 2, 3), per_class_train: int = 10,
                 per_class_val: int = 5, size: int = 28) -> None:
    """Write images/\\*.png, train_list.txt, val_list.txt and label_list.txt into ``root``.

    The same arguments write the same files.

    :param classes: digits, whose labels are their positions
    :param size: side of the square RGB images in px
    """
    digits, count = load_digits(), per_class_train + per_class_val
    (root / "images").mkdir(parents=True, exist_ok=True)
    lists: dict[str, list[Entry]] = {"train": [], "val": []}
    for label, digit in enumerate(classes):
        indices = np.flatnonzero(digits.target == digit)
        assert len(indices) >= count, f"there are {len(indices)} images of a {digit}"
        for i, index in enumerate(indices[:count]):
            split = "train" if i < per_class_train else "val"
            name = f"images/{split}_{digit}_{index:04d}.png"
            pixels = (digits.images[index] * (255 / 16)).round().astype("uint8")
            image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC)
            image.convert("RGB").save(root / name)
            lists[split].append((name, label))
    for split, entries in lists.items():
        write_list(root / f"{split}_list.txt", entries)
    write_atomic(str(root / "label_list.txt"),
                 "".join(f"{label} {digit}\n" for label, digit in enumerate(classes)))
