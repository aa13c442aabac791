from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from paddle_transfer.errors import StudyError
from paddle_transfer.loop.lock import DirectoryLock, holders, move_aside
from tests.helpers.fakes import FakeClock


@pytest.fixture
def hold():
    """Has another process hold the lock; its Popen."""
    held = []

    def hold(folder) -> subprocess.Popen:
        code = ("import sys; from paddle_transfer.loop.lock import DirectoryLock\n"
                "lock = DirectoryLock(sys.argv[1]); print('held', flush=True); sys.stdin.read()")
        process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        held.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield hold
    for process in held:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def impatient() -> dict:
    clock = FakeClock()
    return {"clock": clock, "pause": lambda seconds: clock.advance(100 * seconds)}


def test_a_second_search_is_refused_and_the_first_is_named(tmp_path, hold):
    process = hold(tmp_path)
    with pytest.raises(
            StudyError,
            match=rf"another search is at work here \(pid {process.pid}\).*kill {process.pid}"):
        DirectoryLock(tmp_path, **impatient())


def test_a_killed_process_holds_nothing(tmp_path, hold):
    process = hold(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    DirectoryLock(tmp_path, **impatient()).close()


def test_a_search_that_is_just_ending_is_waited_for(tmp_path, hold):
    process = hold(tmp_path)

    def end(_seconds):
        process.stdin.close()
        process.wait()

    DirectoryLock(tmp_path, pause=end).close()


def test_orphans_keep_the_lock_and_are_named(tmp_path):
    lock = DirectoryLock(tmp_path)
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[lock.fd])
    orphan.stdout.readline()  # while it begins to run, what it holds open cannot be read
    lock.close()
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / ".lock").write_text(f"{dead.pid}\n")
    with pytest.raises(StudyError,
                       match=rf"processes of an earlier search still run \(pid {orphan.pid}\)"):
        DirectoryLock(tmp_path, **impatient())
    assert holders(tmp_path / ".lock") == [orphan.pid]
    orphan.stdin.close()
    orphan.wait()
    orphan.stdout.close()
    DirectoryLock(tmp_path, **impatient()).close()


def test_a_folder_moved_between_opening_and_locking_is_not_taken_for_the_new_one(
        tmp_path, monkeypatch):
    import fcntl

    folder, flock, moves = tmp_path / "out", fcntl.flock, []

    def flock_after_move(descriptor, how):
        if not moves:
            moves.append(folder.rename(tmp_path / "moved"))
            folder.mkdir()
        flock(descriptor, how)

    monkeypatch.setattr("paddle_transfer.loop.lock.fcntl.flock", flock_after_move)
    with DirectoryLock(folder, **impatient()) as lock:
        assert os.path.samestat(os.fstat(lock.fd), os.stat(folder / ".lock"))


def test_moving_aside_keeps_everything_and_takes_the_new_folder(tmp_path):
    folder = tmp_path / "out"
    lock = DirectoryLock(folder)
    lock, aside, _ = move_aside(folder, lock)
    assert aside is None  # nothing to keep
    for text in ("first", "second"):
        (folder / "study.journal").write_text(text)
        lock, aside, _ = move_aside(folder, lock)
        assert (aside / "study.journal").read_text() == text
        assert os.listdir(folder) == [".lock"]
        assert aside.name.startswith("out.")
    with pytest.raises(StudyError, match=f"pid {os.getpid()}"):
        DirectoryLock(folder, **impatient())
    assert len(list(tmp_path.iterdir())) == 3
    lock.close()
