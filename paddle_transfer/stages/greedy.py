"""One key at a time, keeping the best value: PaddleClas's ``tools/search_strategy.py``."""
# ruff: noqa: ARG002, ARG003 (methods take the arguments of the protocols)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from paddle_transfer.config.validation import Options
from paddle_transfer.samplers.base import Observation, RegisteredSampler, SamplerContext
from paddle_transfer.samplers.common import finished_keys, keys
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.plan import Plan, applied
from paddle_transfer.study.records import Proposal, TrialRecord, TrialState


class GreedySampler(RegisteredSampler):
    """The values of one key may be trained at the same time; the next key waits for all of them.
    Which key it is follows from the trials."""

    name = "greedy"
    needs_finite_space = uses_stages = True
    supports_repeats = supports_baseline = False

    def __init__(self, plan: Plan):
        self.plan = plan

    @classmethod
    def build(cls, options: Options, context: SamplerContext) -> GreedySampler:
        """``options`` are none; ``context.plan`` is needed."""
        assert isinstance(context.plan, Plan), "a greedy search needs its plan"
        return cls(context.plan)

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``; also None while the last trainings of a key run."""
        busy, point = keys(space, running), self.plan.first
        taken = finished_keys(space, finished) | busy
        for key in self.plan.keys:
            candidates = self.plan.candidates(point, key)
            left = [one for one in candidates if space.key(one) not in taken]
            if left or any(space.key(one) in busy for one in candidates):
                return left[0] if left else None
            point = best_of(space, candidates, finished) or point
        return None


def best_point(plan: Plan, space: Space, finished: Sequence[Observation]) -> Point:
    """The point with the best value of each key, once all of them have been searched."""
    point = plan.first
    for key in plan.keys:
        point = best_of(space, plan.candidates(point, key), finished) or point
    return point


def best_of(space: Space, candidates: Sequence[Point],
            finished: Sequence[Observation]) -> Point | None:
    """The candidate with the best mean over its completed trainings; of equals the first, as in
    PaddleClas. None when none has completed: PaddleClas would go on with a value that failed."""
    values: dict[str, list[float]] = {}
    for one in finished:
        if one.state == TrialState.COMPLETE and one.value is not None:
            values.setdefault(space.key(one.point), []).append(one.value)
    means = {key: sum(found) / len(found) for key, found in values.items()}
    done = [point for point in candidates if space.key(point) in means]
    return max(done, key=lambda point: means[space.key(point)], default=None)


@dataclass(frozen=True, kw_only=True)
class GreedySearch(SearchStages):
    """A greedy search without a distillation. Trainings are compared at their full length, so none
    is pruned. Points may leave keys as the base config has them."""

    supports_pruning: ClassVar[bool] = False

    plan: Plan

    def why_done(self, records: Sequence[TrialRecord]) -> str | None:
        count = len(self.plan.keys)
        return "the only key was searched" if count == 1 else f"all {count} keys were searched"

    def _edited(self, proposal: Proposal, records: Sequence[TrialRecord]) -> dict[str, Any]:
        return applied(self.base, self.keys, proposal.point)
