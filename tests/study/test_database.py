"""Studies in databases: what goes wrong with them, and what an event costs."""

from __future__ import annotations

import errno
import json
import sqlite3
from functools import partial

import optuna
import pytest
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage

from paddle_transfer.errors import DiskFull, StudyError
from paddle_transfer.settings.groups import Output
from paddle_transfer.study import claim, database
from paddle_transfer.study.database import Database
from paddle_transfer.study.optuna_store import OptunaStore
from paddle_transfer.study.records import Proposal
from paddle_transfer.study.store import open_store, read_store, rebuild_store
from tests.helpers.store_suite import POINT, SPACE

SECRET = "postgresql+psycopg://me:p%40ss-w0rd@127.0.0.1:1/db"


def opened(path, url=None):
    return open_store(output_dir=path, space=SPACE, storage=url or f"sqlite:///{path}/study.db")


def add(store, number):
    store.create(suggestion=number, proposal=Proposal(POINT), seed=0)
    store.begin(number)
    for epoch in (1, 2):
        store.report_epoch(number, epoch=epoch, value=0.1 * epoch)
    store.finish(number, state="complete", value=0.2)


@pytest.mark.parametrize(("url", "text"), [
    ("nonsense", "nonsense: must be an Optuna storage URL that can be opened"),
    ("nosuchdatabase://x/y", "must be an Optuna storage URL"),
    ("redis://x", "must be an Optuna storage URL"),
    ("sqlite:////no/such/folder/x.db", "cannot be opened: unable to open database file"),
    ("mssql+nosuch://me:p%40ss-w0rd@h/x", "must be an Optuna storage URL"),
    ("mysql://me:p%40ss-w0rd@h/x", r"the library MySQLdb, .* is not installed.*pip install"),
    (SECRET, "psycopg://me@127.0.0.1:1/db: the database cannot be opened: .*Connection refused"),
])
def test_a_database_that_cannot_be_opened_is_told_by_its_key(tmp_path, url, text):
    with pytest.raises(StudyError, match=text) as caught:
        opened(tmp_path, Output("out", url).storage)
    assert str(caught.value).startswith("storage: ")
    assert "w0rd" not in str(caught.value)


def test_a_database_that_cannot_be_written_is_told_before_any_trial(tmp_path):
    opened(tmp_path).close()
    with pytest.raises(StudyError, match=r"storage: .*cannot write the study: attempt to write a "
                                         "readonly database"):
        opened(tmp_path, f"sqlite:///file:{tmp_path}/study.db?mode=ro&uri=true")


def test_trials_of_something_else_are_refused_and_nothing_is_written(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(storage=url, study_name=str(tmp_path), direction="maximize")
    study.add_trial(optuna.create_trial(value=1.0, params={}, distributions={}))
    with pytest.raises(StudyError, match="trial 0 is not one of this search"):
        opened(tmp_path, url)
    assert optuna.load_study(storage=url, study_name=str(tmp_path)).user_attrs == {}


def test_a_study_of_another_folder_with_the_same_path_is_refused(tmp_path):
    """As two machines have it that share a database."""
    opened(tmp_path).close()
    (tmp_path / claim.FILE).unlink()
    with pytest.raises(StudyError, match=r"storage: sqlite.*is of another search, in .* --fresh"):
        opened(tmp_path)
    claim.other_study(tmp_path).write(tmp_path)  # as --fresh does
    store = opened(tmp_path)
    store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
    names = optuna.get_all_study_names(f"sqlite:///{tmp_path}/study.db")
    assert sorted(names) == sorted([str(tmp_path), claim.study_name(tmp_path)])


def test_a_study_of_an_earlier_version_goes_on(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    store = OptunaStore(Database(RDBStorage(url), place=url), name=str(tmp_path), space=SPACE)
    store.set_attribute("identity", {})
    add(store, 0)
    store.close()
    assert opened(tmp_path).records() == store.records()


def test_a_moved_folder_finds_its_study(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    (tmp_path / "here").mkdir()
    store = opened(tmp_path / "here", url)
    add(store, 0)
    store.close()
    (tmp_path / "here").rename(tmp_path / "there")
    assert opened(tmp_path / "there", url).records() == store.records()


@pytest.mark.parametrize("text", ["", "{}", "[1]", "{"])
def test_a_broken_claim_is_told(tmp_path, text):
    (tmp_path / claim.FILE).write_text(text)
    with pytest.raises(StudyError, match=r"study\.id: does not say which study"):
        opened(tmp_path)


def test_a_rebuilt_study_takes_the_place_only_when_it_is_whole(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    store = opened(tmp_path)
    add(store, 0)
    store.close()

    def write(new):
        add(new, 0)
        raise StudyError("killed here")

    with pytest.raises(StudyError, match="killed here"):
        rebuild_store(output_dir=tmp_path, space=SPACE, storage=url, stamp="", write=write)
    assert opened(tmp_path).records() == store.records()
    rebuild_store(output_dir=tmp_path, space=SPACE, storage=url, stamp="",
                  write=lambda new: [add(new, number) for number in range(2)])
    assert len(read_store(output_dir=tmp_path, space=SPACE, storage=url).records()) == 2


def test_an_event_costs_the_same_after_many_trials_and_all_are_read_at_once(tmp_path):
    statements = []
    listener = (sqlalchemy.engine.Engine, "before_cursor_execute", lambda *event: statements.append(
        event[2]))
    sqlalchemy.event.listen(*listener)
    try:
        store, counts = opened(tmp_path), []
        for number in range(12):
            statements.clear()
            add(store, number)
            counts.append(len(statements))
        assert len(set(counts[1:])) == 1, counts
        store.create(suggestion=12, proposal=Proposal(POINT), seed=0)
        statements.clear()
        store.report_epoch(12, epoch=1, value=0.5)
        assert sum(one.startswith(("INSERT", "UPDATE")) for one in statements) == 1
        read = []
        for trials in (13, 14):
            statements.clear()
            assert len(opened(tmp_path).records()) == trials
            read.append(len(statements))
            store.create(suggestion=13, proposal=Proposal(POINT), seed=0)
        assert read[0] == read[1]
    finally:
        sqlalchemy.event.remove(*listener)


# -- a database that goes away ------------------------------------------------------------------

class Flaky:
    """An RDBStorage whose connection fails when ``faults`` says so, before or after the work."""

    def __init__(self, storage):
        self._storage, self.faults, self.calls = storage, [], []
        self.engine = storage.engine

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.calls.append(name)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None and not fault.done:
                raise fault.error
            made = getattr(self._storage, name)(*args, **kwargs)
            if fault is not None:
                raise fault.error
            return made
        return call


class Fault:
    def __init__(self, *, done=False, error=None):
        self.done = done
        self.error = StorageInternalError("during the commit")
        self.error.__cause__ = error or lost()


def lost():
    return sqlalchemy.exc.OperationalError("INSERT", {}, Exception("server closed the connection"))


class Table:
    """A store on a flaky database and a clock that only pauses move."""

    def __init__(self, path):
        self.now, self.pauses = 0.0, []
        self.flaky = Flaky(RDBStorage(f"sqlite:///{path}/study.db"))
        made = Database(self.flaky, place="db", pause=self.pause, clock=lambda: self.now)
        self.store = OptunaStore(made, name="one", space=SPACE)
        assert self.store.records() == []

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done, answer lost"])
@pytest.mark.parametrize("times", [1, 3])
def test_every_write_is_done_once_however_often_the_connection_is_lost(table, capsys, done, times):
    store, faults = table.store, table.flaky.faults
    for number in range(2):
        for step in (partial(store.create, suggestion=number, proposal=Proposal(POINT), seed=0),
                     partial(store.begin, number),
                     partial(store.report_epoch, number, epoch=1, value=0.5),
                     partial(store.finish, number, state="failed", info={"reason": "x"})):
            faults += [Fault(done=done), *[Fault() for _ in range(times - 1)]]
            step()
            assert not faults
    assert [one.number for one in store.records()] == [0, 1]
    assert {one.state for one in store.records()} == {"failed"}
    again = OptunaStore(Database(table.flaky, place="db"), name="one", space=SPACE)
    assert again.records() == store.records()
    told = capsys.readouterr().err
    assert ("the database does not answer (server closed the connection); waiting" in told) == (
        times > 1)
    assert ("the database answers again" in told) == (times > 1)
    assert table.pauses == [0.5, 1.0] * (8 if times > 1 else 0)


def test_a_database_that_stays_away_is_given_up_and_the_key_named(table):
    table.flaky.faults += [Fault() for _ in range(200)]
    with pytest.raises(StudyError, match=r"storage: db: cannot write the study: server closed the "
                                         "connection.*the same command goes on"):
        table.store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
    assert database.PATIENCE <= table.now <= database.PATIENCE + database.LONGEST_PAUSE
    table.flaky.faults.clear()
    assert table.store.create(suggestion=0, proposal=Proposal(POINT), seed=0).number == 0


def test_who_is_stopped_while_a_database_is_away_does_not_wait(table):
    def stopped(_seconds):
        raise KeyboardInterrupt

    table.store._storage._pause = stopped
    table.flaky.faults += [Fault(), Fault()]
    with pytest.raises(KeyboardInterrupt):
        table.store.create(suggestion=0, proposal=Proposal(POINT), seed=0)


class Refusal(Exception):
    def __init__(self, text, sqlstate):
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(("original", "kind", "text"), [
    (sqlite3.OperationalError("attempt to write a readonly database"), StudyError, "readonly"),
    (sqlite3.OperationalError("database or disk is full"), DiskFull, "db: disk full"),
    (Refusal("No space left on device", "53100"), DiskFull, "db: disk full"),
    (Refusal("permission denied for table trials", "42501"), StudyError, "permission denied"),
    (Refusal("cannot execute INSERT in a read-only transaction", "25006"), StudyError, "read-only"),
])
def test_what_no_waiting_mends_is_told_at_once(table, original, kind, text):
    table.flaky.faults += [Fault(error=sqlalchemy.exc.OperationalError("INSERT", {}, original))]
    with pytest.raises(kind, match=f"storage: db.*{text}|storage: {text}"):
        table.store.set_attribute("a", 1)
    assert table.pauses == []


@pytest.mark.parametrize("original", [
    sqlite3.OperationalError("database is locked"), Refusal("starting up", "57P03"),
    Refusal("terminating connection", "57P01"), Refusal("deadlock detected", "40P01")])
def test_what_passes_is_waited_for(table, original):
    table.flaky.faults += [Fault(error=sqlalchemy.exc.OperationalError("x", {}, original))] * 2
    table.store.set_attribute("a", 1)
    assert table.store.attributes()["a"] == 1
    assert table.pauses == [0.5]


def test_another_process_that_adds_trials_is_noticed_after_a_lost_answer(table, tmp_path):
    other = OptunaStore(Database(RDBStorage(f"sqlite:///{tmp_path}/study.db"), place="db"),
                        name="one", space=SPACE)
    other.create(suggestion=5, proposal=Proposal(POINT), seed=9)
    table.flaky.faults += [Fault()]
    with pytest.raises(StudyError, match="another process adds trials"):
        table.store.create(suggestion=0, proposal=Proposal(POINT), seed=0)


def test_a_full_disk_keeps_the_claim_whole(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("paddle_transfer.study.claim.write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        opened(tmp_path)
    assert not (tmp_path / claim.FILE).exists()
    monkeypatch.undo()
    opened(tmp_path).close()
    assert json.loads((tmp_path / claim.FILE).read_text())["study"] == str(tmp_path)
