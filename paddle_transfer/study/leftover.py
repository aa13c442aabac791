"""Results that the study does not know: a study that was emptied, deleted, cut or put back from an
older copy would begin over them."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.errors import StudyError
from paddle_transfer.study.folder import WAYS_OUT
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder


@dataclass(frozen=True)
class Leftover:
    """What an output_dir holds of trials, apart from the study.

    :param folders: the numbers of the trials with a folder
    :param rows: the rows of ``search_results.csv`` by trial
    """

    output_dir: str
    folders: tuple[int, ...]
    rows: dict[int, dict[str, str]]

    @property
    def count(self) -> int:
        """How many trials there have been at least."""
        return 1 + max((*self.folders, *self.rows), default=-1)

    def check(self, records: Sequence[TrialRecord], *, place: str) -> None:
        """Raise StudyError unless ``records`` have all trials that left something.

        :param place: the study's file or address
        """
        newer = [record.number for record in records if not record.finished and (
            result := TrialFolder.of(self.output_dir, record.number).read_result(
                record.number, None)) and _attempt(result) > record.attempts]
        if self.count <= len(records) and not newer:
            return
        known = min(len(records), self.count) - len(newer)
        raise StudyError(
            f"{self.output_dir}: holds the results of {self.count} trials, but the study, {place}, "
            f"knows {known or 'none'} of them: it was emptied, deleted, cut, or is an older or "
            f"another one. {WAYS_OUT}")


def has_entries(journal: Path) -> bool:
    """Whether a journal is there and not empty."""
    return os.path.lexists(journal) and (not journal.is_file() or journal.stat().st_size > 0)


def _attempt(result: Mapping[str, Any]) -> int:
    attempt = result.get("attempt")
    return attempt if isinstance(attempt, int) else 0


def read_leftover(output_dir: str | os.PathLike[str]) -> Leftover:
    """To be read before the study: a search at work notes a trial there first."""
    root, folders = Path(output_dir), list[int]()
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(root / "trials") as entries:
        folders = sorted(int(one.name) for one in entries if one.name.isdecimal() and one.is_dir())
    if folders and not any(os.scandir(TrialFolder.of(root, folders[-1]).path)):
        folders.pop()  # made by a search that was killed there and then
    return Leftover(str(output_dir), tuple(folders), read_rows(root / "search_results.csv"))


def read_rows(path: Path) -> dict[int, dict[str, str]]:
    """The rows of ``search_results.csv`` by trial; {} when it is not there (yet)."""
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            return {int(row["trial"]): row for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}
