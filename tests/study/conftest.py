"""SQLite without waiting for the disk: these tests kill no machine."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk():
    def connected(connection, _record):
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF").close()

    listener = sqlalchemy.engine.Engine, "connect", connected
    sqlalchemy.event.listen(*listener)
    yield
    sqlalchemy.event.remove(*listener)
