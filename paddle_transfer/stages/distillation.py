"""The config of any trial, and the teacher and the final run that end a greedy search of PaddleClas's kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.errors import SearchFailed, StudyError
from paddle_transfer.space.catalog import apply_point
from paddle_transfer.space.space import Point
from paddle_transfer.stages.plan import (
    NO_TEACHER,
    STAGE,
    TEACHER,
    applied,
    final_config,
    stage_of,
    teacher_config,
)
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.study.records import TrialRecord

#: The weights of a trial's best epoch, as the worker writes them, without ``.pdparams``.
WEIGHTS = "best_model"


def point_config(settings: Any, point: Point, *, records: Sequence[TrialRecord] = ()) -> dict:
    """The PaddleClas config that trains ``point``; not yet a trial's own (``config.base.for_trial``). Its pretrained
    weights are the file that the search prepares (``search.weights``).

    :param records: the final run of a distillation finds its teacher's weights among them
    """
    return pretrained.for_search(raw_config(settings, point, records=records), settings.output_dir)


def raw_config(settings: Any, point: Point, *, records: Sequence[TrialRecord] = ()) -> dict:
    """``point_config`` with the weights as the user asks for them, edited by its strategy."""
    return apply_strategy(_config_of(settings, point, records))


def _config_of(settings: Any, point: Point, records: Sequence[TrialRecord]) -> dict:
    if getattr(settings, "plan", None) is None:
        return apply_point(settings.base_config, settings.keys, point)
    stage = stage_of(point)
    if stage == "search":
        return applied(settings.base_config, settings.keys, point)
    if stage == "teacher":
        return teacher_config(settings.base_config, settings.keys, settings.distillation, point)
    return final_config(settings.keys, settings.distillation, point, weights=teacher_weights(
        settings, point, records))


def teacher_weights(settings: Any, point: Point, records: Sequence[TrialRecord]) -> str:
    """Where the weights of the teacher of the final run ``point`` are (a path without ``.pdparams``), whether they are
    there yet or not."""
    if point[TEACHER] == NO_TEACHER:
        return ""
    teacher = teacher_trial(settings, point, records)
    name = f"{teacher.number:04d}" if teacher else "NNNN"
    return str(Path(settings.output_dir) / "trials" / name / WEIGHTS)


def teacher_trial(settings: Any, point: Point,
                  records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The training of the teacher that the final run ``point`` learns from."""
    wanted = settings.space.key({**point, STAGE: "teacher"})
    done = [record for record in records if record.state == "complete" and record.reused is None
            and settings.space.key(record.point) == wanted]
    return max(done, key=lambda record: record.value, default=None)


def needed_weights(settings: Any, records: Sequence[TrialRecord]) -> set[int]:
    """The trials whose weights must stay: every teacher until the best is known, then that of the final run."""
    if getattr(settings, "distillation", None) is None:
        return set()
    finals = [record for record in records if stage_of(record.point) == "final"]
    if not finals:
        return {record.number for record in records if stage_of(record.point) == "teacher"}
    teachers = [teacher_trial(settings, record.point, records) for record in finals]
    return {teacher.number for teacher in teachers if teacher is not None}


def check_weights(settings: Any, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
    """Raises StudyError when ``record`` is to learn from a teacher whose weights are gone."""
    if stage_of(record.point) != "final" or record.point[TEACHER] == NO_TEACHER:
        return
    weights = teacher_weights(settings, record.point, records) + ".pdparams"
    if not Path(weights).is_file():
        raise StudyError(
            f"{weights}: the weights of the teacher {record.point[TEACHER]} must be there for the final "
            "run, but they are gone. Put them back, or start anew with --fresh")


def check_end(settings: Any, records: Sequence[TrialRecord]) -> None:
    """Raises SearchFailed when the search was to end with a distillation and it, or all its teachers, failed."""
    for stage, what in (("final", "the final distillation"), ("teacher", "every teacher")):
        ended = [
            record for record in records if stage_of(record.point) == stage and record.finished
        ]
        if ended and not any(record.state == "complete" for record in ended):
            last = ended[-1]
            tail = str(last.info.get("log_tail", "")).strip()
            end = f"\nThe end of its log:\n{tail}" if tail else ""
            raise SearchFailed(
                f"{what} failed. Trial {last.number}: {last.info.get('reason', last.state)}. What was "
                f"found before is in {settings.output_dir}{end}")
