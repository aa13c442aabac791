"""Named parts of one kind: samplers, pruners, executors, strategies, data sets and so on.

A part is registered under the name that a search file uses. Third parties register theirs by an
entry point of their package (group ``paddle_transfer.samplers`` and so on), by
``Registry.register``, or not at all: ``my_module:MySampler`` is a name of what can be imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from paddle_transfer.errors import PaddleTransferError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Component:
    """A registered part by name, with its options: ``{name: MedianPruner, n_startup_trials: 5}``."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As a search file has it."""
        return {"name": self.name, **self.options}


class UnknownName(PaddleTransferError):
    """No part of a registry has this name."""


class Registry(Generic[T]):
    """Parts of one kind by name, imported when they are first asked for.

    :param kind: what one part is, in words for messages: ``sampler``
    :param group: the entry point group of third parties
    :param builtin: name -> ``module:attribute`` of the parts that this package ships
    """

    def __init__(self, kind: str, *, group: str, builtin: Mapping[str, str]):
        self.kind, self.group, self.builtin = kind, group, tuple(builtin)
        self._targets: dict[str, str] = dict(builtin)
        self._parts: dict[str, T] = {}
        self._installed = set(builtin)
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
        """Whether ``name`` is registered, or is ``module:attribute`` (which may not be there)."""
        return name in self._parts or name in self._targets or name in self.names() or (
            isinstance(name, str) and _is_target(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """The part ``name``. Raises UnknownName, with the closest known name or why not."""
        if name not in self._parts:
            if name not in self:
                raise UnknownName(
                    f"there is no {self.kind} '{name}'. {did_you_mean(name, self.names())}")
            if name not in self._targets:
                return self._imported(name)
            self._parts[name] = cast(T, attribute_of(self._targets[name]))
        return self._parts[name]

    def portable_name(self, name: str) -> str:
        """A name of the part ``name`` that another process knows, too.

        ``module:attribute`` of what only this process has registered. Raises UnknownName.
        """
        part = self[name]
        if name in self._installed or _is_target(name):
            return name
        if name in self._targets:
            return self._targets[name]
        target = f"{getattr(part, '__module__', '')}:{getattr(part, '__qualname__', '')}"
        if not _is_target(target) or target.startswith("__main__:"):
            raise UnknownName(f"the {self.kind} '{name}' ({part!r}) cannot be found by other "
                              "processes. Define it at the top of a module that can be imported")
        return target

    def _imported(self, target: str) -> T:
        """What ``module:attribute`` names; the current directory is searched, too, as the last."""
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        try:
            return cast(T, attribute_of(target))
        except (ImportError, AttributeError) as error:
            raise UnknownName(f"there is no {self.kind} '{target}': {error}") from error

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
            self._installed.add(point.name)


def attribute_of(target: str) -> Any:
    """The object that ``module:attribute`` names."""
    module, _, attribute = target.partition(":")
    return attrgetter(attribute)(importlib.import_module(module))


def _is_target(name: str) -> bool:
    """Whether ``name`` has the form ``module:attribute``."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(
        part.isidentifier() for path in (module, attribute) for part in path.split("."))
