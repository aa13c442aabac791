"""What older versions of PaddleClas ignore in a training config."""

from __future__ import annotations

import re
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.errors import ValidationIssue, show

#: Paths that older versions ignore -> the first that reads them.
SINCE = {"EMA": "2.5", "Global.update_freq": "2.5", "Global.iter_per_epoch": "2.5",
         "Global.train_mode": "2.5"}

NEWER = "Name a newer checkout with PADDLECLAS_HOME or --paddleclas, or take it out."


def older(version: str, than: str) -> bool:
    """Whether PaddleClas ``version`` is older than ``than``; False for an unknown version."""
    return re.match(r"\d+\.\d+", version) is not None and _numbers(version) < _numbers(than)


def ignored_by(config: dict[str, Any], version: str) -> list[ValidationIssue]:
    """What ``config`` asks for and PaddleClas ``version`` ignores; an unknown version knows all."""
    return [ValidationIssue(path, f"needs PaddleClas {first} or newer: older ones ignore it",
                            f"{show(value)} and PaddleClas {version}", NEWER)
            for path, first in SINCE.items() if older(version, first)
            for value in [dotpath.find(config, path)] if _asks(path, value)]


def _asks(path: str, value: object) -> bool:
    off = isinstance(value, dict) and value.get("decay", 1) == 0
    return not off and value is not None and not (path == "Global.update_freq" and value == 1)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
