"""The stages after a greedy search: the best of several teachers is trained with the values found,
then a student that learns from it; as PaddleClas's ``tools/search_strategy.py`` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer.errors import SearchFailed, StudyError
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.greedy import GreedySearch, best_point
from paddle_transfer.stages.plan import COLUMNS, Distillation, Plan, final_config, teacher_config
from paddle_transfer.study.history import observations
from paddle_transfer.study.records import Proposal, Stage, TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder

#: What result files show for no teacher.
NO_TEACHER = "-"


@dataclass(frozen=True, kw_only=True)
class DistilledSearch(GreedySearch):
    """A greedy search, its teachers, and the student that ends it."""

    distillation: Distillation

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.space.names, *COLUMNS)

    def shown(self, proposal: Proposal) -> Point:
        teacher, stage = COLUMNS
        return {**proposal.point, teacher: proposal.teacher or NO_TEACHER,
                stage: proposal.stage.value}

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
        if left or not all(record.finished for record in records):
            return left[0] if left else None
        best = self._best(teachers, records)
        student = Proposal(point, Stage.FINAL, best.teacher if best else None)
        no_source = best is None and len(teachers) > 0
        return None if no_source or student.key(self.space) in begun else student

    def why_done(self, records: Sequence[TrialRecord]) -> str | None:
        tried = [record for record in records if record.stage is Stage.TEACHER]
        if tried and not any(record.complete for record in tried):
            return "no teacher could be trained, so there is nothing to distil from"
        return f"{super().why_done(records)} and the student was distilled"

    def times(self, proposal: Proposal) -> int:
        return super().times(proposal) if proposal.stage is Stage.SEARCH else 1

    def needed_weights(self, records: Sequence[TrialRecord]) -> set[int]:
        """Of all teachers until the best is known, then of that one."""
        students = [record.proposal for record in records if record.stage is Stage.FINAL]
        if not students:
            return {record.number for record in records if record.stage is Stage.TEACHER}
        teachers = [self._teacher_of(student, records) for student in students]
        return {teacher.number for teacher in teachers if teacher is not None}

    def check_weights(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        weights = self._teacher_weights(record.proposal, records) + ".pdparams"
        needed = record.stage is Stage.FINAL and record.teacher is not None
        if needed and not os.path.isfile(weights):
            raise StudyError(
                f"{weights}: the weights of the teacher {record.teacher} must be there for the "
                "final run, but they are gone. Put them back, or start anew with --fresh")

    def check_end(self, records: Sequence[TrialRecord]) -> None:
        for stage, what in ((Stage.FINAL, "the final distillation"),
                            (Stage.TEACHER, "every teacher")):
            ended = [record for record in records if record.stage is stage and record.finished]
            if ended and not any(record.complete for record in ended):
                last = ended[-1]
                raise SearchFailed(
                    f"{what} failed. Trial {last.number}: {last.info.get('reason', last.state)} "
                    f"(log: {TrialFolder.of(self.output_dir, last.number).log}). "
                    f"What was found before is in {self.output_dir}")

    def _edited(self, proposal: Proposal, records: Sequence[TrialRecord]) -> dict[str, Any]:
        point, teacher = proposal.point, proposal.teacher
        if proposal.stage is Stage.FINAL:
            return final_config(self.keys, self.distillation, point, teacher=teacher,
                                weights=self._teacher_weights(proposal, records))
        if proposal.stage is Stage.TEACHER and teacher is not None:
            return teacher_config(self.base, self.keys, self.distillation, point, teacher)
        return super()._edited(proposal, records)

    def _teacher_weights(self, student: Proposal, records: Sequence[TrialRecord]) -> str:
        """The path, without ``.pdparams``, of the weights that ``student`` learns from."""
        trial = self._teacher_of(student, records)
        folder = TrialFolder.of(self.output_dir, trial.number if trial else "NNNN")
        return str(folder.weights.with_suffix(""))

    def _teacher_of(self, student: Proposal, records: Sequence[TrialRecord]) -> TrialRecord | None:
        return self._best([replace(student, stage=Stage.TEACHER)], records)

    def _best(self, proposals: Sequence[Proposal],
              records: Sequence[TrialRecord]) -> TrialRecord | None:
        """The complete training of one of ``proposals`` with the best metric."""
        wanted = {proposal.key(self.space) for proposal in proposals}
        done = [record for record in records if record.complete and record.reused is None
                and record.key(self.space) in wanted]
        return max(done, key=lambda record: record.value or 0.0, default=None)


def make_stages(*, base: dict[str, Any], keys: tuple[SearchKey, ...], space: Space, output_dir: str,
                seed: int = 0, search_times: int = 1, plan: Plan | None = None,
                distillation: Distillation | None = None, rate_factor: int = 1) -> SearchStages:
    """The stages of a search: one, or with a ``plan`` those of a greedy search."""
    common: dict[str, Any] = {"base": base, "keys": keys, "space": space, "output_dir": output_dir,
                              "seed": seed, "search_times": search_times,
                              "rate_factor": rate_factor}
    if plan is None:
        return SearchStages(**common)
    if distillation is None:
        return GreedySearch(plan=plan, **common)
    return DistilledSearch(plan=plan, distillation=distillation, **common)
