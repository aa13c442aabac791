"""Runs, as the tools that show trainings read them: a folder each, with scalars, texts, images and
hyperparameters."""

from __future__ import annotations

import json
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.space import Point

#: An image, (height, width, 3) in RGB.
Pixels = npt.NDArray[np.uint8]
#: What the tools show of a hyperparameter.
Plain = str | int | float
#: Characters of a run's name, as far as whole settings go.
LONGEST = 60


class Run(ABC):
    """One run in ``directory``, which is begun anew. All methods raise OSError where nothing more
    can be written."""

    def __init__(self, directory: Path):
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            shutil.rmtree(directory)
            directory.mkdir()
        self.best = float("-inf")
        self._has_hparams = False

    def hparams(self, hparams: Mapping[str, Plain], metric_tag: str) -> None:
        """The run's hyperparameters; a second call changes nothing."""
        if not self._has_hparams:
            self._write_hparams(hparams, metric_tag)
            self._has_hparams = True

    @abstractmethod
    def scalar(self, tag: str, value: float, step: int) -> None: ...

    @abstractmethod
    def text(self, tag: str, text: str, step: int = 0) -> None: ...

    @abstractmethod
    def image(self, tag: str, pixels: Pixels) -> None: ...

    @abstractmethod
    def flush(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def _write_hparams(self, hparams: Mapping[str, Plain], metric_tag: str) -> None: ...


def run_name(number: int, point: Point) -> str:
    """``0007 lr=0.01 mixup``, a name for people that is a folder's on any system; settings that
    are off are left out, and those too many are counted: ``0007 lr=0.01 +3``.

    :param point: the settings that were trained with
    """
    settings = [_setting(name, value) for name, value in point.items() if value is not False]
    kept, name = 0, f"{number:04d}"
    while kept < len(settings) and len(name) + len(settings[kept]) < LONGEST:
        name += f" {settings[kept]}"
        kept += 1
    return name if kept == len(settings) else f"{name} +{len(settings) - kept}"


def _setting(name: str, value: Value) -> str:
    if value is True:
        return _clean(name)
    if isinstance(value, dict):
        value = value.get("name", value)
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{_clean(name)}={_clean(shown)}"


def _clean(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", text).strip("_.")


def plain(value: Value, hyperparameter: Hyperparameter) -> Plain:
    """``value`` as the tools take it: int where all values are whole numbers, float for other
    numbers, else text."""
    if isinstance(value, (str, bool)):
        return str(value)
    if isinstance(value, (int, float)) and hyperparameter.ordered:
        values = hyperparameter.values if isinstance(hyperparameter, Choice) else ()
        whole = isinstance(value, int) and all(isinstance(other, int) for other in values)
        return value if whole else float(value)
    return json.dumps(value)
