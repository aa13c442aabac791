"""A table of one's own: a column of image paths, one of labels, and perhaps one of splits."""

from __future__ import annotations

import csv
from pathlib import Path

from paddle_transfer.checks.listfile import NUMBER, Entry
from paddle_transfer.datasets.base import Layout
from paddle_transfer.datasets.folder import SPLITS
from paddle_transfer.errors import DataError, did_you_mean

IMAGE_COLUMNS = ("image", "path", "file", "filename", "file_name", "img", "image_path", "id")
LABEL_COLUMNS = ("label", "class", "category", "target", "class_name")
SPLIT_COLUMNS = ("split", "set", "subset", "fold")


def read_table(root: Path, table: Path, *, image: str | None = None, label: str | None = None,
               split: str | None = None) -> Layout:
    """Read a table with a heading; columns are found by their usual names unless named.

    Whole-number labels are put in numeric order and made 0-based; others in alphabetical order.
    Raises DataError with all faulty lines at once.
    """
    heading, rows = _rows(table)
    images = _column(table, heading, image, IMAGE_COLUMNS, "image")
    labels = _column(table, heading, label, LABEL_COLUMNS, "label")
    splits = _column(table, heading, split, SPLIT_COLUMNS, "split", needed=split is not None)
    faults, read = [], []
    for line, row in rows:
        if len(row) < len(heading):
            faults.append(f"{table}:{line}: {len(heading)} columns expected, but got {len(row)}")
            continue
        part = SPLITS.get(row[splits].strip().lower()) if splits is not None else "train"
        if not row[images].strip() or not row[labels].strip():
            faults.append(f"{table}:{line}: image or label is empty")
        elif part is None:
            faults.append(f"{table}:{line}: a split is train, val or test, but got {row[splits]!r}")
        else:
            read.append((line, row[images].strip(), row[labels].strip(), part))
    if faults:
        raise DataError("\n".join(faults[:50]))
    if not read:
        raise DataError(f"{table}: names no image")
    return _layout(root, table, read)


def _layout(root: Path, table: Path, read: list[tuple[int, str, str, str]]) -> Layout:
    names = {name for _, _, name, _ in read}
    whole = all(NUMBER.match(name) for name in names)
    classes = sorted(names, key=int) if whole else sorted(names)
    if len(classes) < 2:
        raise DataError(
            f"{table}: all images have the label {classes[0]!r}; two classes are the least")
    number = {name: i for i, name in enumerate(classes)}
    splits: dict[str, list[Entry]] = {}
    for _, path, name, part in read:
        splits.setdefault(part, []).append((_below(root, path), number[name]))
    if "train" not in splits:
        raise DataError(f"{table}: no line has the split train")
    return Layout(tuple(classes), splits)


def _below(root: Path, path: str) -> str:
    """``path`` as it goes into a list: relative to the root where it is below it."""
    target = Path(path.replace("\\", "/"))
    if target.is_absolute() and target.is_relative_to(root.resolve()):
        target = target.relative_to(root.resolve())
    return target.as_posix()


def _rows(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{table}: the table cannot be read: {error.strerror}. Name it with --csv") from None
    except UnicodeDecodeError:
        raise DataError(f"{table}: the table should be UTF-8 text, but is not") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    rows = [(reader.line_num, row) for row in reader if row]
    if not rows:
        raise DataError(f"{table}: the table is empty")
    return [name.strip() for name in rows[0][1]], rows[1:]


def _column(table: Path, heading: list[str], name: str | None, usual: tuple[str, ...], what: str, *,
            needed: bool = True) -> int | None:
    if name is not None:
        if name in heading:
            return heading.index(name)
        raise DataError(f"{table}: there is no column {name!r}. {did_you_mean(name, heading)}")
    lower = [column.lower() for column in heading]
    for candidate in usual:
        if candidate in lower:
            return lower.index(candidate)
    if needed:
        raise DataError(f"{table}: which column is the {what}? It has {', '.join(heading)}: "
                        f"name it with --{what}-column")
    return None
