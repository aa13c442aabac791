"""The store: an Optuna study. Every trial is an Optuna trial, so that Optuna's dashboard,
importances and pruners work on a search. Only this module knows how records are stored in it.

Parameters are the point, intermediate values the epochs of the present attempt, the value is the
trial's best metric (direction maximize). User attributes: ``suggestion``, ``seed``, ``attempts``,
``tries``, ``reused``, ``stage`` and ``teacher`` (of trials outside of ``Stage.SEARCH``), and
``outcome`` (our state and info; written just before Optuna's state, which alone ends a trial).
For people: ``state`` and ``cause`` of a failure. Notes are as optuna-dashboard keeps them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from paddle_transfer.errors import DiskFull, StudyError, is_disk_full
from paddle_transfer.space.space import Space
from paddle_transfer.study.database import Database
from paddle_transfer.study.journal import Journal, JournalTrial
from paddle_transfer.study.params import distribution, to_params, to_point
from paddle_transfer.study.records import Proposal, Stage, TrialRecord, TrialState

optuna.logging.set_verbosity(optuna.logging.WARNING)

_OPTUNA_STATES = {state: getattr(OptunaState, state.name, OptunaState.FAIL) for state in TrialState}
#: Our state of a trial that Optuna ended without our ``outcome``.
_STATES = {OptunaState.COMPLETE: TrialState.COMPLETE, OptunaState.PRUNED: TrialState.PRUNED,
           OptunaState.FAIL: TrialState.FAILED}

#: Characters of a note: optuna-dashboard cuts longer ones into several attributes.
_NOTE = 2045

#: How many values of ``info`` are looked for again.
_POOL = 200


class OptunaStore:
    """A ``Store`` in any Optuna storage. Its records are cached and read again one at a time as
    they change, so that a long search does not read its whole past at every step."""

    def __init__(self, storage: Database | Journal, *, name: str, space: Space, place: str = ""):
        self._storage, self._space, self._place = storage, space, place or name
        self._distributions = {h.name: distribution(h) for h in space.hyperparameters}
        self._pool: dict[str, Any] = {}
        with self._guard("open"):
            self._study = _study_id(storage, name)

    @cached_property
    def _records(self) -> list[TrialRecord]:
        """Read when first needed: the attributes say more clearly that the space is another."""
        with self._guard("read"):
            trials = self._storage.get_all_trials(self._study, deepcopy=False)
        return [self._record(trial) for trial in trials]

    def records(self) -> list[TrialRecord]:
        return list(self._records)

    def attributes(self) -> dict[str, Any]:
        return dict(self._storage.get_study_user_attrs(self._study))

    def set_attribute(self, name: str, value: Any) -> None:
        with self._guard("write"):
            self._storage.set_study_user_attr(self._study, name, value)

    def create(self, *, suggestion: int, proposal: Proposal, seed: int) -> TrialRecord:
        return self._add(proposal, {"suggestion": suggestion, "seed": seed})

    def reuse(self, *, suggestion: int, original: TrialRecord) -> TrialRecord:
        assert original.finished, f"trial {original.number} cannot be reused"
        assert original.reused is None, f"trial {original.number} cannot be reused"
        kept = {} if original.images is None else {"images": original.images}
        attrs = {"suggestion": suggestion, "seed": original.seed, "reused": original.number,
                 "outcome": {"state": original.state.value, "info": kept}}
        return self._add(original.proposal, attrs, state=original.state, value=original.value,
                         curve=original.curve)

    def begin(self, number: int, *, keep: int = 0) -> TrialRecord:
        record, trial = self._running(number), self._id(number)
        with self._guard("write"):
            for epoch, _ in record.curve:
                if epoch > keep:  # Optuna cannot delete a value; its pruners skip NaN
                    self._storage.set_trial_intermediate_value(trial, epoch, math.nan)
            self._storage.set_trial_user_attr(trial, "attempts", record.attempts + 1)
        return self._reload(number)

    def report_epoch(self, number: int, *, epoch: int, value: float) -> TrialRecord:
        self._running(number)
        with self._guard("write"):
            self._storage.set_trial_intermediate_value(self._id(number), epoch, float(value))
        return self._reload(number)

    def note_try(self, number: int, *, verdict: str, message: str, log_tail: str,
                 accumulate: int = 1) -> TrialRecord:
        record = self._running(number)
        entry = {"attempt": record.attempts, "verdict": str(verdict), "message": message,
                 "log_tail": log_tail, **({"accumulate": accumulate} if accumulate > 1 else {})}
        with self._guard("write"):
            self._storage.set_trial_user_attr(self._id(number), "tries",
                                              [*record.info.get("tries", ()), entry])
        return self._reload(number)

    def finish(self, number: int, *, state: TrialState, value: float | None = None,
               curve: Sequence[tuple[int, float]] | None = None,
               info: Mapping[str, Any] | None = None) -> TrialRecord:
        record, state = self._running(number), TrialState(state)
        assert state is not TrialState.RUNNING, "a trial ends in another state"
        assert (value is not None) == state.has_value, f"{state} with the value {value}"
        trial = self._id(number)
        outcome = {"state": state.value, "info": dict(info or {})}
        with self._guard("write"):
            if curve is not None:
                self._replace_curve(trial, dict(record.curve), dict(curve))
            self._storage.set_trial_user_attr(trial, "outcome", outcome)
            if not state.has_value:
                self._explain(trial, state, outcome["info"])
            # The one write that ends the trial; after a kill before it, result.json is adopted.
            self._storage.set_trial_state_values(trial, _OPTUNA_STATES[state],
                                                 None if value is None else [value])
        return self._reload(number)

    def sync(self) -> None:
        with self._guard("write"):
            self._storage.sync()

    def close(self) -> None:
        self._storage.remove_session()

    def set_note(self, text: str) -> None:
        with self._guard("write"):
            self._note("dashboard:", text)

    def _explain(self, trial: int, state: TrialState, info: Mapping[str, Any]) -> None:
        """Say for people why a trial failed."""
        cause = str(info.get("reason") or info.get("verdict") or state)
        self._storage.set_trial_user_attr(trial, "state", state.value)
        self._storage.set_trial_user_attr(trial, "cause", cause)
        log = f"\n\n```\n{info['log_tail']}\n```" if info.get("log_tail") else ""
        self._note(f"dashboard:{trial}:", f"**{state}**: {cause}{log}")

    def _note(self, prefix: str, text: str) -> None:
        """A note in the form of ``optuna_dashboard.save_note``; one that is there stays."""
        if f"{prefix}note_ver" not in self._storage.get_study_system_attrs(self._study):
            self._storage.set_study_system_attr(self._study, f"{prefix}note_str:0", text[:_NOTE])
            self._storage.set_study_system_attr(self._study, f"{prefix}note_ver", 1)

    def _replace_curve(self, trial: int, old: dict[int, float], new: dict[int, float]) -> None:
        for epoch in sorted(old.keys() | new.keys()):
            if old.get(epoch) != new.get(epoch):
                value = float(new.get(epoch, math.nan))
                self._storage.set_trial_intermediate_value(trial, int(epoch), value)

    def _add(self, proposal: Proposal, attrs: dict[str, Any], *,
             state: TrialState = TrialState.RUNNING, value: float | None = None,
             curve: Sequence[tuple[int, float]] = ()) -> TrialRecord:
        records = self._records  # read before there is one more
        stage = {} if proposal.stage is Stage.SEARCH else {
            "stage": proposal.stage.value, "teacher": proposal.teacher}
        template = create_trial(
            state=_OPTUNA_STATES[state], params=to_params(self._space, proposal.point), value=value,
            distributions=self._distributions, user_attrs={**attrs, "attempts": 0, **stage},
            intermediate_values=dict(curve))
        with self._guard("write"):
            trial = self._storage.create_new_trial(self._study, template_trial=template)
            record = self._record(self._storage.get_trial(trial))
        records.append(record)
        if record.number != len(records) - 1:
            raise StudyError(f"{self._place}: another process adds trials to this study. Use a "
                             "storage or an output_dir of its own for every search")
        return record

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study, number)

    def _running(self, number: int) -> TrialRecord:
        record = self._records[number]
        assert not record.finished, f"trial {number} has already ended as {record.state}"
        return record

    def _reload(self, number: int) -> TrialRecord:
        with self._guard("read"):
            self._records[number] = self._record(self._storage.get_trial(self._id(number)),
                                                 self._records[number].proposal)
        return self._records[number]

    def _record(self, trial: FrozenTrial | JournalTrial,
                proposal: Proposal | None = None) -> TrialRecord:
        """The record of a trial, which trains ``proposal`` where that is known."""
        attrs = trial.user_attrs
        outcome = attrs.get("outcome", {}) if trial.state.is_finished() else {}
        state = outcome.get("state") or _STATES.get(trial.state, TrialState.RUNNING)
        tries = {"tries": attrs["tries"]} if "tries" in attrs else {}
        try:
            made = proposal or self._proposal(trial)
            return TrialRecord(
                number=trial.number, suggestion=attrs["suggestion"], point=made.point,
                seed=attrs["seed"], state=TrialState(state), attempts=attrs["attempts"],
                reused=attrs.get("reused"),
                value=trial.value if trial.state in _STATES else None,
                curve=tuple((epoch, value)
                            for epoch, value in sorted(trial.intermediate_values.items())
                            if not math.isnan(value)),
                info=self._shared({**tries, **outcome.get("info", {})}), stage=made.stage,
                teacher=made.teacher)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise StudyError(
                f"{self._place}: trial {trial.number} is not one of this search ({error!r}). The "
                "storage holds a study of the same name that something else made, or of another "
                "space") from error

    def _proposal(self, trial: FrozenTrial | JournalTrial) -> Proposal:
        return Proposal(to_point(self._space, trial.params), *_stage_of(trial, self._space))

    def _shared(self, info: dict[str, Any]) -> dict[str, Any]:
        """``info`` with one copy of the texts and mappings that trials have in common."""
        return {sys.intern(name): self._pool.setdefault(repr(value), value)
                if isinstance(value, (str, dict)) and len(self._pool) < _POOL else value
                for name, value in info.items()}

    @contextmanager
    def _guard(self, what: str) -> Iterator[None]:
        """Turn errors of the system into DiskFull or StudyError."""
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise DiskFull(self._place) from error
            raise StudyError(f"{self._place}: cannot {what} the study: {error}") from error


def _stage_of(trial: FrozenTrial | JournalTrial, space: Space) -> tuple[Stage, str | None]:
    """The stage and the teacher of a trial. Studies of earlier versions hold both as parameters
    that the space no longer has."""
    attrs, params = trial.user_attrs, trial.params
    if "stage" in attrs:
        return Stage(attrs["stage"]), attrs["teacher"]
    if {"stage", "teacher"} <= params.keys() - set(space.names):
        return Stage(params["stage"]), None if params["teacher"] == "-" else params["teacher"]
    return Stage.SEARCH, None


def _study_id(storage: Database | Journal, name: str) -> int:
    try:
        return storage.get_study_id_from_name(name)
    except KeyError:
        return storage.create_new_study([StudyDirection.MAXIMIZE], study_name=name)
