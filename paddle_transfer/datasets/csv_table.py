"""The user's own table: a column of image paths, one of labels, and optionally one of splits."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from paddle_transfer.checks.listfile import NUMBER, Entry
from paddle_transfer.datasets.base import CUSTOM_RECIPE, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.folder import SPLITS
from paddle_transfer.errors import DataError, did_you_mean

#: Usual names of the columns, in lower case.
COLUMNS = {"image": ("image", "path", "file", "filename", "file_name", "img", "image_path", "id"),
           "label": ("label", "class", "category", "target", "class_name"),
           "split": ("split", "set", "subset", "fold")}


class _Row(NamedTuple):
    image: str
    label: str
    split: str


def read(root: Path, options: PrepareOptions) -> Layout:
    """Read a table with a header; columns are found by their usual names unless named.

    Whole-number labels are sorted by value and become 0-based, others are sorted alphabetically.
    Raises DataError with all faulty lines at once.
    """
    table = Path(options.csv) if options.csv else root / "labels.csv"
    rows = _read_rows(table, options)
    names = {row.label for row in rows}
    whole = all(NUMBER.match(name) for name in names)
    classes = sorted(names, key=int) if whole else sorted(names)
    if len(classes) < 2:
        raise DataError(f"{table}: all images have the label {classes[0]!r}; two classes are "
                        "the least")
    labels = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[Entry]] = {}
    for row in rows:
        splits.setdefault(row.split, []).append((_below(root, row.image), labels[row.label]))
    if "train" not in splits:
        raise DataError(f"{table}: no line has the split train")
    return Layout(tuple(classes), splits)


def _read_rows(table: Path, options: PrepareOptions) -> list[_Row]:
    header, lines = _parse(table)
    image = _find_column(table, header, "image", options.image_column)
    label = _find_column(table, header, "label", options.label_column)
    split = None
    if options.split_column is not None or _usual_column(header, "split") is not None:
        split = _find_column(table, header, "split", options.split_column)
    faults, rows = [], []
    for number, cells in lines:
        if len(cells) < len(header):
            faults.append(f"{table}:{number}: {len(header)} columns expected, but got {len(cells)}")
            continue
        part = "train" if split is None else SPLITS.get(cells[split].strip().lower(), "")
        row = _Row(cells[image].strip(), cells[label].strip(), part)
        if not row.image or not row.label:
            faults.append(f"{table}:{number}: image or label is empty")
        elif split is not None and not row.split:
            faults.append(f"{table}:{number}: a split is train, val or test, "
                          f"but got {cells[split]!r}")
        rows.append(row)
    if faults:
        raise DataError("\n".join(faults[:50]))
    if not rows:
        raise DataError(f"{table}: names no image")
    return rows


def _below(root: Path, path: str) -> str:
    """``path`` for a list file: relative to the root if it is below it."""
    target = Path(path.replace("\\", "/"))
    if target.is_absolute() and target.is_relative_to(root.resolve()):
        target = target.relative_to(root.resolve())
    return target.as_posix()


def _parse(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and (line number, cells) of the other lines."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{table}: the table cannot be read: {error.strerror}. Name it with "
                        "--csv") from None
    except UnicodeDecodeError:
        raise DataError(f"{table}: the table should be UTF-8 text, but is not") from None
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    rows = [(reader.line_num, row) for row in reader if row]
    if not rows:
        raise DataError(f"{table}: the table is empty")
    return [name.strip() for name in rows[0][1]], rows[1:]


def _find_column(table: Path, header: list[str], kind: str, name: str | None) -> int:
    if name is not None:
        if name in header:
            return header.index(name)
        raise DataError(f"{table}: there is no column {name!r}. {did_you_mean(name, header)}")
    column = _usual_column(header, kind)
    if column is None:
        raise DataError(f"{table}: which column is the {kind}? It has {', '.join(header)}: "
                        f"name it with --{kind}-column")
    return column


def _usual_column(header: list[str], kind: str) -> int | None:
    lower = [name.lower() for name in header]
    return next((lower.index(name) for name in COLUMNS[kind] if name in lower), None)


DATASET = Dataset("csv", "your own images", read, recipe=CUSTOM_RECIPE)
