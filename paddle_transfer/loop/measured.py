"""Results are compared only where they were measured on the same list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from paddle_transfer.study.records import TrialRecord


def other_list(measured: Mapping[str, Any], record: TrialRecord, records: Iterable[TrialRecord]
               ) -> str | None:
    """Why the result of a trial is none of the search of ``records``; None where it is.

    A list that was edited while a search is running gives other figures than before. Results of
    earlier versions do not say what they were measured on, and pass.

    :param measured: ``images`` and ``list`` (a checksum of the file) of the result
    :param record: the trial
    """
    for one in records:
        if one.number == record.number or one.stage is not record.stage:
            continue
        here, there = measured.get("images"), one.images
        if here != there and here is not None and there is not None:
            said = f"on {here} images, trial {one.number} on {there}"
        elif not _same(measured.get("list"), one.info.get("list")):
            said = f"on another list than trial {one.number}"
        else:
            continue
        return (f"trial {record.number} was measured {said}: the evaluation list has changed, so "
                "their results cannot be compared. Put the list back, or begin anew with --fresh")
    return None


def counts(records: Iterable[TrialRecord]) -> list[int]:
    """The numbers of images that results were measured on, the smallest first."""
    return sorted({one.images for one in records if one.images is not None})


def _same(one: Any, other: Any) -> bool:
    return one == other or one is None or other is None
