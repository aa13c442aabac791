"""Values, points, durations and tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paddle_transfer.config.base import MEAN_PER_CLASS
from paddle_transfer.errors import one_line
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.space.space import Point

#: Characters of a cell of a table at most.
CELL = 400


def show_point(point: Point) -> str:
    """``lr 0.01, mixup on``."""
    return ", ".join(f"{name} {show_value(value)}" for name, value in point.items())


def show_value(value: Value) -> str:
    """``on`` and ``off`` for booleans, floats in their shortest form."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else one_line(value, CELL)


def is_accuracy(metric: str) -> bool:
    """Whether differences of ``metric`` are told in percentage points."""
    return metric == MEAN_PER_CLASS or (metric.startswith("top") and metric[3:].isdecimal())


def on_images(count: int | None, classes: int | None = None) -> str:
    """`` on 9 images``, to stand behind a metric; nothing where the number is not known.

    :param classes: of the images, for a metric that is a mean of classes
    """
    if count is None:
        return ""
    of = "" if classes is None else f" of {classes} class{'es' if classes != 1 else ''}"
    return f" on {count} image{'s' if count != 1 else ''}{of}"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def columns(rows: Iterable[Sequence[str]], *, indent: str = "") -> list[str]:
    """The lines of a table: ``rows`` of equal length with their cells aligned to the left. Cells
    are printable and not too long, whatever is put into them."""
    rows = [[cell if cell.isprintable() and len(cell) <= CELL else one_line(cell, CELL)
             for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [indent + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
