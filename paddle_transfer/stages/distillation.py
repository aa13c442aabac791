"""The stages after a greedy search: the best of several teachers is trained with the values found,
then a student that learns from it; as PaddleClas's ``tools/search_strategy.py`` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer.errors import SearchFailed, StudyError
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.greedy import GreedySearch, best_point
from paddle_transfer.stages.plain import PlainSearch
from paddle_transfer.stages.plan import COLUMNS, Distillation, Plan, final_config, teacher_config
from paddle_transfer.study.records import Proposal, Stage, TrialRecord, observations
from paddle_transfer.study.trial_folder import TrialFolder

#: What result files show for no teacher.
NO_TEACHER = "-"


@dataclass(frozen=True, kw_only=True)
class DistilledSearch(GreedySearch):
    """``SearchStages`` of a greedy search, its teachers and the student that ends it."""

    distillation: Distillation

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.space.names, *COLUMNS)

    def shown(self, proposal: Proposal) -> Point:
        values = (proposal.teacher or NO_TEACHER, proposal.stage.value)
        return {**proposal.point, **dict(zip(COLUMNS, values, strict=True))}

    def propose(self, records: Sequence[TrialRecord], sampler: Sampler) -> Proposal | None:
        """As ``SearchStages.propose``. Teachers may be trained at the same time; the student waits
        for all of them, and is not trained when all have failed."""
        proposal = super().propose(records, sampler)
        finished, running = observations(records)
        if proposal is not None or running:
            return proposal
        point = best_point(self.plan, self.space, finished)
        begun = {record.key(self.space) for record in records}
        teachers = [Proposal(point, Stage.TEACHER, name) for name in self.distillation.teachers]
        left = [one for one in teachers if one.key(self.space) not in begun]
        if left or any(not record.finished for record in records):
            return left[0] if left else None
        best = self._best_trial([one.key(self.space) for one in teachers], records)
        student = Proposal(point, Stage.FINAL, best.teacher if best else None)
        impossible = teachers and best is None  # without a teacher there is nothing to distil
        return None if impossible or student.key(self.space) in begun else student

    def why_done(self, records: Sequence[TrialRecord]) -> str | None:
        tried = [record for record in records if record.stage is Stage.TEACHER]
        if tried and not any(record.complete for record in tried):
            return "no teacher could be trained, so there is nothing to distil from"
        return f"{super().why_done(records)} and the student was distilled"

    def times(self, proposal: Proposal) -> int:
        return super().times(proposal) if proposal.stage is Stage.SEARCH else 1

    def _edited(self, proposal: Proposal, records: Sequence[TrialRecord]) -> dict[str, Any]:
        point, teacher = proposal.point, proposal.teacher
        if proposal.stage is Stage.SEARCH:
            return super()._edited(proposal, records)
        if proposal.stage is Stage.TEACHER:
            assert teacher is not None, "a teacher has a name"
            return teacher_config(self.base, self.keys, self.distillation, point, teacher)
        return final_config(self.keys, self.distillation, point, teacher=teacher,
                            weights=self.teacher_weights(proposal, records))

    def teacher_weights(self, student: Proposal, records: Sequence[TrialRecord]) -> str:
        """The path, without ``.pdparams``, of the weights of the teacher that ``student`` learns
        from, whether they are there yet or not; empty without a teacher."""
        if student.teacher is None:
            return ""
        trial = self._teacher_of(student, records)
        number = trial.number if trial else "NNNN"
        return str(TrialFolder.of(self.output_dir, number).weights_stem)

    def needed_weights(self, records: Sequence[TrialRecord]) -> set[int]:
        """Of all teachers until the best is known, then of that one."""
        students = [record for record in records if record.stage is Stage.FINAL]
        if not students:
            return {record.number for record in records if record.stage is Stage.TEACHER}
        teachers = [self._teacher_of(record.proposal, records) for record in students]
        return {teacher.number for teacher in teachers if teacher is not None}

    def check_weights(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        if record.stage is not Stage.FINAL or record.teacher is None:
            return
        weights = self.teacher_weights(record.proposal, records) + ".pdparams"
        if not os.path.isfile(weights):
            raise StudyError(
                f"{weights}: the weights of the teacher {record.teacher} must be there for the final "
                "run, but they are gone. Put them back, or start anew with --fresh")

    def check_end(self, records: Sequence[TrialRecord]) -> None:
        """Raises SearchFailed when the student, or all its teachers, failed."""
        for stage, what in ((Stage.FINAL, "the final distillation"),
                            (Stage.TEACHER, "every teacher")):
            ended = [record for record in records if record.stage is stage and record.finished]
            if ended and not any(record.complete for record in ended):
                last = ended[-1]
                tail = str(last.info.get("log_tail", "")).strip()
                end = f"\nThe end of its log:\n{tail}" if tail else ""
                raise SearchFailed(
                    f"{what} failed. Trial {last.number}: {last.info.get('reason', last.state)}. "
                    f"What was found before is in {self.output_dir}{end}")

    def _teacher_of(self, student: Proposal, records: Sequence[TrialRecord]) -> TrialRecord | None:
        """The training of the teacher that ``student`` learns from."""
        return self._best_trial([replace(student, stage=Stage.TEACHER).key(self.space)], records)

    def _best_trial(self, wanted: Sequence[str],
                    records: Sequence[TrialRecord]) -> TrialRecord | None:
        """The complete training with the best metric among those whose key is ``wanted``."""
        done = [record for record in records if record.complete and record.reused is None
                and record.key(self.space) in wanted]
        return max(done, key=lambda record: record.value or 0.0, default=None)


def make_stages(*, base: dict[str, Any], keys: tuple[SearchKey, ...], space: Space, output_dir: str,
                seed: int = 0, search_times: int = 1, plan: Plan | None = None,
                distillation: Distillation | None = None) -> SearchStages:
    """The stages of a search: one, or with a ``plan`` those of a greedy search."""
    if plan is None:
        return PlainSearch(base=base, keys=keys, space=space, output_dir=output_dir, seed=seed,
                           search_times=search_times)
    if distillation is None:
        return GreedySearch(base=base, keys=keys, space=space, output_dir=output_dir, seed=seed,
                            search_times=search_times, plan=plan)
    return DistilledSearch(base=base, keys=keys, space=space, output_dir=output_dir, seed=seed,
                           search_times=search_times, plan=plan, distillation=distillation)
