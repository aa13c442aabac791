"""Opens the store of a search: a journal file in its output_dir, or a storage that Optuna knows by
its address."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, get_storage

from paddle_transfer.errors import DiskFull, StudyError, is_disk_full
from paddle_transfer.space.space import Space
from paddle_transfer.study.folder import WAYS_OUT
from paddle_transfer.study.journal import Journal
from paddle_transfer.study.optuna_store import OptunaStore

JOURNAL_NAME = "study.journal"
#: The study's name in a journal file; without the folder's, so that a moved folder resumes.
JOURNAL_STUDY = "paddle_transfer"


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
    name = _name(output_dir) if storage else JOURNAL_STUDY
    if not storage and not os.path.lexists(path):
        raise StudyError(f"{path}: there is no such file, so no search has been here")
    try:
        backend: BaseStorage | Journal = _storage(storage) if storage else Journal(path)
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
    with closing(OptunaStore(Journal(new), name=JOURNAL_STUDY, space=space,
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
