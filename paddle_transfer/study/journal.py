"""The journal: the study as a file that Optuna's ``JournalStorage`` reads, made to survive a kill
at any byte and a full disk.

One JSON object a line, appended as a whole or not at all. Optuna's own class opens and reads the
file five times for every entry, and keeps its distributions with every trial: here a finished trial
is handed out once, for the store's records, and forgotten. Locking is ``flock`` on the journal
itself: the kernel releases it when a process dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from paddle_transfer.clock import SteadyClock
from paddle_transfer.errors import StudyError
from paddle_transfer.files import open_file
from paddle_transfer.study.folder import WAYS_OUT

#: Seconds between two ``fsync``: what a failure of the machine may lose, and a kill does not.
SYNC = 0.1


class Op(IntEnum):
    """What an entry does, as in Optuna."""

    CREATE_STUDY = 0
    DELETE_STUDY = 1
    SET_STUDY_USER_ATTR = 2
    SET_STUDY_SYSTEM_ATTR = 3
    CREATE_TRIAL = 4
    SET_TRIAL_PARAM = 5
    SET_TRIAL_STATE_VALUES = 6
    SET_TRIAL_INTERMEDIATE_VALUE = 7
    SET_TRIAL_USER_ATTR = 8
    SET_TRIAL_SYSTEM_ATTR = 9
    DISCARD_TRIALS = 10


class JournalTrial:
    """A trial, with the attributes of ``FrozenTrial`` that a store reads."""

    __slots__ = ("intermediate_values", "number", "params", "state", "study", "user_attrs", "value")

    def __init__(self, entry: Mapping[str, Any], number: int):
        self.number, self.study = number, entry["study_id"]
        self.state = TrialState(entry.get("state", TrialState.RUNNING))
        self.params = {name: _distribution(entry["distributions"][name]).to_external_repr(value)
                       for name, value in entry.get("params", {}).items()}
        self.user_attrs: dict[str, Any] = entry.get("user_attrs", {})
        self.intermediate_values = {int(epoch): value for epoch, value
                                    in entry.get("intermediate_values", {}).items()}
        self.value: float | None = entry.get("value")


class Journal:
    """The part of ``optuna.storages.BaseStorage`` that a store uses, in the file ``path``.

    :param repair: cut off the torn line that a kill in the middle of a write left at the end; no
        trial is lost: the line was never reported as written. Only for the process that holds the
        output directory's lock
    :param clock: seconds, monotonic
    Raises StudyError, naming file and line, when a line before the last one is broken, which is no
    torn write, or the entries make no study. OSError: it is no file, or cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], *, repair: bool = False,
                 clock: Callable[[], float] = time.monotonic):
        self._path, self._clock = Path(path), SteadyClock(clock)
        self._studies: dict[int, str] = {}
        self._numbers: list[int] = []  # of trials by study
        self._attributes: dict[int, dict[str, Any]] = {}
        self._versions: dict[int, dict[str, Any]] = {}  # of notes
        self._trials: dict[int, JournalTrial] = {}  # that were not handed out as finished
        self._ids: dict[tuple[int, int], int] = {}  # of those, by study and number
        self._texts: dict[int, tuple[BaseDistribution, str]] = {}  # equal ones may differ: 1, True
        self._count = self._size = self._lines = 0
        self._unsynced, self._synced = False, 0.0
        if os.path.lexists(path):
            self._catch_up(repair=repair)
        else:
            self._path.touch()

    # -- reading ---------------------------------------------------------------------------------

    def get_study_id_from_name(self, study_name: str) -> int:
        """Raises KeyError when there is none."""
        for study, name in self._studies.items():
            if name == study_name:
                return study
        raise KeyError(f"there is no study {study_name!r}")

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._attributes[study_id]

    def get_study_system_attrs(self, study_id: int) -> Mapping[str, Any]:
        """Those that tell the versions of notes; the notes themselves are not held."""
        return self._versions[study_id]

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        return self._ids[study_id, trial_number]

    def get_trial(self, trial_id: int) -> JournalTrial:
        """The trial; a finished one for the last time."""
        trial = self._trials[trial_id]
        if trial.state.is_finished():
            del self._trials[trial_id], self._ids[trial.study, trial.number]
        return trial

    def get_all_trials(self, study_id: int, deepcopy: bool = True) -> Iterator[JournalTrial]:  # noqa: ARG002
        """Those that are running or were not handed out, by number."""
        return (self.get_trial(trial) for trial in list(self._trials)
                if self._trials[trial].study == study_id)

    # -- writing ---------------------------------------------------------------------------------

    def create_new_study(self, directions: Sequence[StudyDirection],
                         study_name: str | None = None) -> int:
        self._append(Op.CREATE_STUDY, study_name=study_name, directions=directions)
        return self.get_study_id_from_name(str(study_name))

    def set_study_user_attr(self, study_id: int, key: str, value: object) -> None:
        self._append(Op.SET_STUDY_USER_ATTR, study_id=study_id, user_attr={key: value})

    def set_study_system_attr(self, study_id: int, key: str, value: object) -> None:
        self._append(Op.SET_STUDY_SYSTEM_ATTR, study_id=study_id, system_attr={key: value})

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial) -> int:
        made, ended = template_trial, template_trial.state.is_finished()
        self._append(
            Op.CREATE_TRIAL, study_id=study_id, datetime_start=_now(), state=made.state,
            value=made.value, values=None, system_attrs={}, user_attrs=made.user_attrs,
            distributions={name: self._text(one) for name, one in made.distributions.items()},
            params={name: made.distributions[name].to_internal_repr(value)
                    for name, value in made.params.items()},
            intermediate_values=made.intermediate_values,
            **({"datetime_complete": _now()} if ended else {}))
        return self._count - 1

    def set_trial_user_attr(self, trial_id: int, key: str, value: object) -> None:
        self._append(Op.SET_TRIAL_USER_ATTR, trial_id=trial_id, user_attr={key: value})

    def set_trial_intermediate_value(self, trial_id: int, step: int,
                                     intermediate_value: float) -> None:
        self._append(Op.SET_TRIAL_INTERMEDIATE_VALUE, trial_id=trial_id, step=step,
                     intermediate_value=intermediate_value)

    def set_trial_state_values(self, trial_id: int, state: TrialState,
                               values: Sequence[float] | None = None) -> None:
        self._append(Op.SET_TRIAL_STATE_VALUES, trial_id=trial_id, state=state, values=values,
                     datetime_complete=_now())

    def sync(self, *, now: bool = False) -> None:
        """``fsync`` what was written, unless that was done less than ``SYNC`` seconds ago."""
        if self._unsynced and (now or self._clock() - self._synced >= SYNC):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._unsynced, self._synced = False, self._clock()

    def remove_session(self) -> None:
        self.sync(now=True)

    # -- inside ----------------------------------------------------------------------------------

    def _text(self, one: BaseDistribution) -> str:
        if id(one) not in self._texts:
            self._texts[id(one)] = one, distribution_to_json(one)
        return self._texts[id(one)][1]

    def _append(self, op: Op, **fields: object) -> None:
        entry = {"op_code": op, "worker_id": str(os.getpid()), **fields}
        data = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        if self.write(data) != self._size:
            self._catch_up()
            return
        self._apply_line(json.loads(data))
        self._size += len(data)
        self._lines += 1

    def write(self, data: bytes) -> int:
        """Append a line; returns the length of the file before it. Raises OSError (a full disk,
        say) with the file cut back to that, so that later writes do not continue a torn line."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest):]
            except BaseException:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        self._unsynced = True
        return size

    def _catch_up(self, *, repair: bool = False) -> None:
        """Apply the lines behind those that were read, those of other processes among them; blank
        lines are no entries, and a line that is being written is not one yet."""
        with open_file(self._path) as file:
            file.seek(self._size)
            for line in file:
                entry = _entry(line) if line.endswith(b"\n") else None
                if entry is not None:
                    self._apply_line(entry)
                elif not line.endswith(b"\n") or line.strip():
                    rest = file.read()
                    if line.endswith(b"\n") and rest.strip(b"\0\n"):
                        raise StudyError(_no_entry(self._path, self._lines + 1, line))
                    break  # the last line, or zeros that a crash of the machine left
                self._size += len(line)
                self._lines += 1
        if repair and self._size < self._path.stat().st_size:
            with open(self._path, "r+b") as file:
                file.truncate(self._size)
                os.fsync(file.fileno())

    def _apply_line(self, entry: dict[str, Any]) -> None:
        try:
            self._apply(entry["op_code"], entry)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise StudyError(f"{self._path}: line {self._lines + 1}: its entries make no study "
                             f"({type(error).__name__}: {error}). {WAYS_OUT}") from error

    def _apply(self, op: int, entry: dict[str, Any]) -> None:
        if op == Op.CREATE_STUDY:
            if entry["study_name"] not in self._studies.values():
                study = len(self._numbers)
                self._studies[study], self._attributes[study] = entry["study_name"], {}
                self._versions[study] = {}
                self._numbers.append(0)
        elif op == Op.DELETE_STUDY:
            self._studies.pop(entry["study_id"], None)
        elif op == Op.SET_STUDY_USER_ATTR:
            self._attributes[entry["study_id"]].update(entry["user_attr"])
        elif op == Op.SET_STUDY_SYSTEM_ATTR:
            self._versions[entry["study_id"]].update({
                key: value for key, value in entry["system_attr"].items()
                if key.endswith("note_ver")})
        elif op == Op.CREATE_TRIAL:
            study = entry["study_id"]
            trial = self._trials[self._count] = JournalTrial(entry, self._numbers[study])
            self._ids[study, trial.number] = self._count
            self._numbers[study] += 1
            self._count += 1
        elif "trial_id" in entry and not 0 <= entry["trial_id"] < self._count:
            raise IndexError(f"there is no trial {entry['trial_id']}")
        elif "trial_id" in entry:
            self._change(op, self._trials.get(entry["trial_id"]), entry)
        else:
            Op(op)  # raises ValueError

    def _change(self, op: int, trial: JournalTrial | None, entry: dict[str, Any]) -> None:
        if trial is None or trial.state.is_finished():
            return
        if op == Op.SET_TRIAL_STATE_VALUES:
            trial.state = TrialState(entry["state"])
            if entry["values"] is not None:
                trial.value = entry["values"][0]
        elif op == Op.SET_TRIAL_INTERMEDIATE_VALUE:
            trial.intermediate_values[entry["step"]] = entry["intermediate_value"]
        elif op == Op.SET_TRIAL_USER_ATTR:
            trial.user_attrs.update(entry["user_attr"])


def _now() -> str:
    return datetime.now(tz=timezone.utc).isoformat(timespec="microseconds")


@lru_cache(maxsize=1000)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _no_entry(path: Path, number: int, line: bytes) -> str:
    return (f"{path}: line {number}: every line must be a JSON object; found {line[:60]!r}. The "
            f"file was changed by something else. {WAYS_OUT}")


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry in a line; None when there is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and "op_code" in entry else None
