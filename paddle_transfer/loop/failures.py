"""Failed trials: their causes, each told once, and when a search stops because all fail alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from paddle_transfer.errors import SearchFailed
from paddle_transfer.executors.base import Verdict
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.space import Space
from paddle_transfer.study.history import History
from paddle_transfer.study.records import TrialRecord, TrialState, trained
from paddle_transfer.study.trial_folder import TrialFolder

#: So many trials that fail alike, and none that does not, end a search.
ALIKE = 3
#: The reason of such a search.
ALL_ALIKE = "the trials fail alike"

#: Numbers, addresses and times differ between trials that fail of the same cause.
_VARIES = re.compile(r"0x[0-9a-fA-F]+|\d[\d.,:]*(?:e[+-]?\d+)?")
#: What may be the fault of a point's own values (its batch size, its network), or pass by itself.
_MAY_PASS = re.compile(
    r"out of memory|MemoryError|cannot allocate|device.*(?:lost|unavailable)", re.IGNORECASE)
_PASSING = (Verdict.KILLED, Verdict.TIMEOUT)


@dataclass(frozen=True)
class Cause:
    """Trials that failed alike.

    :param text: the reason of the first of them
    :param numbers: of the trials, in their order
    """

    text: str
    numbers: tuple[int, ...]


def same_cause(reason: object) -> str:
    """A text that reasons share when only numbers differ in them."""
    return _VARIES.sub("#", str(reason))


def causes(records: Sequence[TrialRecord],
           states: Collection[TrialState] = (TrialState.FAILED,)) -> list[Cause]:
    """Why trainings ended in one of ``states``; the most frequent cause first."""
    found: dict[str, list[TrialRecord]] = {}
    for record in trained(records):
        if record.state in states:
            found.setdefault(same_cause(_reason(record)), []).append(record)
    ordered = sorted(found.values(), key=lambda group: -len(group))
    return [Cause(_reason(group[0]), tuple(record.number for record in group))
            for group in ordered]


def _reason(record: TrialRecord) -> str:
    reason = str(record.info.get("reason") or "")
    if record.state is TrialState.DIVERGED:
        return f"diverged: {reason}".removesuffix(": ")
    return reason or str(record.state)


def anything_works(records: Sequence[TrialRecord]) -> bool:
    """Whether a training has come to a result, or to a loss that is no number."""
    if isinstance(records, History):
        return records.worked > 0
    return any(record.worked for record in records)


def all_alike(records: Sequence[TrialRecord], space: Space) -> Cause | None:
    """The cause of which all trials so far have failed; None as long as a search should go on.

    A running trial that came further than those that failed is a sign that others may, too. What
    may depend on a point's values ends the search only when it met several values of every key.
    """
    history = History.of(space, records)
    if history.failed < ALIKE or anything_works(history):
        return None
    failed = [record for record in trained(records) if record.state is TrialState.FAILED]
    found = causes(records)
    furthest = max(len(record.curve) for record in failed)
    if len(found) > 1 or any(len(record.curve) > furthest
                             for record in history.unfinished.values()):
        return None
    return found[0] if not _may_pass(failed[0]) or _covered(failed, space) else None


def _may_pass(record: TrialRecord) -> bool:
    return (record.info.get("verdict") in _PASSING
            or _MAY_PASS.search(str(record.info.get("reason", ""))) is not None)


def _covered(records: Sequence[TrialRecord], space: Space) -> bool:
    """Whether ``ALIKE`` values of every hyperparameter, or all that it has, were tried."""
    return all(
        len({repr(record.point[h.name]) for record in records}) >= min(h.size or ALIKE, ALIKE)
        for h in space.hyperparameters)


def no_result(records: Sequence[TrialRecord], reason: str, output_dir: str) -> str:
    """What is told of a search without a result: every cause once, and the log of its first trial.

    :param reason: why the search ended
    """
    found = causes(records, (TrialState.FAILED, TrialState.DIVERGED))
    count = len(trained(records))
    head = ("the only trial failed" if count == 1 else f"all {count} trials failed"
            if reason != ALL_ALIKE else f"the search stops, for all {count} trials failed alike")
    logs = [f"(log: {TrialFolder.of(output_dir, one.numbers[0]).log})" for one in found]
    again = ("" if anything_works(records) else
             "When that is mended, the same command tries them again")
    if len(found) == 1:
        return f"{head}: {found[0].text} {logs[0]}. {again}".rstrip()
    lines = [f"  {line} {log}" for line, log in zip(cause_lines(found), logs, strict=True)]
    return "\n".join(filter(None, [f"{head} ({reason}):", *lines, again]))


def cause_lines(found: Sequence[Cause]) -> list[str]:
    """``18 trials: CAUSE``, a line each."""
    return [f"{len(one.numbers)} trials: {one.text}" if len(one.numbers) > 1
            else f"trial {one.numbers[0]}: {one.text}" for one in found]


def check_outcome(settings: SearchSettings, records: Sequence[TrialRecord], reason: str) -> None:
    """Raises SearchFailed when not one trial, or not the distillation, came to a result."""
    if records and not any(TrialState(record.state).has_value for record in records):
        raise SearchFailed(no_result(records, reason, settings.output.output_dir))
    settings.stages.check_end(records)
