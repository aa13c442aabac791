"""Named parts of one kind: samplers, pruners, executors, strategies, hyperparameters, data sets, reports.

A part is registered under the name that a search file uses. Third parties register theirs by an entry
point of their package (group ``paddle_transfer.samplers`` and so on), or by ``Registry.register``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from paddle_transfer.errors import PaddleTransferError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Component:
    """A registered part by name, with its options: ``{name: MedianPruner, n_startup_trials: 5}``."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


class UnknownName(PaddleTransferError):
    """No part of a registry has this name."""


class Registry(Generic[T]):
    """Parts of one kind by name, imported when they are first asked for.

    :param kind: what one part is, in words for messages: ``sampler``
    :param group: the entry point group of third parties
    :param builtin: name -> ``module:attribute`` of the parts that this package ships
    """

    def __init__(self, kind: str, *, group: str, builtin: Mapping[str, str]):
        self.kind, self.group = kind, group
        self._targets: dict[str, str] = dict(builtin)
        self._parts: dict[str, T] = {}
        self._searched = False

    def register(self, name: str, part: T | str) -> None:
        """Add ``part``, or ``module:attribute`` to import it from, under ``name``.

        Raises ValueError when the name is taken by another part.
        """
        known = self._parts.get(name, self._targets.get(name))
        if known is not None and known != part:
            raise ValueError(f"there is a {self.kind} named '{name}' already: {known!r}")
        if isinstance(part, str):
            self._targets[name] = part
        else:
            self._parts[name] = part

    def unregister(self, name: str) -> None:
        """Remove ``name``; nothing happens when it is not there."""
        self._parts.pop(name, None)
        self._targets.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """All names, those of this package first, each kind in the order of registration."""
        self._find_entry_points()
        return tuple(dict.fromkeys([*self._targets, *self._parts]))

    def __contains__(self, name: object) -> bool:
        return name in self._parts or name in self._targets or name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """The part ``name``. Raises UnknownName, with the closest known name."""
        if name not in self._parts:
            if name not in self:
                raise UnknownName(
                    f"there is no {self.kind} '{name}'. {did_you_mean(name, self.names())}"
                )
            module, _, attribute = self._targets[name].partition(":")
            self._parts[name] = cast(T, getattr(importlib.import_module(module), attribute))
        return self._parts[name]

    def items(self) -> Iterator[tuple[str, T]]:
        """Every name with its part, which is imported."""
        return ((name, self[name]) for name in self.names())

    def _find_entry_points(self) -> None:
        """Add the parts of installed packages, once; a name of this package is never replaced."""
        if self._searched:
            return
        self._searched = True
        for point in entry_points(group=self.group):
            self._targets.setdefault(point.name, point.value)


def attribute_of(target: str) -> Any:
    """The object that ``module:attribute`` names."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
