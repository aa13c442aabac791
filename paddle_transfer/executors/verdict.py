"""The one place where it is decided how a job ended."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path
from typing import Any

from paddle_transfer.space.hyperparameter import is_number

RESULT_NAME = "result.json"
LOG_NAME = "train.log"

#: What a worker writes into result.json; all of them are final.
FINAL = ("complete", "pruned", "diverged", "invalid")
#: Signals that come from outside (an operator, the kernel out of memory), not from the training itself.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def verdict(*, result: dict[str, Any] | None, said: dict[str, Any] | None, exit_code: int | None,
            overdue: bool) -> tuple[str, str]:
    """How a job ended, as in ``Ended.verdict``, and one line for a person.

    :param result: the valid result.json of this very attempt (see ``read_result``), or None
    :param said: the worker's own "ended" message, or None when it never came
    :param exit_code: the worker's, negative for a signal; None while it lives
    :param overdue: whether the job's time is over

    | result | overdue | said            | exit code    | verdict |
    |--------|---------|-----------------|--------------|---------|
    | valid  | any     | any             | any          | the result's: what is on disk counts, whoever died after |
    | none   | yes     | any             | any          | timeout |
    | none   | no      | killed, crashed, diverged, invalid | any | what it said |
    | none   | no      | complete, pruned | any         | crashed: it said so without a result |
    | none   | no      | nothing         | a signal from outside | killed |
    | none   | no      | nothing         | any other    | crashed |
    """
    if result is not None:
        return result["verdict"], str(result.get("message", ""))
    if overdue:
        return "timeout", "took longer than trial_timeout"
    if said is not None:
        if said.get("verdict") in ("killed", "crashed", "diverged", "invalid"):
            return said["verdict"], str(said.get("message", ""))
        return "crashed", f"the worker said {said.get('verdict')!r} but left no valid {RESULT_NAME}"
    assert exit_code is not None, "a job that has not ended has no verdict"
    if exit_code < 0:
        name = signal_name(-exit_code)
        if -exit_code in _FROM_OUTSIDE:
            return "killed", f"the worker was killed from outside ({name})"
        return "crashed", f"the worker died of {name}"
    return "crashed", f"the worker ended with exit code {exit_code} before it had a result"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_result(directory: str | os.PathLike, *, number: int,
                attempt: int) -> dict[str, Any] | None:
    """The result that attempt ``attempt`` of trial ``number`` left in ``directory``; None when there is none, when it
    is another attempt's, or when it is not valid."""
    try:
        result = json.loads((Path(directory) / RESULT_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(result, dict) or (result.get("number"), result.get("attempt")) != (number,
                                                                                         attempt):
        return None
    return result if _is_valid(result) else None


def _is_valid(result: dict[str, Any]) -> bool:
    curve = result.get("curve")
    if result.get("verdict") not in FINAL or not isinstance(curve, list):
        return False
    if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], int)
               and isinstance(pair[1], (int, float)) for pair in curve):
        return False
    return result["verdict"] not in ("complete", "pruned") or (is_number(result.get("value"))
                                                               and bool(curve))


def finite_curve(result: dict[str, Any]) -> tuple[tuple[int, float], ...]:
    """The result's curve without values that are no numbers (a diverged trial's last ones may be)."""
    return tuple((epoch, float(value)) for epoch, value in result["curve"] if math.isfinite(value))


def log_tail(path: str | os.PathLike, *, lines: int = 20, limit: int = 8000) -> str:
    """The last ``lines`` lines of a log, at most ``limit`` bytes of it; empty when it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.replace("\r", "\n").splitlines()[-lines:])
