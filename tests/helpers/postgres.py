"""A PostgreSQL server of its own on loopback, for tests; it can be stopped and started again."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER, PASSWORD = "searcher", "a-secret/word"
_FOLDERS = "/usr/lib/postgresql/*/bin"  # of Debian, newest last


def programs() -> Path | None:
    """The folder of initdb, pg_ctl and postgres; None where there is none."""
    found = sorted(Path("/").glob(_FOLDERS[1:]), key=lambda one: int(one.parts[-2]))
    named = shutil.which("initdb")
    places = [*reversed(found), *([Path(named).resolve().parent] if named else [])]
    return next((place for place in places if (place / "pg_ctl").exists()), None)


class Server:
    """PostgreSQL refuses to run as root: then it runs as ``nobody``."""

    def __init__(self, folder: Path):
        self._bin, self._data = programs(), folder / "data"
        self._user = "nobody" if os.getuid() == 0 else None
        if self._user:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._call("initdb", "-D", self._data, "-U", USER, "-A", "scram-sha-256", "--no-sync",
                   "--pwfile", secret, "--no-instructions", "-E", "UTF8", "--locale", "C")
        self.start()

    def url(self, *, password: str | None = PASSWORD, database: str = "postgres") -> str:
        secret = "" if password is None else ":" + password.replace("/", "%2F")
        return f"postgresql+psycopg://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._call("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", self._data / "log", "-o",
                   f"-c listen_addresses=127.0.0.1 -c port={self.port} -c fsync=off "
                   f"-c unix_socket_directories={self._data}", "start")

    def stop(self, how: str = "fast") -> None:
        """:param how: ``fast``, or ``immediate``, as a crash"""
        self._call("pg_ctl", "-D", self._data, "-w", "-m", how, "stop")

    def _call(self, name: str, *arguments: object) -> None:
        assert self._bin is not None, "the tests are to be skipped"
        done = subprocess.run(
            [str(self._bin / name), *map(str, arguments)], cwd="/", user=self._user, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr}"


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """A server for a test, in a folder that ``nobody`` can reach."""
    with tempfile.TemporaryDirectory(prefix="postgres_") as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            with contextlib.suppress(AssertionError):  # a test may have stopped it
                server.stop("immediate")
