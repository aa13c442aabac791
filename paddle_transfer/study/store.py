"""The store: an Optuna study. Every trial is an Optuna trial, so that Optuna's dashboard,
importances and pruners work on a search. Only this module knows how records are stored in it.

Parameters are the point, intermediate values the epochs of the present attempt, the value is the
trial's best metric (direction maximize). User attributes: ``suggestion``, ``seed``, ``attempts``,
``tries``, ``reused``, ``stage`` and ``teacher`` (of trials outside of ``Stage.SEARCH``), and
``outcome`` (our state and info; written just before Optuna's state, which alone ends a trial).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from paddle_transfer.errors import DiskFull, StudyError, is_disk_full
from paddle_transfer.space.space import Space
from paddle_transfer.study.folder import WAYS_OUT
from paddle_transfer.study.journal import Journal, repair
from paddle_transfer.study.params import distribution, to_params, to_point
from paddle_transfer.study.records import Proposal, Stage, TrialRecord, TrialState

optuna.logging.set_verbosity(optuna.logging.WARNING)

JOURNAL_NAME = "study.journal"
#: The study's name in a journal file; without the folder's, so that a moved folder resumes.
JOURNAL_STUDY = "paddle_transfer"

_OPTUNA_STATES = {state: getattr(OptunaState, state.name, OptunaState.FAIL) for state in TrialState}
#: Our state of a trial that Optuna ended without our ``outcome``.
_STATES = {OptunaState.COMPLETE: TrialState.COMPLETE, OptunaState.PRUNED: TrialState.PRUNED,
           OptunaState.FAIL: TrialState.FAILED}


class OptunaStore:
    """A ``Store`` in any Optuna storage. Its records are cached and read again one at a time as
    they change, so that a long search does not read its whole past at every step."""

    def __init__(self, storage: BaseStorage, *, name: str, space: Space, place: str = ""):
        self._storage, self._space, self._place = storage, space, place or name
        self._distributions = {h.name: distribution(h) for h in space.hyperparameters}
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

    def begin(self, number: int) -> TrialRecord:
        record, trial = self._running(number), self._id(number)
        with self._guard("write"):
            for epoch, _ in record.curve:  # Optuna cannot delete a value; its pruners skip NaN
                self._storage.set_trial_intermediate_value(trial, epoch, math.nan)
            self._storage.set_trial_user_attr(trial, "attempts", record.attempts + 1)
        return self._reload(number)

    def report_epoch(self, number: int, *, epoch: int, value: float) -> TrialRecord:
        self._running(number)
        with self._guard("write"):
            self._storage.set_trial_intermediate_value(self._id(number), epoch, float(value))
        return self._reload(number)

    def note_try(self, number: int, *, verdict: str, message: str, log_tail: str) -> TrialRecord:
        record = self._running(number)
        entry = {"attempt": record.attempts, "verdict": str(verdict), "message": message,
                 "log_tail": log_tail}
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
            # The one write that ends the trial; after a kill before it, result.json is adopted.
            self._storage.set_trial_state_values(trial, _OPTUNA_STATES[state],
                                                 None if value is None else [value])
        return self._reload(number)

    def close(self) -> None:
        self._storage.remove_session()

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
            self._records[number] = self._record(self._storage.get_trial(self._id(number)))
        return self._records[number]

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        attrs = trial.user_attrs
        outcome = attrs.get("outcome", {}) if trial.state.is_finished() else {}
        state = outcome.get("state") or _STATES.get(trial.state, TrialState.RUNNING)
        tries = {"tries": attrs["tries"]} if "tries" in attrs else {}
        try:
            stage, teacher = _stage_of(trial, self._space)
            return TrialRecord(
                number=trial.number, suggestion=attrs["suggestion"],
                point=to_point(self._space, trial.params), seed=attrs["seed"],
                state=TrialState(state), attempts=attrs["attempts"], reused=attrs.get("reused"),
                value=trial.value if trial.state in _STATES and trial.values else None,
                curve=tuple((epoch, value)
                            for epoch, value in sorted(trial.intermediate_values.items())
                            if not math.isnan(value)),
                info={**tries, **outcome.get("info", {})}, stage=stage, teacher=teacher)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise StudyError(
                f"{self._place}: trial {trial.number} is not one of this search ({error!r}). The "
                "storage holds a study of the same name that something else made, or of another "
                "space") from error

    @contextmanager
    def _guard(self, what: str) -> Iterator[None]:
        """Turn errors of any storage into DiskFull or StudyError."""
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise DiskFull(self._place) from error
            raise StudyError(f"{self._place}: cannot {what} the study: {error}") from error
        except optuna.exceptions.StorageInternalError as error:
            if "disk is full" in f"{error} {error.__cause__}":
                raise DiskFull(self._place) from error
            raise StudyError(f"{self._place}: cannot {what} the study: "
                             f"{error.__cause__ or error}") from error


def _stage_of(trial: FrozenTrial, space: Space) -> tuple[Stage, str | None]:
    """The stage and the teacher of a trial. Studies of earlier versions hold both as parameters
    that the space no longer has."""
    attrs, params = trial.user_attrs, trial.params
    if "stage" in attrs:
        return Stage(attrs["stage"]), attrs["teacher"]
    if {"stage", "teacher"} <= params.keys() - set(space.names):
        return Stage(params["stage"]), None if params["teacher"] == "-" else params["teacher"]
    return Stage.SEARCH, None


def _study_id(storage: BaseStorage, name: str) -> int:
    try:
        return storage.get_study_id_from_name(name)
    except KeyError:
        return storage.create_new_study([StudyDirection.MAXIMIZE], study_name=name)


def open_store(*, output_dir: str | os.PathLike[str], space: Space, storage: str | None = None,
               study_name: str | None = None) -> OptunaStore:
    """The store of the search in ``output_dir``, made when there is none. The caller holds the
    directory's lock. Raises StudyError when what is there cannot be read, DiskFull.

    :param storage: an Optuna storage URL (``sqlite:///study.db``); None: the journal file
    :param study_name: the name in that storage; None: the absolute path of ``output_dir``
    """
    if storage is not None:
        return OptunaStore(_storage(storage), name=study_name or _name(output_dir), space=space,
                           place=storage)
    path = Path(output_dir) / JOURNAL_NAME
    try:
        repair(path)
        backend = _journal(path)
    except OSError as error:
        raise DiskFull(path) if is_disk_full(error) else StudyError(
            f"{path}: {error.strerror or error}. {WAYS_OUT}") from error
    return OptunaStore(backend, name=JOURNAL_STUDY, space=space, place=str(path))


def _journal(path: Path) -> JournalStorage:
    """Raises StudyError when the entries make no study, OSError."""
    try:
        return JournalStorage(Journal(path))
    except (OSError, StudyError):
        raise
    except Exception as error:  # whatever Optuna finds wrong with an entry
        raise StudyError(f"{path}: its entries make no study ({type(error).__name__}: {error}). "
                         f"{WAYS_OUT}") from error


def read_store(*, output_dir: str | os.PathLike[str], space: Space,
               storage: str | None = None) -> OptunaStore:
    """The store of another search, only to be read: nothing is written, and that search may be at
    work. Raises StudyError when there is none, or it cannot be read."""
    path = Path(output_dir) / JOURNAL_NAME
    name = _name(output_dir) if storage else JOURNAL_STUDY
    if not storage and not os.path.lexists(path):
        raise StudyError(f"{path}: there is no such file, so no search has been here")
    try:
        backend = _storage(storage) if storage else _journal(path)
        backend.get_study_id_from_name(name)
        return OptunaStore(backend, name=name, space=space, place=str(storage or path))
    except KeyError as error:
        raise StudyError(f"{storage or path}: holds no search of this package ({error})") from error
    except OSError as error:
        raise StudyError(f"{storage or path}: cannot be read: {error.strerror or error}. "
                         f"{WAYS_OUT}") from error


def rebuild_store(*, output_dir: str | os.PathLike[str], space: Space, storage: str | None,
                  stamp: str, write: Callable[[OptunaStore], None]) -> Path | None:
    """Put a new study in the place of the one in ``output_dir``; returns the file in which the old
    one is kept. A kill leaves no study, or one that lacks trials.

    :param stamp: goes to the name of the old one
    :param write: fills the new one
    """
    if storage is not None:
        set_aside(output_dir=output_dir, storage=storage, suffix=f".broken-{stamp}")
        with closing(open_store(output_dir=output_dir, space=space, storage=storage)) as store:
            write(store)
        return None
    path, kept = Path(output_dir) / JOURNAL_NAME, None
    new = path.with_name(f"{JOURNAL_NAME}.new")
    new.unlink(missing_ok=True)
    with closing(OptunaStore(_journal(new), name=JOURNAL_STUDY, space=space,
                             place=str(path))) as store:
        write(store)
    if os.path.lexists(path):
        kept = path.with_name(f"{JOURNAL_NAME}.broken-{stamp}")
        path.rename(kept)
    new.rename(path)
    return kept


def set_aside(*, output_dir: str | os.PathLike[str], storage: str, suffix: str) -> None:
    """Rename the search's study in ``storage``, if there is one, to make room for a new one."""
    name, backend = _name(output_dir), _storage(storage)
    try:
        study = backend.get_study_id_from_name(name)
    except KeyError:
        return
    optuna.copy_study(from_study_name=name, from_storage=backend, to_storage=backend,
                      to_study_name=name + suffix)
    backend.delete_study(study)


def _name(output_dir: str | os.PathLike[str]) -> str:
    return str(Path(output_dir).resolve())


def _storage(url: str) -> BaseStorage:
    try:
        return get_storage(url)
    except Exception as error:  # whatever SQLAlchemy or a driver finds wrong with an address
        raise StudyError(
            f"storage: {url}: must be an Optuna storage URL that can be opened, such as "
            f"sqlite:///study.db; {type(error).__name__}: {error}") from error
