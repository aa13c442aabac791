"""The check of all data that a search can reach: lists, images, and the lists that meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.checks.checker import check_configs
from paddle_transfer.checks.config_splits import SECTIONS
from paddle_transfer.checks.few_steps import few_steps
from paddle_transfer.checks.findings import Finding, Report
from paddle_transfer.checks.scan import Progress, no_progress
from paddle_transfer.config import resolve
from paddle_transfer.config.base import FURTHER
from paddle_transfer.errors import DataError, reading
from paddle_transfer.rules.base import CLASSES
from paddle_transfer.rules.lists import list_lines
from paddle_transfer.settings.blame import causes
from paddle_transfer.settings.final import test_section
from paddle_transfer.settings.kinds import TEACHER, Kind, kinds_of
from paddle_transfer.settings.reachable import reachable
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.space import Point
from paddle_transfer.strategies.section import WHERE, read_strategy

Config = dict[str, Any]

#: What of a data set decides which images are read, and with which labels.
KEYS = ("name", "image_root", "cls_label_path", "delimiter", "relabel")
PARTS = ("Train", "Eval", "Test", *FURTHER)
#: What the key ``resolution`` edits, and no switch of a data augmentation.
SIZE = "Global.image_shape"
READS = (*(f"DataLoader.{part}.dataset.{key}" for part in PARTS for key in KEYS), *CLASSES,
         f"{WHERE}.name", SIZE, "Global.epochs", "DataLoader.Train.sampler.batch_size")


@dataclass
class Data:
    """The data of some configs of a search, which is the same in all of them.

    :param points: of ``kind``, with the values that lead to it
    """

    kind: Kind
    config: Config
    points: list[Point] = field(default_factory=list)


def reachable_data(settings: SearchSettings) -> list[Data]:
    """All data that a search can reach, each once; see ``reachable`` for the bound."""
    base, found = settings.base.config, dict[tuple[str, str], Data]()
    for kind in _kinds(settings):
        for point, config in reachable(kind, READS):
            if isinstance(config, Exception):
                continue  # refused before any data is looked at
            if settings.final is not None and dotpath.exists(config, "DataLoader.Test.dataset"):
                config["DataLoader"]["Test"] = test_section(config, base)
            mark = kind.file, _mark(config)
            found.setdefault(mark, Data(kind, config)).points.append(point)
    return list(found.values())


def check_data(settings: SearchSettings, *, processes: int | None = None,
               cache_folder: Path | None = None, progress: Progress = no_progress) -> Report:
    """One report about all data that a search can reach. A finding that some values are the cause
    of names them. Each list is read and each image looked at once; see ``check_configs``."""
    with reading(settings.file, error=DataError):
        data = reachable_data(settings)
        reports = check_configs([(one.kind.file, one.config) for one in data], processes=processes,
                                cache_folder=cache_folder, progress=progress)
    joined = Report(scanned=reports[0].scanned, cached=reports[0].cached)
    where: dict[Finding, list[int]] = {}
    for i, report in enumerate(reports):
        for finding in report.findings:
            where.setdefault(finding, []).append(i)
        _add_counts(joined, report, data[i].config)
    blamed: dict[tuple[int, ...], str] = {}
    for finding, indices in where.items():
        mark = tuple(indices)
        if mark not in blamed:
            blamed[mark] = _cause(data, indices, settings)
        joined.add(finding.kind, finding.file, finding.line, finding.message + blamed[mark],
                   hint=finding.hint, error=finding.error)
    for report in reports:  # a report keeps a bounded number of findings, and counts the others
        joined.numbers |= report.numbers
    return joined


def _add_counts(joined: Report, report: Report, config: Config) -> None:
    """The numbers of lists that differ from those of the first config come with their files."""
    for part, counts in report.counts.items():
        if joined.counts.setdefault(part, counts) != counts:
            file = dotpath.find(config, f"DataLoader.{SECTIONS[part]}.dataset.cls_label_path")
            joined.counts[f"{part} ({file})"] = counts


def _kinds(settings: SearchSettings) -> list[Kind]:
    """Those that differ in their data: a final training has that of its point."""
    kinds = kinds_of(settings.base.file, settings.base.config, settings.search_space.keys,
                     stepwise=settings.plan is not None, distillation=settings.distillation)
    return [kind for kind in kinds if not kind.edits]


def _mark(config: Config) -> str:
    """Equal for configs with the same data."""
    datasets = {part: dotpath.find(config, f"DataLoader.{part}.dataset") for part in PARTS}
    read = {part: {key: dataset.get(key) for key in KEYS} for part, dataset in datasets.items()
            if isinstance(dataset, dict)}
    classes = resolve.class_num_path(config), resolve.class_num(config), resolve.outputs(config)
    shared = "Source" in read and read_strategy(config).strategy.shares_classes
    sizes = [resolve.image_size(config, f"DataLoader.{part}.dataset.transform_ops")
             for part in PARTS]
    steps = few_steps(config, list_lines(config, "Train") or 0)
    return dotpath.stable_text([read, classes, shared, sizes, steps])


def _cause(data: Sequence[Data], indices: Sequence[int], settings: SearchSettings) -> str:
    """`` (with list 'leak.txt' of search_dict.0)``; empty where no value is the cause."""
    kinds = {id(data[i].kind): data[i].kind for i in indices}
    texts = [_of_kind(kind, [one for one in data if one.kind is kind],
                      {id(data[i]) for i in indices}, settings) for kind in kinds.values()]
    told = [text for text in dict.fromkeys(texts) if text]
    return "" if "" in texts else f" ({'; '.join(told)})"


def _of_kind(kind: Kind, data: Sequence[Data], wrong: set[int], settings: SearchSettings) -> str:
    points = [point for one in data for point in one.points]
    bad = {i for i, one in enumerate(one for one in data for _ in one.points) if id(one) in wrong}
    if len(bad) == len(points):
        return ""
    items = [key.name for key in settings.search_space.keys]
    named = [", ".join(f"{name} {value!r} of " + (
        f"search_dict.{items.index(name)}" if name != TEACHER else "teacher.search_values")
        for name, value in cause.items()) for cause in causes(points, bad)]
    more = f", and {len(named) - 3} more" if len(named) > 3 else ""
    return f"with {'; with '.join(named[:3])}{more}" + (f" in {kind.name}" if kind.name else "")
