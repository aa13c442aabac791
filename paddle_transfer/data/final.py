"""The config of the one training that is measured on the test list: trained on train + validation."""

from __future__ import annotations

import copy
import os
from pathlib import Path

from paddle_transfer.data.base import DataError
from paddle_transfer.data.listfile import delimiter_for, write_list
from paddle_transfer.data.report import Report
from paddle_transfer.data.splits_of import splits_of

LIST = "train_and_val_list.txt"


def has_test(config: dict) -> bool:
    """Whether ``config`` names a test list (DataLoader.Test)."""
    return isinstance((config.get("DataLoader") or {}).get("Test"), dict)


def final_config(config: dict, folder: object) -> dict:
    """A copy of ``config`` that trains on its train and validation lists together and evaluates on its test list.

    The joint list is written into ``folder``, with absolute paths, so that lists with different roots and delimiters
    go together. Raises DataError when there is no test list, or a list cannot be read.
    """
    report = Report()
    splits = {split.name: split for split in splits_of(config, file="config", report=report)}
    report.raise_errors()
    absent = [name for name in ("train", "val", "test") if name not in splits]
    if absent:
        raise DataError(f"retraining on train+val needs DataLoader.Train, Eval and Test, but there is no list for "
                        f"{', '.join(absent)}")
    entries = [(os.path.abspath(path), row.label) for name in ("train", "val")
               for row, path in zip(splits[name].rows, splits[name].paths) if row.label is not None]
    file, delimiter = str(Path(folder) / LIST), delimiter_for(entries)
    write_list(file, entries, delimiter=delimiter)
    final = copy.deepcopy(config)
    final["DataLoader"]["Train"]["dataset"].update(cls_label_path=file, delimiter=delimiter)
    final["DataLoader"]["Eval"] = final["DataLoader"].pop("Test")
    return final
