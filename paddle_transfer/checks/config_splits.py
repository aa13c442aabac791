"""The parts of a PaddleClas config that say which data it reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import Look
from paddle_transfer.checks.listfile import Row, read_list

SECTIONS = {"train": "Train", "val": "Eval", "test": "Test"}
READ_BY = (
    "ImageNetDataset", "CommonDataset")  # the datasets whose lists are path, delimiter, one label


@dataclass
class Split:
    """One list of a config with its images' verdicts. ``looks[i]`` belongs to ``rows[i]``; None: not there."""

    name: str
    section: dict[str, Any]
    root: str
    file: str
    rows: list[Row] = field(default_factory=list)
    looks: list[Look | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)  # where PaddleClas looks for each row's image

    @property
    def dataset(self) -> dict[str, Any]:
        return self.section["dataset"]

    def good(self) -> list[tuple[Row, Look]]:
        """The rows whose image decoded."""
        return [(row, look)
                for row, look in zip(self.rows, self.looks)
                if look is not None and look.thumb]


def splits_of(config: dict, *, file: str, report: Report) -> list[Split]:
    """The lists of ``config`` that could be read; what could not is in ``report``."""
    splits = []
    loader = config.get("DataLoader") or {}
    for name, key in SECTIONS.items():
        section = loader.get(key)
        dataset = section.get("dataset") if isinstance(section, dict) else None
        if not isinstance(dataset, dict):
            if name != "test":
                report.add("no-section", file, 0, f"DataLoader.{key}.dataset is not there",
                           error=False)
            continue
        if dataset.get("name") not in READ_BY or not dataset.get("cls_label_path"):
            report.add(
                "not-checked", file, 0,
                f"DataLoader.{key}.dataset is a {dataset.get('name')}, whose lists this "
                "check does not know", error=False)
            continue
        split = Split(name, section, str(dataset.get("image_root") or ""),
                      str(dataset["cls_label_path"]))
        if not os.path.isdir(split.root or "."):
            report.add("root-missing", file, 0,
                       f"DataLoader.{key}.dataset.image_root is no folder: {split.root}",
                       hint="Paths are relative to the folder the command is started in.")
        found = read_list(split.file, delimiter=str(dataset.get("delimiter") or " "), report=report)
        if found is not None:
            split.rows = found.rows
            front = os.path.join(split.root, "")
            split.paths = [
                row.path if row.path.startswith("/") else front + row.path for row in split.rows
            ]
            splits.append(split)
    return splits


def class_count(config: dict) -> int | None:
    """How many classes the network of ``config`` has; None when it does not say."""
    arch = config.get("Arch") or {}
    head = arch.get("Head") if isinstance(arch.get("Head"), dict) else {}
    count = head.get("class_num", arch.get("class_num"))
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def topk_of(config: dict) -> Iterator[tuple[str, list[int]]]:
    """(dotted path, the k's) of each TopkAcc and of the inference's Topk."""
    for mode in ("Train", "Eval"):
        for i, metric in enumerate((config.get("Metric") or {}).get(mode) or []):
            if isinstance(metric, dict) and isinstance(metric.get("TopkAcc"), dict):
                k = metric["TopkAcc"].get("topk", [1, 5])
                yield f"Metric.{mode}.{i}.TopkAcc.topk", [k] if isinstance(k, int) else list(k)
    post = (config.get("Infer") or {}).get("PostProcess") or {}
    if isinstance(post.get("topk"), int):
        yield "Infer.PostProcess.topk", [post["topk"]]
