"""The user's own table: a column of image paths, one of labels, and optionally one of splits."""

import csv
import io
from pathlib import Path

from paddle_transfer.checks.listfile import NUMBER
from paddle_transfer.datasets.base import CUSTOM_RECIPE, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.class_names import check_names
from paddle_transfer.datasets.files import MAX_BYTES
from paddle_transfer.datasets.folder import SPLITS
from paddle_transfer.datasets.skipped import Skipped, why_unlistable
from paddle_transfer.errors import DataError, did_you_mean, one_line
from paddle_transfer.files import read_bytes

#: Number of the line, image, label, split.
_Row = tuple[int, str, str, str]

#: Usual names of the columns, in lower case.
COLUMNS = {"image": ("image", "path", "file", "filename", "file_name", "img", "image_path", "id"),
           "label": ("label", "class", "category", "target", "class_name"),
           "split": ("split", "set", "subset", "fold")}


def read(root: Path, options: PrepareOptions) -> Layout:
    """Read a table with a header; columns are found by their usual names unless named.

    Whole-number labels are sorted by value and become 0-based, others are sorted alphabetically.
    Raises DataError with all faulty lines at once.
    """
    table = Path(options.csv) if options.csv else root / "labels.csv"
    splits: dict[str, list[tuple[str, str]]] = {}
    rows, notes = _without_repeats(table, [
        (number, _below(root, image), label, split)
        for number, image, label, split in _read_rows(table, options)])
    for image, label, split in rows:
        splits.setdefault(split, []).append((image, label))
    names = {label for pairs in splits.values() for _, label in pairs}
    whole = all(NUMBER.match(name) for name in names)
    numbers = [int(name) for name in names] if whole else []
    if len(set(numbers)) < len(numbers):
        raise DataError(f"{table}: some labels are one number in two forms, such as 1 and 01: "
                        f"{one_line(', '.join(sorted(names)), 200)}. Write it in one")
    classes = sorted(names, key=int) if whole else sorted(names)
    if len(classes) < 2:
        raise DataError(f"{table}: all images have the label {classes[0]!r}; two classes are "
                        "the least")
    if "train" not in splits:
        raise DataError(f"{table}: no line has the split train")
    trained = {label for _, label in splits["train"]}
    untrained = [f"{name!r} ({split})" for split, pairs in splits.items()
                 for name in dict.fromkeys(label for _, label in pairs) if name not in trained]
    if untrained:
        raise DataError(f"{table}: no image for training has these labels: "
                        f"{one_line(', '.join(untrained), 400)}. Is one misspelt?")
    return Layout.by_name(classes, splits, notes=[*notes, *check_names(classes, str(table))])


def _without_repeats(table: Path, rows: list[_Row]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """(image, label, split) of each image once, and notes.

    Raises DataError for images that have two labels, or are in two lists.
    """
    first: dict[str, _Row] = {}
    repeats, faults = list[_Row](), list[str]()
    skipped = Skipped()
    for row in rows:
        number, image, label, split = row
        if why_unlistable(image):
            skipped.add(f"line {number}: {image!r}", "names that no list file can hold")
            continue
        known = first.setdefault(image, row)
        if known is row:
            continue
        repeats.append(row)
        for here, there, kind in ((label, known[2], "label"), (split, known[3], "split")):
            if here != there:
                faults.append(f"{table}:{number}: {image} has the {kind} {here!r} here and "
                              f"{there!r} on line {known[0]}")
    if faults:
        raise DataError(listed(faults))
    notes = skipped.notes()
    if repeats:
        notes.append(f"{len(repeats)} lines of {table} name an image again and are skipped "
                     f"(line {repeats[0][0]}: {one_line(repeats[0][1], 200)})")
    return [row[1:] for row in first.values()], notes


def listed(faults: list[str], limit: int = 50) -> str:
    """One fault a line; of more than ``limit`` the first ones, and how many more there are."""
    more = [f"... and {len(faults) - limit} more lines"] if len(faults) > limit else []
    return "\n".join([*faults[:limit], *more])


def _read_rows(table: Path, options: PrepareOptions) -> list[_Row]:
    """All lines."""
    header, lines = _parse(table)
    image, label, split = (_find_column(table, header, kind, name) for kind, name in (
        ("image", options.image_column), ("label", options.label_column),
        ("split", options.split_column)))
    faults, rows = [], []
    for number, cells in lines:
        if len(cells) < len(header) or any(cells[len(header):]):
            faults.append(f"{table}:{number}: {len(header)} columns expected, but got {len(cells)}")
        elif not cells[image] or not cells[label]:
            faults.append(f"{table}:{number}: image or label is empty")
        elif split >= 0 and cells[split].lower() not in SPLITS:
            faults.append(f"{table}:{number}: a split is train, val or test, "
                          f"but got {cells[split]!r}")
        else:
            part = SPLITS[cells[split].lower()] if split >= 0 else "train"
            rows.append((number, cells[image], cells[label], part))
    if faults:
        raise DataError(listed(faults))
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
    """The header, and (line number, stripped cells) of the other lines."""
    try:
        text = read_bytes(table, MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{table}: the table cannot be read: {error.strerror}. Name it with "
                        "--csv") from None
    except UnicodeDecodeError:
        raise DataError(f"{table}: the table should be UTF-8 text, but is not") from None
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{table}:{reader.line_num}: is no line of a table: {error}") from None
    if not rows:
        raise DataError(f"{table}: the table is empty")
    return rows[0][1], rows[1:]


def _find_column(table: Path, header: list[str], kind: str, name: str | None) -> int:
    """The index of a column; -1 if there is no column of splits."""
    if name is not None:
        if name in header:
            return header.index(name)
        raise DataError(f"{table}: there is no column {name!r}. {did_you_mean(name, header)}")
    lower = [name.lower() for name in header]
    for usual in COLUMNS[kind]:
        if usual in lower:
            return lower.index(usual)
    if kind == "split":
        return -1
    raise DataError(f"{table}: which column is the {kind}? It has {', '.join(header)}: "
                    f"name it with --{kind}-column")


DATASET = Dataset("csv", "your own images", read, recipe=CUSTOM_RECIPE)
