"""The files of one trial, ``output_dir/trials/NNNN``: their names, and how they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from paddle_transfer.space.hyperparameter import is_number

#: The verdicts that a worker writes into result.json; all of them are final.
FINAL = ("complete", "pruned", "diverged", "invalid")
_WEIGHTS, _INDEX, _PREDICTIONS = (
    "best_model.pdparams", "best_model.index.npz", "best_predictions.npz")


def _file(name: str) -> cached_property[Path]:
    """The file ``name`` of a ``TrialFolder``."""
    return cached_property(lambda folder: folder.path / name)


class TrialFolder:
    """The files that a trial leaves in the folder ``path``; each may be missing.

    ``config`` is the whole PaddleClas config, ``log`` that of the present attempt, ``weights`` are
    those of the best epoch, ``student_weights`` the part of a distilled model under its own names,
    ``index`` a classifier that is not in the weights, ``checkpoint`` the folder from which a trial
    that was interrupted goes on (``weights.checkpoint``), ``predictions`` the answers on the
    validation list.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._path = os.fspath(path)

    @cached_property
    def path(self) -> Path:
        return Path(self._path)

    config = _file("config.yaml")
    result = _file("result.json")
    log = _file("train.log")
    record = _file("trial.json")
    weights = _file(_WEIGHTS)
    student_weights = _file("best_model_student.pdparams")
    index = _file(_INDEX)
    checkpoint = _file("checkpoint")
    predictions = _file(_PREDICTIONS)

    @classmethod
    def of(cls, output_dir: str | os.PathLike[str], number: int | str) -> TrialFolder:
        """The folder of trial ``number`` (``NNNN``: of any) of the search in ``output_dir``."""
        return cls(os.path.join(output_dir, "trials", f"{number:0>4}"))

    def old_logs(self) -> list[Path]:
        """The logs of earlier attempts: ``train.log.1``, ..."""
        return list(self.path.glob("train.log.*"))

    def delete_models(self) -> None:
        """Delete what was trained, as far as it is there. No ``Path`` is made: a search that goes
        on looks at thousands of trials."""
        for name in (_WEIGHTS, _INDEX, _PREDICTIONS):
            with suppress(FileNotFoundError):
                os.unlink(f"{self._path}/{name}")

    def saved_epoch(self) -> int:
        """The epoch after which the checkpoint was saved; 0 where there is none that can be read.
        The worker looks whether it is whole."""
        try:
            return int(json.loads((self.checkpoint / "state.json").read_text())["epoch"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return 0

    def read_result(self, number: int, attempt: int | None) -> dict[str, Any] | None:
        """The result that attempt ``attempt`` (None: any) of trial ``number`` left; None when there
        is none, when it is another attempt's, or when it is not valid."""
        try:
            result = json.loads(self.result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(result, dict) or result.get("number") != number:
            return None
        wanted = attempt is None or result.get("attempt") == attempt
        return result if wanted and is_valid(result) else None


def is_valid(result: Mapping[str, Any]) -> bool:
    """Whether ``result`` is one that counts: of a final verdict, with a curve, and with a finite
    value where the verdict has one."""
    curve = result.get("curve")
    if result.get("verdict") not in FINAL or not isinstance(curve, list | tuple):
        return False
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], int)
               and isinstance(pair[1], int | float) for pair in curve):
        return False
    return result["verdict"] not in ("complete", "pruned") or (
        is_number(result.get("value")) and bool(curve))
