"""A user's own folder of images: filled, prepared, and its lists read."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from paddle_transfer.cli.prepare import prepare_and_print
from paddle_transfer.datasets.base import PrepareOptions
from tests.helpers.datasets import picture


def fill(root, counts, first=0, name="{}.jpg"):
    """``counts[name]`` pictures in the folder of each class; every picture is another one.

    :param name: of the files, by their number
    """
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            first += 1
            (root / folder / name.format(i)).write_bytes(picture(first))


def prepare_folder(root, *, name="folder", **options):
    """What ``prepare`` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        prepare_and_print(name, Path(root), PrepareOptions(processes=1, **options))
    return out.getvalue()


def places(root):
    """image -> list."""
    return {line.rpartition(" ")[0]: split for split in ("train", "val", "test")
            if (Path(root) / f"{split}_list.txt").exists()
            for line in (Path(root) / f"{split}_list.txt").read_text().splitlines()}
