"""VisualDL in PaddleClas's engine (``Global.use_visualdl``), so that it ends no training. Imports
neither."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from paddle_transfer.errors import cause


class SafeWriter:
    """A writer that is switched off, which one line says, when it fails.

    :param make: makes VisualDL's ``LogWriter``
    """

    def __init__(self, make: Callable[[], Any]):
        self._writer: Any = None
        self._writer = self._try("begin", make)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The writer's method, which does nothing once it is switched off."""
        def call(*arguments: object, **options: object) -> Any:
            if self._writer is None:
                return None
            return self._try(name, lambda: getattr(self._writer, name)(*arguments, **options))
        return call

    def _try(self, what: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            self._writer = None
            print(f"VisualDL failed in {what} and is switched off; the training goes on: "
                  f"{cause(error)}", file=sys.stderr, flush=True)
            return None


def safe(make: Callable[..., Any]) -> Callable[..., SafeWriter]:
    """``make``, VisualDL's ``LogWriter``, with what it makes in a ``SafeWriter``."""
    return lambda *arguments, **options: SafeWriter(lambda: make(*arguments, **options))
