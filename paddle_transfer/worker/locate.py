"""Finds PaddleClas's training engine on this machine, without importing it or Paddle."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from paddle_transfer.errors import SetupError, reading

#: Files of a PaddleClas that can train; the wheels 2.5.0 to 2.6.0 have only the last.
ENGINE_FILES = ("ppcls/engine/engine.py", "ppcls/data/__init__.py", "ppcls/arch/__init__.py")

WHEEL_COMMAND = "pip install --no-deps paddleclas==2.4.2"
CHECKOUT_HINT = (
    "or set PADDLECLAS_HOME (or --paddleclas) to a source checkout of PaddleClas 2.5 or newer: "
    "git clone https://github.com/PaddlePaddle/PaddleClas")


@dataclass(frozen=True)
class EngineHome:
    """Where the engine is.

    :param kind: ``checkout`` or ``wheel``
    :param path: the directory that holds ``ppcls``; it goes on ``sys.path``
    :param version: as far as it is written down there, else ``unknown``
    :param amp: ``auto_cast`` (2.5 and newer: the engine always has ``auto_cast`` and a ``scaler``)
        or ``flags`` (2.4: ``amp``, ``amp_level`` and, only with AMP, a ``scaler``)
    :param ema: whether the engine knows ``EMA``
    """

    kind: str
    path: str
    version: str
    amp: str
    ema: bool

    def __str__(self) -> str:
        return f"PaddleClas {self.version}, {self.kind} at {self.path}"


def locate(explicit: str | None = None, *, environ: Mapping[str, str] | None = None,
           cwd: str | None = None, search_path: Sequence[str] | None = None) -> EngineHome:
    """The engine to use: ``explicit`` (``--paddleclas``), else ``PADDLECLAS_HOME``, else ``cwd``
    when it is a checkout, else a checkout on the search path (``PYTHONPATH``), else the installed
    wheel. A place that is named must have the engine: a misspelt path is an error.

    :raises SetupError: there is none, with the commands that install one
    """
    environ = os.environ if environ is None else environ
    search_path = sys.path if search_path is None else search_path
    for place, named_by in ((explicit, "--paddleclas"),
                            (environ.get("PADDLECLAS_HOME"), "PADDLECLAS_HOME")):
        if place:
            return _named(place, named_by)
    for place in (cwd or os.getcwd(), *search_path):
        # site-packages/paddleclas, put on sys.path by an earlier run in this process, is the wheel
        wheel = any(Path(place).parent.glob("paddleclas-*.dist-info"))
        if place and not _missing(Path(place)) and not wheel:
            return _home("checkout", Path(place))
    return _wheel(search_path)


def require_paddle(search_path: Sequence[str] | None = None) -> None:
    """:raises SetupError: Paddle is not installed"""
    if PathFinder.find_spec("paddle", None if search_path is None else list(search_path)) is None:
        raise SetupError(
            'Paddle is not installed. On a machine without a GPU: pip install '
            '"paddle_transfer[cpu]"; with one: pip install "paddle_transfer[gpu]"')


def ppcls_folder(named: str | None = None) -> Path | None:
    """The ``ppcls`` folder that training would use; None when none is named and none is found.

    :raises SetupError: ``named`` is no PaddleClas with an engine
    """
    try:
        return Path(locate(named).path) / "ppcls"
    except SetupError:
        if named:
            raise
        return None


def known_ppcls(named: str | None = None) -> Path | None:
    """``ppcls_folder``; None also where ``named`` is no PaddleClas, which is told when it is used.
    """
    try:
        return ppcls_folder(named)
    except SetupError:
        return None


def _missing(place: Path) -> list[str]:
    return [name for name in ENGINE_FILES if not os.path.isfile(place / name)]


def _named(place: str, named_by: str) -> EngineHome:
    with reading(named_by, error=SetupError):
        path = Path(os.path.realpath(os.path.expanduser(place)))
    missing = _missing(path)
    if not missing:
        return _home("checkout", path)
    state = ("there is no such directory" if not os.path.isdir(path) else
             f"it lacks {', '.join(missing)}")
    raise SetupError(
        f"{named_by} names {place}, which is no PaddleClas checkout: {state}. Name the directory "
        f"that holds tools/ and ppcls/, or leave it out and use the wheel: {WHEEL_COMMAND}")


def _wheel(search_path: Sequence[str]) -> EngineHome:
    without = None
    for found in importlib.metadata.distributions(name="paddleclas", path=list(search_path)):
        # the wheel's ppcls is not top-level: it is inside the paddleclas package, and only that
        # package's own __init__ (which imports half of the library) puts it on sys.path
        path = Path(str(found.locate_file("paddleclas")))
        if not _missing(path):
            return _home("wheel", path, found.version)
        without = without or found.version
    if without:
        raise SetupError(
            f"The installed paddleclas {without} has no training engine (the wheels 2.5.0 to 2.6.0 "
            "carry only its models). Install the wheel that has it: "
            f"{WHEEL_COMMAND}; {CHECKOUT_HINT}")
    raise SetupError(
        f"PaddleClas was not found. Install its wheel: {WHEEL_COMMAND}; {CHECKOUT_HINT}")


def _home(kind: str, path: Path, version: str | None = None) -> EngineHome:
    path = path.resolve()
    utils = path / "ppcls" / "utils"
    return EngineHome(kind=kind, path=str(path), version=version or _version(path),
                      amp="auto_cast" if (utils / "amp.py").is_file() else "flags",
                      ema=(utils / "ema.py").is_file())


def _version(path: Path) -> str:
    for name, mark in (("version.txt", ""), ("paddleclas.egg-info/PKG-INFO", "Version:")):
        try:
            lines = (path / name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(mark) and line[len(mark):].strip():
                return line[len(mark):].strip()
    return "unknown"
