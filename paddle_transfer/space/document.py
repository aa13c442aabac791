"""The table of this package's hyperparameters, at the end of docs/hyperparameters.md, and of the
Chinese docs/hyperparameters.zh.md."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.config.load import load_yaml
from paddle_transfer.space.entry import OLDEST, Entry
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.space.registry import HYPERPARAMETERS

#: The Chinese text of ``Entry.meaning``, by the hyperparameter's name.
MEANINGS_ZH = Path(__file__).with_name("meanings_zh.yaml")

_COLUMNS = ("name", "meaning", "usual values", "what it edits", "PaddleClas", "source")
_COLUMNS_ZH = ("名称", "含义", "常用值", "修改的内容", "PaddleClas", "来源")


def with_table(page: str, *, chinese: bool = False) -> str:
    """``page`` with its table, which must be its end, in step with the registry."""
    entries = map(HYPERPARAMETERS.__getitem__, HYPERPARAMETERS.builtin)
    columns = _COLUMNS_ZH if chinese else _COLUMNS
    meanings = load_yaml(str(MEANINGS_ZH)) if chinese else {}
    rows = [columns, ("---",) * len(columns), *(_row(entry, meanings) for entry in entries)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return page.partition(f"| {columns[0]} |")[0] + table


def _row(entry: Entry, meanings: dict[str, str]) -> tuple[str, ...]:
    """:param meanings: in Chinese; empty: the row is in English"""
    log = "；对数轴" if meanings else "; log axis"
    values = ", ".join(map(_shown, entry.values)) + (log if entry.log else "")
    edits = ", ".join(f"`{path}`" for path in entry.edits)
    meaning = meanings[entry.name] if meanings else entry.meaning
    return (f"`{entry.name}`", meaning, values, edits, _versions(entry, chinese=bool(meanings)),
            entry.source)


def _shown(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _versions(entry: Entry, *, chinese: bool) -> str:
    newer = "{} 及以上" if chinese else "{} and newer"
    parts = [("全部" if chinese else "all") if entry.since == OLDEST else newer.format(entry.since)]
    parts += [f"{value}: {newer.format(since)}" for value, since in entry.since_values.items()]
    if entry.device:
        parts.append(("仅 {}" if chinese else "{} only").format(entry.device.upper()))
    return ("；" if chinese else "; ").join(parts)
