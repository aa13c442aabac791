"""The steps of the quickstart: data, the source task, training from scratch, and the summary."""

import csv
import json
import sys
from pathlib import Path

from paddle_transfer.cli.train import RESULT
from paddle_transfer.config.load import load_yaml
from paddle_transfer.report.files import replace_with_link
from paddle_transfer.report.formatting import show_value
from tools.digits import write_digits

ROOT = Path(__file__).resolve().parent.parent
OUT = Path("output/quickstart")
CONFIGS = Path("ppcls_configs/quick_start")


def prepare() -> None:
    """Write scikit-learn's digits as 32 px PNG files: 0 to 4 (all but 30 of each for training) and
    5 to 9 (20 of each for training, 80 for validation)."""
    data = OUT / "data"
    if not (data / "target" / "label_list.txt").exists():
        write_digits(data / "source", classes=range(5), per_class_train=147, per_class_val=30,
                     size=32)
        write_digits(data / "target", classes=range(5, 10), per_class_train=20, per_class_val=80,
                     size=32)


def tasks() -> list[tuple[str, list[str] | None]]:
    """(what, command) of the trainings before the search and beside it; None for a finished one.
    They are independent, so two cores run them side by side."""
    train = [sys.executable, "tools/train.py", "-c"]
    scratch = ["-o", "Global.pretrained_model=null", "-o", f"Global.output_dir={OUT / 'scratch'}"]
    return [("training the source task",
             _unless_done("source", [*train, str(CONFIGS / "digits_source.yaml")])),
            ("training from scratch",
             _unless_done("scratch", [*train, str(CONFIGS / "digits_target.yaml"), *scratch]))]


def _unless_done(name: str, command: list[str]) -> list[str] | None:
    return None if (OUT / name / RESULT).exists() else command


def link_source() -> None:
    """Put the source task's best weights where the target config expects them; PaddleClas 2.4 saves
    into a folder named after the architecture, later versions do not."""
    weights = Path(json.loads((OUT / "source" / RESULT).read_text())["weights"])
    target = OUT / "source" / "best_model.pdparams"
    if weights.resolve() != target.resolve():
        replace_with_link(weights, target)


def summary() -> str:
    """The three accuracies on the target task's validation images; means over seeds."""
    settings = load_yaml(str(CONFIGS / "digits_search.yaml"))
    file = Path(settings["output_dir"]) / "search_results.csv"
    with open(file, newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["state"] == "complete"]
    best = min(rows, key=lambda row: int(row["rank"]))
    scratch = json.loads((OUT / "scratch" / RESULT).read_text())["best"]
    lines = ["", "Accuracy on the target task (digits 5 to 9, 100 training images, 400 for "
             "validation):", f"  from scratch                      {scratch:.4f}"]
    for name, point in (("fixed", settings["fixed"]),
                        ("found", {key: best[key] for key in settings["fixed"]})):
        own = [row for row in rows if all(_same(row[key], one) for key, one in point.items())]
        mean = sum(float(row[settings["metric"]]) for row in own) / len(own)
        shown = ", ".join(f"{key} {own[0][key]}" for key in point) + f" (seeds: {len(own)})"
        lines.append(f"  transfer with the {name} point     {mean:.4f}   {shown}")
    return "\n".join(lines)


def _same(cell: str, value: object) -> bool:
    return cell == str(value) or show_value(value) == cell or (
        isinstance(value, float) and cell not in ("True", "False", "") and float(cell) == value)
