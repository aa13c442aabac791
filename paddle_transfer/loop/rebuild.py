"""``--rebuild``: the study of a search made again from what its trials left.

A trial's ``trial.json`` is its record. Of a trial of an earlier version, which has none, the point
is the one in ``search_results.csv``, or else the one whose config is the trial's ``config.yaml``;
its end is the one in ``result.json``, which the search records when it goes on, or else the one in
``search_results.csv``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle_transfer.errors import StudyError
from paddle_transfer.executors.verdict import ended_by
from paddle_transfer.loop.driver import outcome
from paddle_transfer.loop.lost_points import PointFinder
from paddle_transfer.loop.measured import other_list
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.base import Store
from paddle_transfer.study.inputs import ATTRIBUTES, FOLDER
from paddle_transfer.study.leftover import Leftover
from paddle_transfer.study.records import Proposal, TrialRecord, TrialState
from paddle_transfer.study.trial_folder import TrialFolder


def lost_records(settings: SearchSettings, leftover: Leftover) -> list[TrialRecord]:
    """The records of all trials that left something, by number.

    Raises StudyError when a trial cannot be known, which would leave a gap, is one of another
    search, or was measured on another number of images.
    """
    finder, records = PointFinder(settings), list[TrialRecord]()
    for number in range(leftover.count):
        record = _kept(settings, number) or _older(
            settings, number, leftover.rows.get(number, {}), records, finder)
        other = other_list(record.info, record, records)
        if other:
            raise StudyError(f"{settings.output.output_dir}: {other}")
        records.append(record)
    return records


def _kept(settings: SearchSettings, number: int) -> TrialRecord | None:
    """The record in ``trial.json``; None when there is none, or not a whole one."""
    file, space = TrialFolder.of(settings.output.output_dir, number).record, settings.search_space
    try:
        record = TrialRecord.from_plain(json.loads(file.read_text(encoding="utf-8")))
        known = space.space.contains(record.point)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if record.number != number:
        return None
    if not known:
        raise StudyError(f"{file}: is of a search of other values: {record.point}. Name the search "
                         "file of this output_dir, or another output_dir")
    return record


def _older(settings: SearchSettings, number: int, row: Mapping[str, str],
           records: Sequence[TrialRecord], finder: PointFinder) -> TrialRecord:
    """The record of a trial without ``trial.json``."""
    folder = TrialFolder.of(settings.output.output_dir, number)
    result = folder.read_result(number, None) or {}
    proposal, seed = finder.find(folder, row, records)
    reused = int(row["reused"]) if row.get("reused") else None
    record = TrialRecord(
        number, _suggestion(settings, proposal, records, again=reused is not None), proposal.point,
        seed, stage=proposal.stage, teacher=proposal.teacher, reused=reused,
        attempts=_number(result.get("attempt"), row.get("attempts")))
    if result:
        end = outcome(ended_by(record.number, record.attempts, result))
        return replace(record, state=end["state"], value=end["value"], info=end["info"],
                       curve=end["curve"] or ())
    if not row:
        return record  # it is still running, or was never begun
    state = TrialState(row["state"])
    value = float(row[settings.objective.metric]) if state.has_value else None
    info: dict[str, Any] = {"reason": row["reason"]} if row.get("reason") else {}
    info.update({name: int(row[name]) for name in ("best_epoch", "images") if row.get(name)})
    return replace(record, state=state, value=value, info=info)


def _number(*found: Any) -> int:
    return next((int(one) for one in found if str(one).isdecimal()), 0)


def _suggestion(settings: SearchSettings, proposal: Proposal, records: Sequence[TrialRecord], *,
                again: bool) -> int:
    """The number of the suggestion that a trial belongs to: the trainings of a point are repeats
    of one, unless the search may draw a point again."""
    space, repeats = settings.search_space.space, settings.repeats
    same = [one for one in records if one.key(space) == proposal.key(space) and one.reused is None]
    enough = len(same) % max(1, repeats.search_times) == 0 and not repeats.confirm
    if same and not again and (repeats.de_duplication or not enough):
        return same[-1].suggestion
    return 1 + max((one.suggestion for one in records), default=-1)


def write_records(store: Store, records: Sequence[TrialRecord]) -> None:
    """Add ``records`` to an empty study."""
    for record in records:
        if record.reused is not None:
            store.reuse(suggestion=record.suggestion, original=store.records()[record.reused])
            continue
        store.create(suggestion=record.suggestion, proposal=record.proposal, seed=record.seed)
        for attempt in range(1, record.attempts + 1):
            store.begin(record.number)
            for one in record.info.get("tries", ()):
                if one["attempt"] == attempt:
                    store.note_try(record.number, verdict=one["verdict"], message=one["message"],
                                   log_tail=one["log_tail"],
                                   accumulate=one.get("accumulate", 1))
        for epoch, value in record.curve if not record.finished else ():
            store.report_epoch(record.number, epoch=epoch, value=value)
        if record.finished:
            store.finish(record.number, state=record.state, value=record.value, curve=record.curve,
                         info={name: one for name, one in record.info.items() if name != "tries"})


def lost_attributes(output_dir: str) -> dict[str, Any]:
    """What the study held of the search as a whole; empty where an earlier version kept no copy."""
    try:
        kept = json.loads((Path(output_dir) / FOLDER / ATTRIBUTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(kept, dict) and all(isinstance(part, dict) for part in kept.values())
    return kept if whole else {}
