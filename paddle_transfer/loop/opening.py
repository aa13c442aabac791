"""The study of a search opened: as it is, begun anew, or rebuilt from what its trials left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from paddle_transfer.errors import StudyError, counted
from paddle_transfer.loop.lock import DirectoryLock, move_aside
from paddle_transfer.loop.rebuild import lost_attributes, lost_records, write_records
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.base import Store
from paddle_transfer.study.claim import other_study
from paddle_transfer.study.folder import delete_leftovers
from paddle_transfer.study.identity import check_settings
from paddle_transfer.study.inputs import Inputs
from paddle_transfer.study.leftover import Leftover, has_entries, read_leftover
from paddle_transfer.study.store import JOURNAL_NAME, open_store, rebuild_store


def lock_folder(settings: SearchSettings, stack: ExitStack, *, fresh: bool,
                pause: Callable[[float], None]) -> DirectoryLock:
    """The lock of ``output_dir``, to be closed by ``stack``; temporary files that a kill left are
    deleted, and with ``fresh`` an earlier run is moved aside. Raises StudyError."""
    output = settings.output
    lock = DirectoryLock(output.output_dir, pause=pause)
    stack.callback(lock.close)  # a second time does nothing
    if fresh:
        lock, aside, strange = move_aside(output.output_dir, lock)
        stack.callback(lock.close)
        if output.storage:
            other_study(output.output_dir).write(output.output_dir)
        if aside:
            print(f"The earlier run is now in {aside}", file=sys.stderr)
        if strange:
            more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
            print(f"What no search wrote stays in {output.output_dir}: {', '.join(strange[:3])}"
                  f"{more}", file=sys.stderr)
    delete_leftovers(output.output_dir)
    return lock


def open_study(settings: SearchSettings, inputs: Inputs, stack: ExitStack, *,
               rebuild: bool = False, pause: Callable[[float], None] = time.sleep) -> Store:
    """The study of ``output_dir``, whose lock is held, to be closed by ``stack``.

    :param rebuild: make it again from what the trials left, unless it is whole
    :param pause: sleeps while a database is away
    Raises StudyError: it cannot be read, is of another search, or lacks trials that are there.
    """
    output, space = settings.output, settings.search_space.space
    leftover = read_leftover(output.output_dir)
    journal = Path(output.output_dir) / JOURNAL_NAME
    place = output.storage or str(journal)
    there = bool(output.storage) or has_entries(journal)
    if rebuild and not (there and _is_whole(settings, inputs, leftover, place)):
        _rebuild(settings, inputs, leftover)
    elif not there:
        leftover.check((), place=place)
    store = open_store(output_dir=output.output_dir, space=space, storage=output.storage,
                       pause=pause)
    stack.callback(store.close)
    check_settings(store.attributes(), settings.identity(), inputs, place=output.output_dir)
    leftover.check(store.records(), place=place)
    _tell_what_is_gone(store, output.output_dir)
    return store


def _is_whole(settings: SearchSettings, inputs: Inputs, leftover: Leftover, place: str) -> bool:
    """Whether the study can be read, is of this search and knows all trials."""
    output = settings.output
    try:
        store = open_store(output_dir=output.output_dir, space=settings.search_space.space,
                           storage=output.storage)
        try:
            check_settings(store.attributes(), settings.identity(), inputs, place=output.output_dir)
            leftover.check(store.records(), place=place)
            whole = bool(store.records())
        finally:
            store.close()
    except StudyError as error:
        print(error, file=sys.stderr)
        return False
    if whole:
        print("The study is whole: nothing has to be rebuilt.", file=sys.stderr)
    return whole


def _rebuild(settings: SearchSettings, inputs: Inputs, leftover: Leftover) -> None:
    output = settings.output
    if not leftover.count:
        raise StudyError(f"{output.output_dir}: holds no trial to rebuild a study from. Leave "
                         "--rebuild out")
    attributes: dict[str, Any] = lost_attributes(output.output_dir)
    check_settings(attributes, settings.identity(), inputs, place=output.output_dir)
    records = lost_records(settings, leftover)

    def write(store: Store) -> None:
        for name, value in attributes.items():
            store.set_attribute(name, value)
        try:
            write_records(store, records)
        except (AssertionError, IndexError, KeyError, TypeError, ValueError) as error:
            raise StudyError(f"{output.output_dir}: the trials' files contradict each other "
                             f"({error}). Start anew with --fresh") from error

    kept = rebuild_store(output_dir=output.output_dir, space=settings.search_space.space,
                         storage=output.storage, stamp=_now(), write=write)
    print(f"Rebuilt the study of {counted(len(records), 'trial')} from their own files."
          + (f" The one before is kept: {kept}." if kept else ""), file=sys.stderr)
    if not attributes:
        print("What lists and images they were trained on is not known; that their settings are "
              "those of now was compared.", file=sys.stderr)


def _tell_what_is_gone(store: Store, output_dir: str) -> None:
    done = [one for one in store.records() if one.finished and one.reused is None]
    if done and not (Path(output_dir) / "trials").is_dir():
        print(f"{output_dir}/trials is gone: the results of {counted(len(done), 'training')} "
              "are in the study, but their weights, configs and logs are lost.", file=sys.stderr)


def _now() -> str:
    return datetime.now().strftime("%Y%m%d-%H%M%S")
