"""The steps of ``tools/quickstart.py``: data, the source task, training from scratch, and what came out."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from paddle_transfer.config.load import load_yaml
from paddle_transfer.report.files import replace_with_link
from paddle_transfer.report.formatting import show_value

OUT = Path("output/quickstart")
CONFIGS = Path("ppcls_configs/quick_start")
RESULT = "train_result.json"  # what tools/train.py leaves in Global.output_dir


def prepare() -> None:
    """Write scikit-learn's digits as 32 px PNG files: 0 to 4 (all but 30 of each for training) and 5 to 9 (20 of each
    for training, 80 for validation)."""
    if (OUT / "data" / "target" / "label_list.txt").exists():
        return
    from paddle_transfer.datasets.digits import write_digits

    write_digits(str(OUT / "data" / "source"), classes=range(5), per_class_train=147,
                 per_class_val=30, size=32)
    write_digits(str(OUT / "data" / "target"), classes=range(5, 10), per_class_train=20,
                 per_class_val=80, size=32)


def tasks() -> list[tuple[str, list[str] | None]]:
    """(what, command) of the trainings that the search needs or is compared with; None for those already done. They
    do not need each other, so two cores run them side by side."""
    train = [sys.executable, "tools/train.py", "-c"]
    scratch = ["-o", "Global.pretrained_model=null", "-o", f"Global.output_dir={OUT / 'scratch'}"]
    return [
        ("training the source task",
         _unless_done("source", [*train, str(CONFIGS / "digits_source.yaml")])),
        ("training from scratch",
         _unless_done("scratch", [*train, str(CONFIGS / "digits_target.yaml"), *scratch])),
    ]


def _unless_done(name: str, command: list[str]) -> list[str] | None:
    return None if (OUT / name / RESULT).exists() else command


def link_source() -> None:
    """Put the source task's best weights where the target config expects them; PaddleClas 2.4 saves into a folder
    named after the architecture, later versions do not."""
    weights = Path(json.loads((OUT / "source" / RESULT).read_text())["weights"])
    target = OUT / "source" / "best_model.pdparams"
    if weights.resolve() != target.resolve():
        replace_with_link(weights, target)


def summary() -> str:
    """The three accuracies on the target task's validation images, and the settings they came from."""
    settings = load_yaml(str(CONFIGS / "digits_search.yaml"))
    with open(Path(settings["output_dir"]) / "search_results.csv", newline="",
              encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["state"] == "complete"]
    fixed = next(row for row in rows if all(
        _same(row[name], value) for name, value in settings["fixed"].items()))
    best = min(rows, key=lambda row: int(row["rank"]))
    scratch = json.loads((OUT / "scratch" / RESULT).read_text())["best"]
    metric = settings["metric"]
    return "\n".join([
        "", "Accuracy on the target task (digits 5 to 9, 100 training images, 400 for validation):",
        f"  from scratch                      {scratch:.4f}",
        f"  transfer with the fixed point     {float(fixed[metric]):.4f}   {_describe(fixed, settings)}",
        f"  transfer with the found point     {float(best[metric]):.4f}   {_describe(best, settings)}"
    ])


def _describe(row: dict, settings: dict) -> str:
    return ", ".join(f"{name} {row[name]}" for name in settings["fixed"])


def _same(cell: str, value: object) -> bool:
    return cell == str(value) or show_value(value) == cell or (
        isinstance(value, float) and cell not in ("True", "False", "") and float(cell) == value)
