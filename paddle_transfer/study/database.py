"""The study in a database, by Optuna's ``RDBStorage``: waits for a database that went away, and
reads nothing again that it has written."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from optuna.exceptions import DuplicatedStudyError, StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from paddle_transfer.errors import DiskFull, StudyError, one_line
from paddle_transfer.study.url import full_url

T = TypeVar("T")

#: Seconds that a search waits for a database that does not answer, and between two attempts.
PATIENCE, FIRST_PAUSE, LONGEST_PAUSE = 600.0, 0.5, 10.0
#: Seconds until an address that does not answer is given up.
_CONNECT = 10
#: Keys of libpq, whose drivers are psycopg and psycopg2: a broken connection is noticed.
_LIBPQ = {"connect_timeout": _CONNECT, "keepalives_idle": 30, "keepalives_interval": 10,
          "keepalives_count": 3, "tcp_user_timeout": 60_000}
#: Classes of SQLSTATE that pass: connection, resources, operator's intervention, conflicts.
_PASSING = ("08", "40", "53", "57")
_NO_ROOM = ("disk is full", "No space left on device", "disk full")


class Database:
    """The part of ``optuna.storages.BaseStorage`` that a store uses. Writes are repeated until they
    are known to have been done, once: one process writes to a study.

    A finished trial is handed out once, for the store's records, and forgotten.

    :param place: what messages call the database
    :param pause: sleeps; may raise
    :param clock: seconds, monotonic
    Its methods raise StudyError, naming the key ``storage``, or DiskFull.
    """

    def __init__(self, storage: RDBStorage, *, place: str,
                 pause: Callable[[float], None] = time.sleep,
                 clock: Callable[[], float] = time.monotonic):
        self._storage, self._place = storage, place
        self._pause, self._clock = pause, clock
        self._trials: dict[int, FrozenTrial] = {}  # that were not handed out as finished
        self._ids: dict[tuple[int, int], int] = {}  # of those, by study and number
        self._counts: dict[int, int] = {}  # trials by study

    # -- reading ---------------------------------------------------------------------------------

    def get_study_id_from_name(self, study_name: str) -> int:
        """Raises KeyError when there is none."""
        return self._do("read", lambda: self._storage.get_study_id_from_name(study_name))

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._do("read", lambda: self._storage.get_study_user_attrs(study_id))

    def get_study_system_attrs(self, study_id: int) -> Mapping[str, Any]:
        return self._do("read", lambda: self._storage.get_study_system_attrs(study_id))

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        key = study_id, trial_number
        if key not in self._ids:
            self._ids[key] = self._do(
                "read", lambda: self._storage.get_trial_id_from_study_id_trial_number(*key))
            self._trials[self._ids[key]] = self._do(
                "read", lambda: self._storage.get_trial(self._ids[key]))
        return self._ids[key]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """The trial; a finished one for the last time."""
        trial = self._trials[trial_id]
        if trial.state.is_finished():
            del self._trials[trial_id]
            self._ids = {key: one for key, one in self._ids.items() if one != trial_id}
        return trial

    def get_all_trials(self, study_id: int, deepcopy: bool = True) -> Iterator[FrozenTrial]:
        trials = self._do("read", lambda: self._storage.get_all_trials(study_id, deepcopy=deepcopy))
        self._counts[study_id] = len(trials)
        return iter(trials)

    # -- writing ---------------------------------------------------------------------------------

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str) -> int:
        def create() -> int:
            try:
                return self._storage.create_new_study(directions, study_name)
            except DuplicatedStudyError:
                return self._storage.get_study_id_from_name(study_name)
        return self._do("write", create)

    def set_study_user_attr(self, study_id: int, key: str, value: object) -> None:
        self._do("write", lambda: self._storage.set_study_user_attr(study_id, key, value))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._do("write", lambda: self._storage.set_study_system_attr(study_id, key, value))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial) -> int:
        """The id of a new trial. All trials must have been read before."""
        number = self._counts[study_id]

        def created() -> int | None:
            """The trial's id, where only the answer was lost with the connection."""
            try:
                made = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
            except KeyError:
                return None
            trial = self._storage.get_trial(made)
            same = (trial.params == template_trial.params
                    and trial.user_attrs == template_trial.user_attrs)
            return made if same else None

        trial_id = self._do("write", lambda: self._storage.create_new_trial(
            study_id, template_trial=template_trial), created)
        trial = self._do("read", lambda: self._storage.get_trial(trial_id))
        self._trials[trial_id], self._ids[study_id, trial.number] = trial, trial_id
        self._counts[study_id] += 1
        return trial_id

    def set_trial_user_attr(self, trial_id: int, key: str, value: object) -> None:
        self._do("write", lambda: self._storage.set_trial_user_attr(trial_id, key, value))
        self._trials[trial_id].user_attrs[key] = value

    def set_trial_intermediate_value(self, trial_id: int, step: int,
                                     intermediate_value: float) -> None:
        self._do("write", lambda: self._storage.set_trial_intermediate_value(
            trial_id, step, intermediate_value))
        self._trials[trial_id].intermediate_values[step] = intermediate_value

    def set_trial_state_values(self, trial_id: int, state: TrialState,
                               values: Sequence[float] | None = None) -> None:
        def ended() -> bool | None:
            return self._storage.get_trial(trial_id).state.is_finished() or None

        self._do("write", lambda: self._storage.set_trial_state_values(trial_id, state, values),
                 ended)
        trial = self._trials[trial_id]
        trial.state, trial.values = state, None if values is None else list(values)

    def sync(self) -> None:
        """A database does it at every write."""

    def remove_session(self) -> None:
        self._storage.remove_session()
        self._storage.engine.dispose()

    # -- inside ----------------------------------------------------------------------------------

    def _do(self, what: str, call: Callable[[], T], done: Callable[[], T | None] | None = None
            ) -> T:
        """What ``call`` returns, repeated while the database is away.

        :param done: what it would return, where an attempt before this one has done it
        """
        begun, pause, failed = self._clock(), FIRST_PAUSE, 0
        while True:
            try:
                found = done() if failed and done is not None else None
                made = call() if found is None else found
            except Exception as error:
                fault = _database_fault(error)
                if fault is None:
                    raise
                if not _passes(fault) or self._clock() - begun >= PATIENCE:
                    raise self._error(what, fault) from None
                if failed == 1:  # the first failure may be that of a connection that was idle
                    print(f"storage: {self._place}: the database does not answer ({_gist(fault)}); "
                          f"waiting for it, {PATIENCE / 60:g} minutes at most", file=sys.stderr)
                if failed:
                    self._pause(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                failed += 1
                continue
            if failed > 1:
                print(f"storage: {self._place}: the database answers again", file=sys.stderr)
            return made

    def _error(self, what: str, fault: BaseException) -> StudyError:
        if any(text in str(fault) for text in _NO_ROOM):
            return DiskFull(f"storage: {self._place}")
        return StudyError(f"storage: {self._place}: cannot {what} the study: {_gist(fault)}. "
                          "Nothing that was finished is lost; when it is mended, the same command "
                          "goes on")


def open_database(url: str, *, pause: Callable[[float], None] = time.sleep) -> Database:
    """The database at an Optuna storage URL, with Optuna's tables in it. Raises StudyError."""
    kwargs: dict[str, Any] = {}
    scheme = url.partition(":")[0]
    if scheme in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        kwargs["connect_args"] = {key: value for key, value in _LIBPQ.items() if key not in url}
    try:
        return Database(RDBStorage(full_url(url), engine_kwargs=kwargs), place=url, pause=pause)
    except ImportError as error:
        lacking = getattr(error.__cause__, "name", None) or "its driver"
        raise StudyError(
            f"storage: {url}: the library {lacking}, which reaches such a database, is not "
            "installed. For PostgreSQL: pip install 'paddle_transfer[postgresql]', and write "
            "postgresql+psycopg://USER@HOST/DATABASE") from error
    except Exception as error:  # whatever SQLAlchemy or a driver finds wrong with an address
        fault = _database_fault(error)
        if fault is not None and getattr(fault, "orig", None) is not None:
            hint = "" if scheme.startswith("sqlite") else (
                " A password stands in the URL, in PGPASSWORD or in ~/.pgpass")
            raise StudyError(
                f"storage: {url}: the database cannot be opened: {_gist(fault)}. Is it there, does "
                f"it run, and may this user write to it?{hint}") from None
        raise StudyError(
            f"storage: {url}: must be an Optuna storage URL that can be opened, such as "
            f"sqlite:///study.db; {type(error).__name__}: {one_line(error, 300)}") from None


def _database_fault(error: BaseException) -> BaseException | None:
    """The error of SQLAlchemy behind ``error``, if there is one."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    if cause is not None and type(cause).__module__.startswith("sqlalchemy."):
        return cause
    return error if isinstance(error, StorageInternalError) else None


def _passes(fault: BaseException) -> bool:
    """Whether waiting may help: the database is away, or busy."""
    if getattr(fault, "connection_invalidated", False):
        return True
    original = getattr(fault, "orig", None)
    if type(original).__module__.startswith("sqlite3"):
        return "database is locked" in str(original)
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    if state:
        return str(state)[:2] in _PASSING and not any(text in str(fault) for text in _NO_ROOM)
    return type(fault).__name__ in ("OperationalError", "InterfaceError")


def _gist(fault: BaseException) -> str:
    return one_line(getattr(fault, "orig", None) or fault, 300).rstrip(".? ")
