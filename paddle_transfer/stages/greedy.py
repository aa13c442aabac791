"""One key at a time, keeping the best value: the search of PaddleClas's ``tools/search_strategy.py``."""

from __future__ import annotations

from collections.abc import Sequence

from paddle_transfer.samplers.base import Observation, Options, RegisteredSampler, SamplerContext
from paddle_transfer.samplers.common import finished_keys, keys
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.plan import STAGE, TEACHER, Plan


class GreedySampler(RegisteredSampler):
    """The values of one key do not depend on each other, so they may be trained beside each other; the next key waits
    for all of them. Where it stands is read off the trials, so going on after a kill needs nothing."""

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
        """As ``Sampler.suggest``; also None while a step's last trainings are under way. ``seed`` changes nothing."""
        busy = keys(space, running)
        taken = finished_keys(space, finished) | busy
        point = self.plan.first
        for candidates in self._steps():
            here = [{**point, **change} for change in candidates]
            for candidate in here:
                if space.key(candidate) not in taken:
                    return candidate
            if any(space.key(candidate) in busy for candidate in here):
                return None
            best = best_of(space, here, finished)
            if best is None and STAGE in candidates[0]:
                return None  # without a teacher there is nothing to distil
            point = best or point
        return None

    def why(self, space: Space, finished: Sequence[Observation]) -> str:
        """Why there is no further point."""
        tried = [one for one in finished if one.point.get(STAGE) == "teacher"]
        if self.plan.teachers and tried and not any(one.state == "complete" for one in tried):
            return "no teacher could be trained, so there is nothing to distil from"
        return f"all {len(self.plan.keys)} keys were searched" + (
            " and the student was distilled" if self.plan.final else "")

    def _steps(self) -> list[list[Point]]:
        """What each step changes: its candidates, in PaddleClas's order."""
        steps = [[{key.name: value} for value in key.values] for key in self.plan.keys]
        if self.plan.teachers:
            steps.append([{TEACHER: name, STAGE: "teacher"} for name in self.plan.teachers])
        return [*steps, [{STAGE: "final"}]] if self.plan.final else steps


def best_of(space: Space, candidates: Sequence[Point],
            finished: Sequence[Observation]) -> Point | None:
    """The candidate with the best mean over its completed trainings; of equals the first, as in PaddleClas. None when
    none has completed, and then the key stays as it was: PaddleClas would go on with a value that failed."""
    values: dict[str, list[float]] = {}
    for one in finished:
        if one.state == "complete" and one.value is not None:
            values.setdefault(space.key(one.point), []).append(one.value)
    done = [candidate for candidate in candidates if space.key(candidate) in values]
    return max(done, key=lambda candidate: _mean(values[space.key(candidate)]), default=None)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
