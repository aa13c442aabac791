"""Results are compared only where they were measured on the same number of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paddle_transfer.executors.base import Ended
from paddle_transfer.study.records import TrialRecord


def other_count(ended: Ended, records: Sequence[TrialRecord]) -> str | None:
    """Why the result of a trial is none of this search; None where it is, or there is none.

    A list that was edited while a search is running gives other figures than before. Results of
    earlier versions do not say their number and pass.

    :param records: all trials by number
    """
    images, record = (ended.result or {}).get("images"), records[ended.number]
    if images is None:
        return None
    earlier = next((one for one in records if one.images is not None and one.number != record.number
                    and one.images != images and one.stage is record.stage), None)
    if earlier is None:
        return None
    return (f"trial {record.number} was measured on {images} images, trial {earlier.number} on "
            f"{earlier.images}: the evaluation list has changed, so their results cannot be "
            "compared. Put the list back, or begin anew with --fresh")


def counts(records: Iterable[TrialRecord]) -> list[int]:
    """The numbers of images that results were measured on, the smallest first."""
    return sorted({one.images for one in records if one.images is not None})
