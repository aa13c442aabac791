"""Food-101: ``meta/{train,test}.json`` map a class to ``class/id``; ``images/<class>/<id>.jpg``."""

from __future__ import annotations

import json
from pathlib import Path

from paddle_transfer.datasets.base import Layout
from paddle_transfer.errors import DataError


def read(root: Path, seed: int) -> Layout:
    meta = root / "food-101" / "meta"
    splits = {split: _load(meta / f"{split}.json") for split in ("train", "test")}
    classes = sorted(splits["train"])
    unknown = sorted(set(splits["test"]) - set(classes))
    if unknown:
        raise DataError(
            f"{meta / 'test.json'}: classes that train.json does not have: {', '.join(unknown)}")
    number = {name: i for i, name in enumerate(classes)}
    return Layout(
        tuple(name.replace("_", " ") for name in classes), {
            split: [(f"food-101/images/{image}.jpg", number[name])
                    for name in sorted(files)
                    for image in files[name]]
            for split, files in splits.items()
        })


def _load(path: Path) -> dict[str, list[str]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: should be a JSON file of the archive, but {error}") from None
    if not isinstance(data, dict) or not all(isinstance(files, list) for files in data.values()):
        raise DataError(f"{path}: should map each class to a list of images")
    return data
