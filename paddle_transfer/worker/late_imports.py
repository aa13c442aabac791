"""Libraries that PaddleClas imports at its top for few of its metrics and losses, imported when
they are first used: otherwise they are half of the time that a worker takes to start."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

#: For multi-label metrics, the evaluations of AdaFace and of retrieval, FMix, and nothing (a loss
#: imports matplotlib and draws no picture).
LIBRARIES = ("matplotlib", "scipy", "sklearn")


class _Late:
    """What was taken from a stand-in by its name, to be called or looked into."""

    def __init__(self, module: str, name: str):
        self._module, self._name = module, name

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._found()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._found(), name)

    def _found(self) -> Any:
        return getattr(import_module(self._module), self._name)


class _StandIn(ModuleType):
    """In the place of a module."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Late(self.__name__, name)


class _Finder(MetaPathFinder, Loader):
    def __init__(self, libraries: Sequence[str]):
        self._libraries = libraries

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        if fullname.partition(".")[0] not in self._libraries:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """It is complete."""


@contextmanager
def late_imports() -> Iterator[None]:
    """What is imported inside takes stand-ins from ``LIBRARIES``, those excepted that this process
    has imported before. Whoever imports them later gets the real ones."""
    finder = _Finder([name for name in LIBRARIES if name not in sys.modules])
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, one in sys.modules.items() if isinstance(one, _StandIn)]:
            del sys.modules[name]
