"""CSV files of what was recorded: dataclasses of plain fields, a row each."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RowT = TypeVar("RowT", bound="DataclassInstance")
_KINDS: dict[str, Callable[[str], object]] = {"int": int, "float": float, "str": str}


def read_rows(path: Path, kind: type[RowT]) -> list[RowT]:
    """The rows in ``path``; none when there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [kind(**{one.name: _KINDS[str(one.type)](line[one.name]) for one in fields(kind)})
                for line in csv.DictReader(line for line in file if line[:1] != "#")]


def append_row(path: Path, row: DataclassInstance) -> None:
    """Add ``row`` at the end of ``path``, with the names of its fields on top of a new file."""
    values = asdict(row)
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(values), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.5g}" if isinstance(value, float) else value
                         for name, value in values.items()})
