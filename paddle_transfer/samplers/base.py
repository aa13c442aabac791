"""Samplers propose the next point: the protocol, and what a registered sampler says of itself.

A sampler is a function of (space, finished, running, seed): it keeps no state of its own, so that
resuming a search and running trials in parallel need nothing special. Its conformance suite is
``tests.helpers.sampler_suite``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from paddle_transfer.config.validation import Options
from paddle_transfer.space.space import Point, Space

#: ``stop: auto`` ends no search before so many evaluated points.
LEAST_TRIALS = 7
#: Going on is not worth a training where it is expected to gain less than this share of the noise
#: of one: there ``stop: auto`` ends a search.
NOISE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Observation:
    """One evaluated point.

    :param number: of the trial
    :param value: the metric, to be maximised (0..1 for an accuracy); None where there is none
    :param state: ``complete``, ``pruned``, ``diverged`` (the loss became NaN or infinite) or
        ``failed`` (crashed or timed out: it says nothing about the point)
    :param curve: (epoch, value) in epoch order, epochs from 1
    """

    number: int
    point: Point
    value: float | None
    state: str = "complete"
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class PastTask:
    """The results of an earlier task: a search, or a recorded table.

    :param points: of any space; the hyperparameters that it shares with a new search are used
    :param values: of the points, to be maximised: log-odds, or standardised where no proportions
    :param images: that its metric was measured on; None where that is not known
    :param alike: the user says that the new task is like it (``warm_start``)
    """

    name: str
    points: tuple[Point, ...]
    values: tuple[float, ...]
    images: int | None = None
    alike: bool = True


@dataclass(frozen=True)
class PosteriorSummary:
    """What a model of the results says of a search.

    :param winner: the tried point with the largest posterior mean: not the luckiest one
    :param gain: the largest expected improvement over it among untried points, in metric units
    :param tolerance: the gain that is not worth a trial: ``NOISE_SHARE`` of ``noise``
    :param noise: standard deviation of one training around its point's true value, in metric units
    :param evaluated: the number of points with a result
    :param estimates: posterior means of the metric at the points that may win, by ``Space.key``:
        the expected end of a training, a little below the best epoch that a trial reports
    """

    winner: Point
    gain: float
    tolerance: float
    noise: float
    evaluated: int
    estimates: Mapping[str, float] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether ``stop: auto`` ends the search."""
        return self.evaluated >= LEAST_TRIALS and self.gain < self.tolerance

    def going_on(self, *, in_points: bool = True) -> str:
        """What one more training is worth, for people: the gain in percentage points, or in the
        metric's own units."""
        unit, scale = (" points", 100) if in_points else ("", 1)
        return (f"one more training is expected to gain {scale * self.gain:.2f}{unit}; the noise "
                f"of one seed is {scale * self.noise:.2f}{unit}")


class Sampler(Protocol):
    """Proposes points.

    Duties: the same arguments give the same answer in any process; it is a point of the space, made
    of the space's own values; no point in ``running`` is proposed while another one is left.
    """

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """The next point, or None when every point of a finite space is finished or running.

        :param finished: in trial-number order; the same point again is a repeat with another seed
        :param running: points in training
        :param seed: the study's; random numbers depend on it and on the number of points so far
        """
        ...


class PosteriorSampler(Sampler, Protocol):
    """A sampler with ``has_posterior``: it models the results, and says which point is best."""

    def posterior(self, space: Space, finished: Sequence[Observation], *, seed: int = 0,
                  gain: bool = True) -> PosteriorSummary | None:
        """The model's summary of the finished trials; None while not one of them is complete.

        :param gain: False: it is not computed (and infinite); 100,000 points take seconds
        """
        ...


@dataclass(frozen=True)
class SamplerContext:
    """What a search tells its sampler beside the sampler's own options.

    :param baseline: the point to try first
    :param allow_repeats: evaluated points may be proposed again, so a search has no end of points
    :param eval_size: images that the metric is measured on; None: not known
    :param prior: ``shipped``: the tasks that ship with the package are known as well; ``none``
    :param past_tasks: earlier tasks to learn from
    :param hyperprior: what a model believes of its parameters (``gp.hyperprior``); None: the fitted
        one of the package
    :param plan: the steps of a search with stages
    """

    baseline: Point | None = None
    allow_repeats: bool = False
    eval_size: int | None = None
    prior: str = "none"
    past_tasks: tuple[PastTask, ...] = ()
    hyperprior: Mapping[str, tuple[float, float]] | None = None
    plan: object | None = None


class RegisteredSampler(ABC):
    """A sampler that a search file can name: its class is in ``registry.SAMPLERS``.

    ``options`` is the model of its options, ``build`` makes it. The other attributes say:

    - ``needs_finite_space``: it refuses continuous ranges
    - ``has_posterior``: it is a ``PosteriorSampler``, and learns from earlier tasks
    - ``supports_repeats``: with ``allow_repeats`` it may propose evaluated points again
    - ``supports_baseline``: it begins with the baseline
    - ``uses_stages``: it follows a plan with steps (``stages``)
    - ``exhaustive``: it proposes every point once, in the order of the space, the baseline first
    - ``uses_results``: what it proposes depends on results
    """

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    needs_finite_space: ClassVar[bool] = False
    has_posterior: ClassVar[bool] = False
    supports_repeats: ClassVar[bool] = True
    supports_baseline: ClassVar[bool] = True
    uses_stages: ClassVar[bool] = False
    exhaustive: ClassVar[bool] = False
    uses_results: ClassVar[bool] = True

    @classmethod
    def max_trials(cls, space: Space) -> int | None:
        """How many points a search in ``space`` tries by default; None: the usual number."""
        return space.size if cls.exhaustive else None

    @classmethod
    @abstractmethod
    def build(cls, options: Options, context: SamplerContext) -> Sampler:
        """The sampler; ``options`` is an instance of the class's ``options``."""

    @abstractmethod
    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``."""
