"""What rules know of list files: how many images, and how many of each label."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from functools import lru_cache
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.files import open_file

#: Data sets that hold one image for each line of their list.
LINE_BY_LINE = ("ImageNetDataset", "CommonDataset", "MultiLabelDataset", "LogoDataset",
                "ICartoonDataset")


def list_lines(config: dict[str, Any], part: str) -> int | None:
    """The number of images of ``DataLoader.<part>``; None if no list says it, or an empty one."""
    counted = label_counts(config, part)
    return None if counted is None else sum(counted.values()) or None


def label_counts(config: dict[str, Any], part: str) -> Counter[str] | None:
    """How many lines of the list of ``DataLoader.<part>`` have each label (the text after the first
    delimiter); None where there is no list of one image a line that can be read."""
    dataset = dotpath.find(config, f"DataLoader.{part}.dataset")
    if not isinstance(dataset, dict) or dataset.get("name") not in LINE_BY_LINE:
        return None
    file, delimiter = dataset.get("cls_label_path"), dataset.get("delimiter") or " "
    if not isinstance(file, str) or not isinstance(delimiter, str):
        return None
    try:
        status = os.stat(file)
        return _counted(file, delimiter, (status.st_size, status.st_mtime_ns, status.st_ino))
    except (OSError, ValueError):
        return None


def content(config: dict[str, Any], part: str) -> str | None:
    """A text that is the same for lists of ``DataLoader.<part>`` with the same content; None where
    none can be read."""
    file = dotpath.find(config, f"DataLoader.{part}.dataset.cls_label_path")
    try:
        status = os.stat(file) if isinstance(file, str) else None
        if status is None or not status.st_size:
            return None
        return _digest(file, (status.st_size, status.st_mtime_ns, status.st_ino))
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=64)
def _digest(file: str, _stamp: tuple[int, int, int]) -> str:
    made = hashlib.sha256()
    with open_file(file) as stream:
        while block := stream.read(1 << 20):
            made.update(block)
    return made.hexdigest()


@lru_cache(maxsize=64)
def _counted(file: str, delimiter: str, _stamp: tuple[int, int, int]) -> Counter[str]:
    """Read by line, so that memory holds the labels only."""
    mark = delimiter.encode()
    with open_file(file) as stream:
        return Counter(_label(line, mark) for line in stream if line.strip())


def _label(line: bytes, mark: bytes) -> str:
    parts = line.strip().split(mark)
    return parts[1][:20].decode("latin1") if len(parts) > 1 else ""
