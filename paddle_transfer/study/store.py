"""Opens the store of a search: a journal file in its output_dir, or a storage that Optuna knows by
its address."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from paddle_transfer.errors import DiskFull, StudyError, is_disk_full
from paddle_transfer.space.space import Space
from paddle_transfer.study import claim
from paddle_transfer.study.database import Database, open_database
from paddle_transfer.study.folder import WAYS_OUT
from paddle_transfer.study.journal import Journal
from paddle_transfer.study.optuna_store import OptunaStore

JOURNAL_NAME = "study.journal"
#: The study's name in a journal file; without the folder's, so that a moved folder resumes.
JOURNAL_STUDY = "paddle_transfer"


def open_store(*, output_dir: str | os.PathLike[str], space: Space, storage: str | None = None,
               pause: Callable[[float], None] = time.sleep) -> OptunaStore:
    """The store of the search in ``output_dir``, made when there is none. The caller holds the
    directory's lock. Raises StudyError when what is there cannot be read, DiskFull.

    :param storage: an Optuna storage URL (``sqlite:///study.db``); None: the journal file
    :param pause: sleeps while a database is away
    """
    if storage is not None:
        return _in_database(output_dir, claim.make_claim(output_dir), space, storage, pause)
    path = Path(output_dir) / JOURNAL_NAME
    try:
        backend = Journal(path, repair=True)
    except OSError as error:
        raise DiskFull(path) if is_disk_full(error) else StudyError(
            f"{path}: {error.strerror or error}. {WAYS_OUT}") from error
    return OptunaStore(backend, name=JOURNAL_STUDY, space=space, place=str(path))


def read_store(*, output_dir: str | os.PathLike[str], space: Space,
               storage: str | None = None) -> OptunaStore:
    """The store of another search, only to be read: nothing is written, and that search may be at
    work. Raises StudyError when there is none, or it cannot be read."""
    path = Path(output_dir) / JOURNAL_NAME
    name = claim.study_name(output_dir) if storage else JOURNAL_STUDY
    if not storage and not os.path.lexists(path):
        raise StudyError(f"{path}: there is no such file, so no search has been here")
    try:
        backend: Database | Journal = open_database(storage) if storage else Journal(path)
        backend.get_study_id_from_name(name)
        return OptunaStore(backend, name=name, space=space, place=str(storage or path))
    except KeyError as error:
        raise StudyError(f"{storage or path}: holds no search of this package ({error})") from error
    except OSError as error:
        raise StudyError(f"{storage or path}: cannot be read: {error.strerror or error}. "
                         f"{WAYS_OUT}") from error


def rebuild_store(*, output_dir: str | os.PathLike[str], space: Space, storage: str | None,
                  stamp: str, write: Callable[[OptunaStore], None]) -> str | None:
    """Put a new study in the place of the one in ``output_dir``; returns where the old one is kept.
    A kill leaves the old one.

    :param stamp: goes to the name of the old one
    :param write: fills the new one
    """
    if storage is not None:
        old, claimed = claim.study_name(output_dir), claim.other_study(output_dir)
        with closing(_in_database(output_dir, claimed, space, storage, time.sleep)) as store:
            write(store)
        claimed.write(output_dir)
        return f"the study {old!r}, if the database has it"
    path, kept = Path(output_dir) / JOURNAL_NAME, None
    new = path.with_name(f"{JOURNAL_NAME}.new")
    new.unlink(missing_ok=True)
    with closing(OptunaStore(Journal(new), name=JOURNAL_STUDY, space=space,
                             place=str(path))) as store:
        write(store)
    if os.path.lexists(path):
        kept = path.with_name(f"{JOURNAL_NAME}.broken-{stamp}")
        path.rename(kept)
    new.rename(path)
    return None if kept is None else str(kept)


def _in_database(output_dir: str | os.PathLike[str], claimed: claim.Claim, space: Space,
                 storage: str, pause: Callable[[float], None]) -> OptunaStore:
    store = OptunaStore(open_database(storage, pause=pause), name=claimed.study, space=space,
                        place=f"storage: {storage}")
    try:
        claim.enforce(store, claimed, output_dir, place=storage)
    except BaseException:
        store.close()
        raise
    return store
