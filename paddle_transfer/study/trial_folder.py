"""The files of one trial, ``output_dir/trials/NNNN``: their names, and how they are read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.space.hyperparameter import is_number

#: What a worker writes into result.json as the verdict; all of them are final.
FINAL = ("complete", "pruned", "diverged", "invalid")


@dataclass(frozen=True)
class TrialFolder:
    """``path`` holds everything that a trial leaves; a file need not be there."""

    path: Path

    @classmethod
    def of(cls, output_dir: str | os.PathLike[str], number: int | str) -> TrialFolder:
        """The folder of trial ``number`` (``NNNN`` stands for any) of the search in
        ``output_dir``."""
        name = number if isinstance(number, str) else f"{number:04d}"
        return cls(Path(output_dir) / "trials" / name)

    @property
    def config(self) -> Path:
        """The whole PaddleClas config."""
        return self.path / "config.yaml"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def log(self) -> Path:
        return self.path / "train.log"

    def old_log(self, attempt: int) -> Path:
        """The log of an earlier attempt."""
        return self.path / f"train.log.{attempt}"

    def old_logs(self) -> list[Path]:
        return list(self.path.glob("train.log.*"))

    @property
    def weights_stem(self) -> Path:
        """The weights of the best epoch without ``.pdparams``, as configs name them."""
        return self.path / "best_model"

    @property
    def weights(self) -> Path:
        return self.path / "best_model.pdparams"

    @property
    def student_weights(self) -> Path:
        """The student's part of a distilled model's weights, under its own names."""
        return self.path / "best_model_student.pdparams"

    def read_result(self, number: int, attempt: int | None) -> dict[str, Any] | None:
        """The result that attempt ``attempt`` of trial ``number`` left; None when there is none,
        when it is another attempt's, or when it is not valid.

        :param attempt: None: of any attempt
        """
        try:
            result = json.loads(self.result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(result, dict) or result.get("number") != number:
            return None
        wanted = attempt is None or result.get("attempt") == attempt
        return result if wanted and _is_valid(result) else None


def _is_valid(result: dict[str, Any]) -> bool:
    curve = result.get("curve")
    if result.get("verdict") not in FINAL or not isinstance(curve, list):
        return False
    if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], int)
               and isinstance(pair[1], int | float) for pair in curve):
        return False
    return result["verdict"] not in ("complete", "pruned") or (
        is_number(result.get("value")) and bool(curve))


def log_tail(path: str | os.PathLike[str], *, lines: int = 20, limit: int = 8000) -> str:
    """The last ``lines`` lines of a log, at most ``limit`` bytes of it; empty when it is
    unreadable."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.replace("\r", "\n").splitlines()[-lines:])
