"""The whole check of a config's data: all faults of its lists and images in one run."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paddle_transfer.checks.config_splits import Split, read_splits
from paddle_transfer.checks.findings import Report, SplitCounts
from paddle_transfer.checks.image_checks import check_duplicates, check_images, check_leaks
from paddle_transfer.checks.label_checks import check_labels
from paddle_transfer.checks.scan import Progress, no_progress, scan_splits

#: Share of a validation or test list above which leaks are errors, not warnings: public data sets
#: have a few leaks each.
MAX_LEAK = 0.01


def check_config(config: dict[str, Any], *, file: str = "config", processes: int | None = None,
                 cache_folder: Path | None = None, max_leak: float = MAX_LEAK,
                 progress: Progress = no_progress) -> Report:
    """Check the lists and images of a PaddleClas config.

    Broken data raises nothing: see ``Report.errors`` and ``Report.raise_errors``.

    :param config: its paths are relative to the current directory
    :param file: name of the config in findings about itself
    :param processes: that decode images; None: one per core
    :param cache_folder: of earlier results; None: the default one
    :param max_leak: share of a list above which leaks are errors
    :param progress: called with the numbers of images that are done and in total
    """
    report = Report()
    with _without_garbage_collection():
        splits = read_splits(config, file=file, report=report)
        check_labels(splits, config=config, file=file, report=report)
        scan_splits(splits, processes=processes, cache_folder=cache_folder, progress=progress,
                    report=report)
        for split in splits:
            check_images(split, report)
            check_duplicates(split, report)
            report.counts[split.name] = _counts(split)
        check_leaks(splits, max_leak=max_leak, report=report)
    order = {split.file: i for i, split in enumerate(splits)}
    report.findings.sort(key=lambda finding: (order.get(finding.file, -1), finding.line))
    return report


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Hundreds of thousands of small objects are made and kept, without reference cycles; the
    collector would take a seventh of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _counts(split: Split) -> SplitCounts:
    sides = sorted(min(image.width, image.height) for _, image in split.decoded())
    per_class = Counter(row.label for row in split.rows if row.label is not None)
    return {"images": len(split.rows), "classes": len(per_class),
            "per_class": dict(sorted(per_class.items())),
            "sizes": [sides[0], sides[len(sides) // 2], sides[-1]] if sides else []}
