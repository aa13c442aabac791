"""The whole check of a config's data: every fault of lists and images, all in one run."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paddle_transfer.checks.config_splits import Split, class_count, splits_of
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.image_checks import (
    check_duplicates,
    check_images,
    check_leaks,
    look_at_splits,
)
from paddle_transfer.checks.label_checks import check_labels

#: Leaks are errors above this share of a validation or test list, warnings below: public sets have a few each.
MAX_LEAK = 0.01


def check_config(config: dict, *, file: str = "config", processes: int | None = None,
                 cache_folder: Path | None = None, max_leak: float = MAX_LEAK,
                 progress: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Check the lists and images that a PaddleClas config names; paths are relative to the current directory.

    ``file`` is what findings about the config itself name. ``processes`` defaults to the number of cores.
    Nothing is raised for broken data: see ``Report.errors`` and ``Report.raise_errors``.
    """
    with _without_garbage_collection():
        return _check(config, file=file, processes=processes, cache_folder=cache_folder,
                      max_leak=max_leak, progress=progress)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Hundreds of thousands of small things are made and kept, none of them in a ring: looking for rings among them
    again and again takes a seventh of the time that this process needs."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _check(config: dict, *, file: str, processes: int | None, cache_folder: Path | None,
           max_leak: float, progress: Callable[[int, int], None]) -> Report:
    report = Report()
    splits = splits_of(config, file=file, report=report)
    check_labels(splits, class_count(config), config=config, file=file, report=report)
    look_at_splits(splits, processes=processes, cache_folder=cache_folder, progress=progress,
                   report=report)
    for split in splits:
        check_images(split, report)
        check_duplicates(split, report)
        report.counts[split.name] = _count(split)
    check_leaks(splits, max_leak=max_leak, report=report)
    order = {split.file: i for i, split in enumerate(splits)}
    report.findings.sort(key=lambda finding: (order.get(finding.file, -1), finding.line))
    return report


def _count(split: Split) -> dict:
    sides = sorted(min(look.width, look.height) for _, look in split.good())
    per_class = Counter(row.label for row in split.rows if row.label is not None)
    return {
        "images": len(split.rows), "classes": len(per_class), "per_class": dict(
            sorted(per_class.items())),
        "sizes": [sides[0], sides[len(sides) // 2], sides[-1]] if sides else []
    }
