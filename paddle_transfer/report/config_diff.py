"""Two configs compared as YAML text."""

from __future__ import annotations

import difflib
from typing import Any

from paddle_transfer.config.load import dump_text

#: Terminal colours of removed and added lines and of the place they stand at.
COLOURS = {"-": "31", "+": "32", "@": "36"}


def difference(old: dict[str, Any], new: dict[str, Any], *, colour: bool = False) -> list[str]:
    """The parts of two configs that differ, with two lines around each and, in place of a line
    number, the path of its section (``@@ DataLoader.Train.dataset``)."""
    before, after = dump_text(old).splitlines(), dump_text(new).splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    lines: list[str] = []
    for group in matcher.get_grouped_opcodes(2):
        kind, i, _, j, _ = next(part for part in group if part[0] != "equal")
        lines.append(f"@@ {_section(after, j) if kind == 'insert' else _section(before, i)}")
        changed = difflib.ndiff(before[group[0][1]:group[-1][2]], after[group[0][3]:group[-1][4]])
        lines += [line for line in changed if not line.startswith("?")]
    return [_coloured(line) if colour else line for line in lines] or ["  nothing"]


def _coloured(line: str) -> str:
    code = COLOURS.get(line[0])
    return f"\033[{code}m{line}\033[0m" if code else line


def _section(lines: list[str], number: int) -> str:
    """The path of the keys above line ``number`` of a YAML text, by indentation."""
    above: list[tuple[int, str]] = []
    for line in lines[:number + 1]:
        bare = line.lstrip(" -")
        indent = len(line) - len(bare)
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, bare.partition(":")[0]))
    return ".".join(key for _, key in above[:-1]) or above[-1][1]
