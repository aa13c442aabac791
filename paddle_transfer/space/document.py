"""The table of this package's hyperparameters, at the end of docs/hyperparameters.md."""

from __future__ import annotations

from paddle_transfer.space.entry import OLDEST, Entry
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.space.registry import HYPERPARAMETERS

_COLUMNS = ("name", "meaning", "usual values", "what it edits", "PaddleClas", "source")


def with_table(page: str) -> str:
    """``page`` with its table, which must be its end, in step with the registry."""
    entries = map(HYPERPARAMETERS.__getitem__, HYPERPARAMETERS.builtin)
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, entries)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return page.partition(f"| {_COLUMNS[0]} |")[0] + table


def _row(entry: Entry) -> tuple[str, ...]:
    values = ", ".join(map(_shown, entry.values)) + ("; log axis" if entry.log else "")
    edits = ", ".join(f"`{path}`" for path in entry.edits)
    return f"`{entry.name}`", entry.meaning, values, edits, _versions(entry), entry.source


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _versions(entry: Entry) -> str:
    parts = ["all" if entry.since == OLDEST else f"{entry.since} and newer"]
    parts += [f"{value}: {since} and newer" for value, since in entry.since_values.items()]
    parts += [f"{entry.device.upper()} only"] if entry.device else []
    return "; ".join(parts)
