"""Bayesian search with Gaussian processes: the baseline, an initial design, then the best
acquisition.

Imports neither numpy nor scikit-optimize before there are results, so that a preview answers at
once.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, field_validator
from typing_extensions import override

from paddle_transfer.config.rules import broken
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import did_you_mean
from paddle_transfer.samplers.base import Observation, PastTask, PosteriorSummary, SamplerContext
from paddle_transfer.samplers.common import (
    SamplerBase,
    Trials,
    exhausted,
    own_point,
    valid_observations,
)
from paddle_transfer.samplers.gp.initial_design import initial_point
from paddle_transfer.samplers.gp.past_tasks import shipped
from paddle_transfer.space.space import Point, Space

#: Acquisition functions: knowledge gradient; expected improvement, its logarithm (the same order,
#: never flat), probability of improvement, upper confidence bound of the metric (the lower one of
#: the loss: both names stand for it).
ACQUISITIONS = ("kg", "ei", "logei", "pi", "ucb", "lcb")


#: So many trainings come before the model places any: the fixed point, then a decade of the rate
#: to either side. By one result alone the model would go to an end of the axis, where networks that
#: begin from real weights end at chance. With earlier tasks it soon knows more.
PLACED, PLACED_KNOWING, PLACED_ALIKE = 3, 2, 1


class BayesOptions(Options):
    """``acquisition``: one of ``ACQUISITIONS``, in any case."""

    acquisition: str = Field(
        "kg", json_schema_extra={"enum": ["KG", "EI", "logEI", "PI", "LCB", "UCB", *ACQUISITIONS]})

    @field_validator("acquisition")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.lower() not in ACQUISITIONS:
            hint = did_you_mean(value.lower(), ACQUISITIONS)
            raise broken(f"there is no '{value}'", "", hint)
        return value.lower()


class BayesSampler(SamplerBase):
    """A ``PosteriorSampler``: the maximum of the acquisition over the points that were not tried.

    Failed trials are left out (but not tried again). Diverged ones are modelled as worse than all
    others, up to the largest learning rate. Running points are modelled as if they had ended with
    their predicted mean (kriging believer). With ``allow_repeats`` a tried point is a candidate
    like others: a second seed may tell more than a new point.
    """

    name = "bayes"
    options = BayesOptions
    has_posterior = True

    def __init__(self, context: SamplerContext | None = None, *, acquisition: str = "kg"):
        super().__init__(context)
        self.acquisition = acquisition

    @classmethod
    @override
    def build(cls, options: Options, context: SamplerContext) -> BayesSampler:
        assert isinstance(options, BayesOptions)
        return cls(context, acquisition=options.acquisition)

    @property
    def tasks(self) -> tuple[PastTask, ...]:
        """The earlier tasks that it learns from."""
        return self.context.past_tasks + (shipped() if self.context.prior == "shipped" else ())

    def _begins(self, space: Space, results: Sequence[Observation]) -> bool:
        """Whether the model knows too little to place a training."""
        known = [task.alike for task in self.tasks if set(task.points[0]) & set(space.names)]
        placed = PLACED if not known else PLACED_ALIKE if any(known) else PLACED_KNOWING
        return len(results) < placed or all(o.state == "diverged" for o in results)

    @override
    def propose(self, trials: Trials) -> Point | None:
        space, results = trials.space, valid_observations(trials.space, trials.finished)
        if self._begins(space, results):
            tried = [o.point for o in trials.finished if space.contains(o.point)]
            point = initial_point(space, [*tried, *trials.running], seed=trials.seed,
                                  count=trials.count, baseline=self.context.baseline)
            if point is not None:
                return point
        if not results or exhausted(space, trials.excluded):  # all failed, or all are running
            return trials.untaken() or space.point(trials.count % (space.size or 1))
        from paddle_transfer.samplers.gp.model import model_of  # late: numpy, scikit-optimize
        from paddle_transfer.samplers.gp.proposal import next_point
        from paddle_transfer.samplers.gp.threads import one_thread
        running = [point for point in trials.running if space.contains(point)]
        with one_thread():
            model = model_of(space, results, running, tasks=self.tasks,
                             baseline=self.context.baseline, eval_size=self.context.eval_size,
                             hyperprior=self.context.hyperprior)
            return own_point(space, next_point(trials, model, acquisition=self.acquisition))

    def posterior(self, space: Space, finished: Sequence[Observation], *, seed: int = 0,
                  gain: bool = True) -> PosteriorSummary | None:
        """As ``PosteriorSampler.posterior``."""
        from paddle_transfer.samplers.gp.termination import posterior_summary  # late, too
        return posterior_summary(space, finished, tasks=self.tasks, seed=seed, gain=gain,
                                 eval_size=self.context.eval_size, baseline=self.context.baseline,
                                 hyperprior=self.context.hyperprior)
