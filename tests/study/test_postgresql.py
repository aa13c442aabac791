"""Searches in a PostgreSQL database: a server of the test's own on loopback."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import paddle_transfer
from paddle_transfer.api import run
from paddle_transfer.errors import StudyError
from paddle_transfer.loop.interrupts import Interrupts
from paddle_transfer.settings.groups import Output
from paddle_transfer.study.store import open_store
from tests.helpers.postgres import PASSWORD, USER, programs, running_server
from tests.helpers.store_suite import POINT, SPACE, StoreSuite
from tests.helpers.tiny_runner import AUDIT
from tests.helpers.tiny_search import RUNNER, tiny_settings

pytestmark = pytest.mark.skipif(programs() is None, reason=(
    "no PostgreSQL server: neither initdb on the PATH nor /usr/lib/postgresql/*/bin (Debian's "
    "package postgresql)"))


@pytest.fixture(scope="module")
def server():
    with running_server() as made:
        yield made


class TestPostgresql(StoreSuite):
    @pytest.fixture(autouse=True)
    def _server(self, server):
        self.server = server

    def open(self, path, space=SPACE):
        return open_store(output_dir=path, space=space, storage=self.address(path))

    def address(self, _path):
        return self.server.url()


class RestartsTheDatabase:
    """A callback: the database dies when the second trial has ended, and comes back later."""

    def __init__(self, server):
        self.server, self.ended = server, 0
        self.back = threading.Thread(target=server.start)

    def trial_ended(self, *_):
        self.ended += 1
        if self.ended == 2:
            self.server.stop("immediate")
            self.back.start()


def test_a_search_goes_on_through_a_restart_of_the_database(tmp_path, server, monkeypatch, capsys):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    made = tiny_settings(tmp_path / "out", values={"a": [0.0, 0.25, 0.5], "b": [1, 2]},
                         storage=server.url())
    restart = RestartsTheDatabase(server)
    with Interrupts() as interrupts:
        _, records = run(made, interrupts, runner=RUNNER, more=[restart])
    restart.back.join()
    plain = tiny_settings(tmp_path / "plain", values={"a": [0.0, 0.25, 0.5], "b": [1, 2]})
    began = [line for line in Path(tmp_path / "audit").read_text().splitlines()
             if line.startswith("began")]
    assert len(began) == len(records) == 6
    with Interrupts() as interrupts:
        _, undisturbed = run(plain, interrupts, runner=RUNNER, callbacks=[])
    assert [(one.point, one.value, one.curve) for one in records] == [
        (one.point, one.value, one.curve) for one in undisturbed]
    store = open_store(output_dir=tmp_path / "out", space=made.space, storage=made.storage)
    assert store.records() == records
    store.close()
    with Interrupts() as interrupts:
        assert run(made, interrupts, runner=RUNNER, callbacks=[])[1] == records
    assert len(Path(tmp_path / "audit").read_text().splitlines()) == 2 * 6 * 5  # nothing again

    # No file of the search has the password, and who reads it brings his own.
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 12
    assert not [path for path in files
                if PASSWORD.encode() in path.read_bytes() or b"a-secret%2F" in path.read_bytes()]
    assert (tmp_path / "out" / "report.html").exists()
    monkeypatch.setattr("paddle_transfer.study.url._KNOWN", {})  # as another process
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert len(paddle_transfer.load_search(tmp_path / "out").trials) == 6
    monkeypatch.delenv("PGPASSWORD")
    with pytest.raises(StudyError, match=r"storage: .*no password supplied.*PGPASSWORD"):
        paddle_transfer.load_search(tmp_path / "out")
    assert "secret" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(("url", "text"), [
    ({"password": "wrong-word"}, f'password authentication failed for user "{USER}"'),
    ({"password": None}, "no password supplied"),
    ({"database": "nowhere"}, 'database "nowhere" does not exist'),
])
def test_a_refused_connection_names_the_key_and_no_password(tmp_path, server, url, text):
    with pytest.raises(StudyError, match=f"^storage: .*{text}") as caught:
        open_store(output_dir=tmp_path, space=SPACE, storage=Output("x", server.url(**url)).storage)
    assert "word@" not in str(caught.value)


def test_a_database_that_takes_no_writes_is_told_before_any_trial(tmp_path, server):
    open_store(output_dir=tmp_path, space=SPACE, storage=server.url()).close()
    url = server.url() + "?options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(StudyError, match=r"^storage: .*cannot execute .* in a read-only tr"):
        open_store(output_dir=tmp_path, space=SPACE, storage=url)


def test_a_store_that_was_idle_during_a_restart_does_not_notice(tmp_path, server, capsys):
    from paddle_transfer.study.records import Proposal

    store = open_store(output_dir=tmp_path, space=SPACE, storage=server.url())
    store.create(suggestion=0, proposal=Proposal(POINT), seed=0)
    server.stop()
    server.start()
    assert store.begin(0).attempts == 1
    assert capsys.readouterr().err == ""
