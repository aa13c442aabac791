"""Replaces names of a module for a while: PaddleClas offers no other place to step in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def replaced(module: ModuleType, **replacements: object) -> Iterator[None]:
    """Give names in ``module`` another meaning, and their own back afterwards."""
    own = {name: getattr(module, name) for name in replacements}
    vars(module).update(replacements)
    try:
        yield
    finally:
        vars(module).update(own)
