"""Public records of trainings that others ran, as sets of learning curves over a space.

``med_quicktune`` (MIT; AnonymousMedQuickTune): 3-D medical sets, curves of up to 25 epochs, which
its authors' early stopping cut and padded with their last value (and zeros): the padding is left
out here. ``opda`` (CC BY-SA 4.0; Nicholas Lourie): AlexNet and ConvNeXt-T on ImageNet by uniform
random search, 20 to 100 epochs. ``aerial_finetune`` (MIT; dinushiTJ) has no curves, only the best
epoch of each training.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Range, Value
from paddle_transfer.space.space import Point, Space

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Training:
    """One recorded training.

    :param curve: (epoch, metric in 0..1), epochs from 1
    :param epochs: that its schedule was made for; its curve is shorter where it was stopped early
    :param warmup: epochs in which the learning rate rose
    :param diverged: its loss became NaN
    """

    point: Point
    curve: Curve
    epochs: int
    warmup: int = 0
    diverged: bool = False

    @property
    def value(self) -> float:
        """The metric of its best epoch; -1 for one that diverged."""
        return -1.0 if self.diverged else max(value for _, value in self.curve)


@dataclass(frozen=True)
class RecordSet:
    """Trainings on one data set."""

    name: str
    space: Space
    trainings: tuple[Training, ...]


def read_records(folder: Path) -> list[RecordSet]:
    """Every set of curves in ``folder``. Raises PaddleTransferError where it has none."""
    readers: dict[str, Callable[[Path], Iterator[RecordSet]]] = {
        "med_quicktune/curve.csv": _medical,
        "opda/convnext-tiny_tuning.results.jsonl.gz": _opda,
        "opda/alexnet_tuning.results.jsonl.gz": _opda}
    found = [one for name, read in readers.items() if (folder / name).is_file()
             for one in read(folder / name)]
    if not found:
        raise PaddleTransferError(f"--records {folder}: has none of {', '.join(readers)}")
    return found


def _opda(path: Path) -> Iterator[RecordSet]:
    space = Space((
        Range("lr", 5e-3, 5e1, log=True), Range("l2_decay", 1e-6, 1e-3, log=True),
        Range("label_smoothing", 0.0, 0.5), Range("momentum", 0.7, 1.0),
        Choice("batch_size", (128, 256, 512, 1024), log=True), Range("warmup_epochs", 0, 100)))
    trainings = []
    with gzip.open(path, "rt") as file:
        for line in map(json.loads, file):
            same = ("lr", "label_smoothing", "momentum", "batch_size")
            point: Point = {**{name: line[name] for name in same}, "l2_decay": line["weight_decay"],
                            "warmup_epochs": line["lr_peak_epoch"]}
            curve = tuple((int(one["epoch"]) + 1, float(one["top_1"]))
                          for one in line["learning_curve"])
            trainings.append(Training(point, curve, int(line["epochs"]), int(line["lr_peak_epoch"]),
                                      bool(line["nan_train_loss"])))
    yield RecordSet(path.name.split("_")[0], space, tuple(trainings))


#: Columns of the medical record that are hyperparameters, with the names that they have here.
_MEDICAL = {"learning_rate": "lr", "weight_decay": "l2_decay", "label_smoothing": "label_smoothing",
            "mixup_alpha": "mixup", "warmup_epochs": "warmup_epochs", "scheduler_type": "schedule",
            "optimizer_type": "optimizer", "model": "model", "batch_size": "batch_size"}
_LOG = ("lr", "l2_decay")


def _medical(path: Path) -> Iterator[RecordSet]:
    configs, curves = _rows(path.with_name("config.csv")), _rows(path)
    for name in sorted({config["dataset"] for config in configs}):
        kept = [(_medical_point(config), curve) for config, row in zip(configs, curves, strict=True)
                if config["dataset"] == name
                and len(curve := without_padding([float(row[str(i)]) for i in range(25)])) > 1]
        points = [point for point, _ in kept]
        space = Space(tuple(_spanning(key, [point[key] for point in points])
                            for key in _MEDICAL.values()))
        yield RecordSet(f"med/{name}", space, tuple(
            Training(point, curve, 25, int(point["warmup_epochs"])) for point, curve in kept))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _medical_point(config: dict[str, str]) -> Point:
    def value(text: str) -> Value:
        try:
            return float(text)
        except ValueError:
            return text

    return {name: value(config[column]) for column, name in _MEDICAL.items()}


def _spanning(name: str, values: Sequence[Value]) -> Hyperparameter:
    """A hyperparameter that has all of ``values``."""
    if all(isinstance(value, float) for value in values) and len(set(values)) > 4:
        return Range(name, min(values), max(values), log=name in _LOG)
    return Choice(name, tuple(dict.fromkeys(values)))


def without_padding(percent: Sequence[float]) -> Curve:
    """A curve of ``percent`` without zeros and repeated values at its end."""
    values = list(percent)
    while values and values[-1] == 0.0:
        values.pop()
    while len(values) > 1 and values[-1] == values[-2]:
        values.pop()
    return tuple((epoch, value / 100) for epoch, value in enumerate(values, start=1))


def best_epochs(folder: Path) -> list[str]:
    """Of ``aerial_finetune``: how late the best epoch of the best tenth of a group's trainings is,
    as shares of the epochs; nothing where it is not there."""
    path = folder / "aerial_finetune" / "waikato_finetune_sweeps.csv"
    if not path.is_file():
        return []
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in _rows(path):
        name = f"{row['model']}, {row['training_mode']}, {row['num_classes']} classes"
        groups.setdefault(name, []).append((float(row["best_val_acc_pct"]),
                                            float(row["best_epoch"]) / float(row["epochs"])))
    lines = ["", "| aerial_finetune: group | trainings | best epoch of the best tenth, median "
             "share | in the first third, % |", "|---|---|---|---|"]
    for name, found in groups.items():
        if len(found) >= 50:
            best = sorted(share for _, share in sorted(found, reverse=True)[:len(found) // 10])
            early = sum(share <= 1 / 3 for share in best) / len(best)
            lines.append(f"| {name} | {len(found)} | {best[len(best) // 2]:.2f} "
                         f"| {100 * early:.0f} |")
    return lines
