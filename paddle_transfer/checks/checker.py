"""The whole check of a config's data: all faults of its lists and images in one run."""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paddle_transfer.checks.config_splits import ReadLists, Split, read_splits
from paddle_transfer.checks.few_steps import check_steps
from paddle_transfer.checks.findings import Report, SplitCounts
from paddle_transfer.checks.image_checks import LeakCheck, check_duplicates, check_images
from paddle_transfer.checks.label_checks import check_labels
from paddle_transfer.checks.operator_checks import check_enlarged, check_normalisation
from paddle_transfer.checks.scan import Progress, all_known, no_progress, scan_splits

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
    (report,) = check_configs([(file, config)], processes=processes, cache_folder=cache_folder,
                              max_leak=max_leak, progress=progress)
    return report


def check_known(config: dict[str, Any], *, file: str = "config", cache_folder: Path | None = None,
                most: int = 20_000) -> tuple[Report, bool]:
    """``check_config`` of images that an earlier check has looked at and that have not changed
    since. Of others, and of more than ``most``, the lists are checked alone: no image is decoded.

    :returns: the report, and whether it is about the images, too
    """
    report = Report()
    splits = read_splits(config, file=file, report=report)
    if sum(len(split.rows) for split in splits) <= most and all_known(splits, cache_folder):
        return check_config(config, file=file, cache_folder=cache_folder), True
    check_labels(splits, config=config, file=file, report=report)
    check_normalisation(config, file=file, report=report)
    check_steps(splits, config=config, file=file, report=report)
    return report, False


def check_configs(configs: Sequence[tuple[str, dict[str, Any]]], *, processes: int | None = None,
                  cache_folder: Path | None = None, max_leak: float = MAX_LEAK,
                  progress: Progress = no_progress) -> list[Report]:
    """``check_config`` of several configs, as (file, config): a report of each. Every list is read
    once, every image looked at once, and two lists are compared once. The first report has the
    numbers of images that were decoded or known."""
    reports: list[Report] = [Report() for _ in configs]
    lists: ReadLists = {}
    with _without_garbage_collection():
        splits = [read_splits(config, file=file, report=report, lists=lists)
                  for (file, config), report in zip(configs, reports, strict=True)]
        distinct = {split.key: split for some in splits for split in some}
        scan_splits(list(distinct.values()), processes=processes, cache_folder=cache_folder,
                    progress=progress, report=reports[0] if reports else Report())
        found = {key: _of_images(split) for key, split in distinct.items()}
        leaks = LeakCheck(max_leak)
        for (file, config), some, report in zip(configs, splits, reports, strict=True):
            for split in some:
                split.images = distinct[split.key].images
            check_labels(some, config=config, file=file, report=report)
            for split in some:
                report.extend(found[split.key])
                report.counts[split.name] = _counts(split)
            check_enlarged(some, config=config, file=file, report=report)
            check_normalisation(config, file=file, report=report)
            check_steps(some, config=config, file=file, report=report)
            leaks.check(some, report)
            _sort(report, some)
    return reports


def _sort(report: Report, splits: list[Split]) -> None:
    order = {split.file: i for i, split in enumerate(splits)}
    report.findings.sort(key=lambda finding: (order.get(finding.file, -1), finding.line))


def _of_images(split: Split) -> Report:
    """What is wrong with the images of one list."""
    report = Report()
    check_images(split, report)
    check_duplicates(split, report)
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
