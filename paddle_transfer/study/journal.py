"""The journal: the study as a file that Optuna's ``JournalStorage`` reads.

Optuna's own class opens and reads the file five times for every entry, and keeps its distributions
with every trial: here a finished trial is handed out once, for the store's records, and forgotten.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from enum import IntEnum
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from paddle_transfer.errors import StudyError
from paddle_transfer.study.folder import WAYS_OUT
from paddle_transfer.study.journal_file import JournalFile


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


class Journal(JournalFile):
    """The part of ``optuna.storages.BaseStorage`` that a store uses, in a ``JournalFile``. Raises
    StudyError when its entries make no study, too."""

    def __init__(self, path: str | os.PathLike[str], *, repair: bool = False,
                 clock: Callable[[], float] = time.monotonic):
        self._studies: dict[int, str] = {}
        self._numbers: list[int] = []  # of trials by study
        self._attributes: dict[int, dict[str, Any]] = {}
        self._versions: dict[int, dict[str, Any]] = {}  # of notes
        self._trials: dict[int, JournalTrial] = {}  # that were not handed out as finished
        self._ids: dict[tuple[int, int], int] = {}  # of those, by study and number
        self._texts: dict[int, tuple[BaseDistribution, str]] = {}  # equal ones may differ: 1, True
        self._count = 0
        super().__init__(path, repair=repair, clock=clock)

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

    def remove_session(self) -> None:
        self.sync(now=True)

    # -- inside ----------------------------------------------------------------------------------

    def _text(self, one: BaseDistribution) -> str:
        if id(one) not in self._texts:
            self._texts[id(one)] = one, distribution_to_json(one)
        return self._texts[id(one)][1]

    def _append(self, op: Op, **fields: object) -> None:
        self.append({"op_code": op, "worker_id": str(os.getpid()), **fields})

    @override
    def apply(self, entry: dict[str, Any]) -> None:
        try:
            self._apply(entry["op_code"], entry)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise StudyError(f"{self.path}: line {self.lines + 1}: its entries make no study "
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
