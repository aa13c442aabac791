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
    """A part by name, with its options: ``{name: MedianPruner, n_startup_trials: 5}``."""

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
    :param attribute: one that every part has, and an object of another kind lacks
    """

    def __init__(self, kind: str, *, group: str, builtin: Mapping[str, str],
                 attribute: str = ""):
        self.kind, self.group, self.builtin = kind, group, tuple(builtin)
        self._attribute = attribute
        self._parts: dict[str, T | str] = {**builtin}  # a text is the module:attribute
        self._installed = {*builtin}
        self._searched = False

    def register(self, name: str, part: T | str) -> None:
        """Add ``part``, or the ``module:attribute`` to import it from, under ``name``.

        Raises ValueError if another part has the name.
        """
        known = self._parts.setdefault(name, part)
        if known != part:
            raise ValueError(f"there is a {self.kind} named '{name}' already: {known!r}")

    def unregister(self, name: str) -> None:
        """Remove ``name``, if it is registered."""
        self._parts.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """All registered names, those of this package first."""
        if not self._searched:
            self._searched = True
            for point in entry_points(group=self.group):
                self._parts.setdefault(point.name, point.value)
                self._installed.add(point.name)
        return tuple(self._parts)

    def __contains__(self, name: object) -> bool:
        """Whether ``name`` is registered, or is a ``module:attribute``, which may not exist."""
        return self._is_registered(name) or (isinstance(name, str) and _is_target(name))

    def _is_registered(self, name: object) -> bool:
        return name in self._parts or name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """The part ``name``. Raises UnknownName, with the closest known name or the cause."""
        if self._is_registered(name):
            part = self._parts[name]
            return cast(T, attribute_of(part) if isinstance(part, str) else part)
        if not _is_target(name):
            raise UnknownName(
                f"there is no {self.kind} '{name}'. {did_you_mean(name, self.names())}")
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())  # the last: it must not shadow a library
        try:
            found = attribute_of(name)
        except Exception as error:  # the module is the user's: importing it may raise anything
            raise UnknownName(f"there is no {self.kind} '{name}': {error}") from error
        if self._attribute and not hasattr(found, self._attribute):
            raise UnknownName(f"'{name}' is no {self.kind}: it has no '{self._attribute}'")
        return cast(T, found)

    def portable_name(self, name: str) -> str:
        """A name of the part ``name`` that other processes know, too: ``module:attribute`` for what
        only this process has registered. Raises UnknownName."""
        part = self[name]
        if name in self._installed or _is_target(name):
            return name
        registered = self._parts[name]
        if isinstance(registered, str):
            return registered
        target = f"{getattr(part, '__module__', '')}:{getattr(part, '__qualname__', '')}"
        if not _is_target(target) or target.startswith("__main__:"):
            raise UnknownName(f"the {self.kind} '{name}' ({part!r}) cannot be found by other "
                              "processes. Define it at the top of a module that can be imported")
        return target


def attribute_of(target: str) -> Any:
    """The object that ``module:attribute`` names."""
    module, _, attribute = target.partition(":")
    return attrgetter(attribute)(importlib.import_module(module))


def _is_target(name: str) -> bool:
    """Whether ``name`` has the form ``module:attribute``."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(
        part.isidentifier() for path in (module, attribute) for part in path.split("."))
