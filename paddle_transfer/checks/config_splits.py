"""The parts of a PaddleClas config that describe its data: lists, top-k, names of classes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import ImageInfo
from paddle_transfer.checks.listfile import Row, read_list
from paddle_transfer.config import resolve

#: Name of a list -> its section; those that are trained on come first.
SECTIONS = {"train": "Train", "source": "Source", "unlabeled": "Unlabeled", "val": "Eval",
            "test": "Test"}
TRAINED = ("train", "source", "unlabeled")
#: Without these nothing trains.
_NEEDED = ("train", "val")
#: The dataset classes whose list lines are path, delimiter, one label.
KNOWN_DATASETS = ("ImageNetDataset", "CommonDataset")


#: What decides about rows and images: list, folder, delimiter, whether labels count.
SplitKey = tuple[str, str, str, bool]


@dataclass
class Split:
    """One list of a config. ``paths[i]`` is the file of ``rows[i]`` as PaddleClas opens it,
    ``images[i]`` its content, None if it does not exist."""

    name: str
    section: dict[str, Any]
    dataset: dict[str, Any]
    root: str
    file: str
    rows: list[Row] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    images: list[ImageInfo | None] = field(default_factory=list)

    @property
    def key(self) -> SplitKey:
        return (self.file, self.root, str(self.dataset.get("delimiter") or " "),
                self.name != "unlabeled")

    def decoded(self) -> list[tuple[Row, ImageInfo]]:
        """The rows whose image was decoded."""
        pairs = zip(self.rows, self.images, strict=True)
        return [(row, image) for row, image in pairs if image is not None and image.thumbnail]


#: (list, delimiter, whether its labels count) -> its rows, and what is wrong with it; for configs
#: that share lists.
ReadLists = dict[tuple[str, str, bool], tuple[list[Row], Report]]


def read_splits(config: dict[str, Any], *, file: str, report: Report,
                lists: ReadLists | None = None) -> list[Split]:
    """The readable lists of ``config``; faults are added to ``report``.

    :param lists: those that were read already; what is read here is added
    """
    lists = {} if lists is None else lists
    splits = (_read_split(config, name, file, report, lists) for name in SECTIONS)
    return [split for split in splits if split is not None]


def _read_split(config: dict[str, Any], name: str, file: str, report: Report,
                lists: ReadLists) -> Split | None:
    place = f"DataLoader.{SECTIONS[name]}.dataset"
    section = (config.get("DataLoader") or {}).get(SECTIONS[name])
    dataset = section.get("dataset") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(dataset, dict):
        if name in _NEEDED:
            report.add("no-section", file, 0, f"{place} is not there", error=False,
                       hint="Name its list: image_root and cls_label_path.")
        return None
    if dataset.get("name") not in KNOWN_DATASETS or not dataset.get("cls_label_path"):
        report.add("not-checked", file, 0, f"{place} is a {dataset.get('name')}, whose lists this "
                   "check does not know", error=False,
                   hint=f"It knows {' and '.join(KNOWN_DATASETS)} with a cls_label_path.")
        return None
    root, listed = str(dataset.get("image_root") or ""), str(dataset["cls_label_path"])
    if not os.path.isdir(root or "."):
        report.add("root-missing", file, 0, f"{place}.image_root is no folder: {root}",
                   hint="Paths are relative to the folder the command is started in.")
    delimiter = str(dataset.get("delimiter") or " ")
    key = listed, delimiter, name != "unlabeled"
    if key not in lists:
        own = Report()
        rows = read_list(listed, delimiter=delimiter, report=own, labelled=key[2])
        lists[key] = rows, own
    rows, found = lists[key]
    report.extend(found)
    if not rows:
        return None
    prefix = os.path.join(root, "")
    opened = {row.path: row.path if row.path.startswith("/") else prefix + row.path for row in rows}
    paths = [opened[row.path] for row in rows]
    return Split(name, section, dataset, root, listed, rows, paths)


def topk_values(config: dict[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """(dotted path, values of k) of each top-k accuracy and of the inference's Topk."""
    for path, _, values in resolve.topk(config):
        yield path, [k for k in values if isinstance(k, int)]
    topk = _postprocess(config).get("topk")
    if isinstance(topk, int):
        yield "Infer.PostProcess.topk", [topk]


def label_list_file(config: dict[str, Any]) -> str | None:
    """What is there as the file with the names of the classes; None if nothing is."""
    file = _postprocess(config).get("class_id_map_file")
    return str(file) if file and os.path.exists(str(file)) else None


def _postprocess(config: dict[str, Any]) -> dict[str, Any]:
    return (config.get("Infer") or {}).get("PostProcess") or {}
