"""Bayesian search: Gaussian processes of scikit-optimize, and the best acquisition over all untried points.

Several processes with different covariances (``structure.py``) look at the same results; each counts as much as the
results speak for it. So nothing has to be fitted to two or three trials, and earlier tasks (``prior.py``) that
mislead lose their say. scikit-optimize models a loss: values are turned round once, on the way in. Nothing is kept
between two asks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.common import (
    exhausted,
    finished_keys,
    first_fixed,
    keys,
    own_point,
    untaken,
)
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import Axis, axis_of
from paddle_transfer.samplers.gp.initial_design import start_point
from paddle_transfer.samplers.gp.task_prior import PastTask, shipped
from paddle_transfer.samplers.gp.training_data import (
    TrainingData,
    learn_from,
    noise_floor,
    valid_observations,
)
from paddle_transfer.space.space import Point, Space, finite

#: Names of acquisitions: expected improvement, its logarithm (the same order, but never flat), probability of
#: improvement, upper confidence bound of the metric (the lower one of the loss: both names stand for it).
ACQUISITIONS = ("ei", "logei", "pi", "ucb", "lcb")

#: Prior odds of "like earlier tasks" against "like nothing seen", and after how many points per hyperparameter half of
#: them is left: earlier tasks know where to begin, and the new one's own results soon know better (compare the weight
#: dilution of RGPE, Feurer et al. 2018). Below ``LEAST_ODDS`` they are left out.
ODDS, HALVED, LEAST_ODDS = 2.0, 0.25, 0.01

#: An improvement counts, where the next point is chosen, from so much on (log-odds: 0.4 points at an accuracy of 0.88).
#: Without it the twins of a good point, whose improvement is small and likely, come before its untried neighbours.
MARGIN = 0.04

#: Beyond so many results, models are compared on a part of them and only the best one is used in full: n^3.
MANY = 250

#: How much work one acquisition may be: points x results x (results + 150). ``WORK`` is about two seconds of one core:
#: where all points times all models are more, the likeliest models are kept. Where one model at all points is more
#: than ``EXACT`` (100,000 points and 320 results), the points are what differs in two places from the best ones, and a
#: sample.
WORK, EXACT = 4e9, 1.5e10


class BayesSampler:
    """The fixed point, then the maximum of ``acquisition`` over what has not been tried.

    Failed trials say nothing and are left out (but not tried again); diverged ones count as worse than all others,
    up to the largest learning rate; repeats are averaged; running points count as if they had given what the model
    expects of them (kriging believer).

    :param prior: ``shipped``, ``none``, or the tasks to learn from; :param warm_start: further tasks
    :param eval_size: images that the metric is measured on; None: not known
    :raises PaddleTransferError: for an acquisition or a prior that does not exist
    """

    def __init__(self, *, fixed: Point | None = None, allow_repeats: bool = False,
                 acquisition: str = "ei", prior: str | Sequence[PastTask] = "shipped",
                 warm_start: Sequence[PastTask] = (), eval_size: int | None = None):
        self.fixed = fixed
        self.allow_repeats = allow_repeats
        self.acquisition = str(acquisition).lower()
        if self.acquisition not in ACQUISITIONS:
            raise PaddleTransferError(f"acquisition: there is no '{acquisition}'. "
                                      f"{did_you_mean(self.acquisition, ACQUISITIONS)}")
        if isinstance(prior, str) and prior not in ("shipped", "none"):
            raise PaddleTransferError(
                f"prior: there is no '{prior}'. {did_you_mean(prior, ('shipped', 'none'))}")
        self.prior = prior
        self.warm_start = tuple(warm_start)
        self.eval_size = eval_size

    @property
    def tasks(self) -> tuple[PastTask, ...]:
        if isinstance(self.prior, str):
            return self.warm_start + (shipped() if self.prior == "shipped" else ())
        return self.warm_start + tuple(self.prior)

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``; with ``allow_repeats`` there is always a point."""
        busy = keys(space, running)
        taken = finished_keys(space, finished) | busy
        if exhausted(space, taken) and not self.allow_repeats:
            return None
        fixed = first_fixed(space, self.fixed, taken)
        if fixed is not None:
            return fixed
        count = len(finished) + len(running)
        results = valid_observations(space, finished)
        if not any(observation.state != "diverged" for observation in results):
            tried = [o.point for o in finished if space.contains(o.point)]
            point = start_point(space, tried + list(running), fixed=self.fixed, seed=seed,
                                count=count)
            if point is not None:
                return point
        shut = busy if self.allow_repeats else taken
        if not results or (space.size is not None
                           and len(shut) >= space.size):  # all failed, or all are running
            return untaken(space, shut) or space.point(count % space.size)
        model = model_of(space, results, [p for p in running if space.contains(p)],
                         tasks=self.tasks, eval_size=self.eval_size)
        return own_point(space, self._best(model, space, shut, seed=seed, count=count))

    def _best(self, model: ModelAverage, space: Space, shut: set[str], *, seed: int,
              count: int) -> Point:
        import numpy
        order = numpy.argsort(-model.learnt.values, kind="stable")[:5]
        good = [model.learnt.points[i] for i in order]
        if finite(space):
            room = WORK / model.cost
            model = model.lightened(max(1, int(room / space.size)))
            if space.size <= EXACT / model.cost:
                rows = encoding.table(model.axes, space)
                places = _by_score(model.score(rows, self.acquisition))
                return next(
                    point for point in map(space.point, places) if space.key(point) not in shut)
            points = encoding.near(space, good, limit=int(room), seed=seed, count=count)
        else:
            points = encoding.sampled(space, good, seed=seed, count=count)
        best = self._first(model, space, points, shut)
        for scale in (0.05, 0.01):
            best = self._first(model, space, [best, *encoding.refined(
                space, best, seed=seed, count=count, scale=scale)], shut)
        return best

    def _first(self, model: ModelAverage, space: Space, points: list[Point],
               shut: set[str]) -> Point:
        """The best of ``points`` that is not shut; the best of all when every one is."""
        points = [point for point in points if space.key(point) not in shut] or points
        return points[_by_score(model.score(encoding.matrix(model.axes, points),
                                            self.acquisition))[0]]


def _by_score(scores) -> list[int]:
    """Places by falling score. Processors differ in the last digits: equal but for those stay in order."""
    import numpy
    step = max(1e-12, float(numpy.abs(scores).max())) * 1e-9
    return [int(i) for i in numpy.argsort(-numpy.round(scores / step), kind="stable")]


def model_of(space: Space, results: Sequence[Observation], running: Sequence[Point] = (), *,
             tasks: Sequence[PastTask] = (), eval_size: int | None = None) -> ModelAverage:
    """The models that ``results`` (at least one) speak for, conditioned on them.

    :param eval_size: how many images the metric is measured on: it sets a floor under the noise
    """
    import numpy

    from paddle_transfer.samplers.gp.model_average import members, weigh

    axes = tuple(axis_of(h) for h in space.hyperparameters)
    learnt = learn_from(space, results)
    rows, values, repeats = encoding.matrix(axes, learnt.points), learnt.values, learnt.repeats
    extra = _above_diverged(space, axes, results, learnt)
    if extra:
        rows = numpy.vstack([rows, encoding.matrix(axes, extra)])
        values = numpy.append(values, numpy.full(len(extra), values.min()))
        repeats = numpy.append(repeats, numpy.ones(len(extra)))
    odds = ODDS * 0.5 ** ((len(learnt.points) - 1) / (HALVED * len(axes)))
    chosen = weigh(members(axes, tasks if odds >= LEAST_ODDS else (), odds=odds), rows, values,
                   repeats, many=MANY, floor=noise_floor(learnt, eval_size))
    beliefs = encoding.matrix(axes, running)
    return ModelAverage(axes, learnt, tuple(running),
                        [(weight, _surrogate(structure, rows, values, repeats, beliefs))
                         for structure, weight in chosen])


def _above_diverged(space: Space, axes: Sequence[Axis], results: Sequence[Observation],
                    learnt: TrainingData) -> list[Point]:
    """The points of diverged trials at the largest learning rate: it would have diverged there as well."""
    points = {}
    for o in results:
        for axis in axes:
            if o.state == "diverged" and axis.line and axis.belief.strong:
                h = axis.hyperparameter
                point = {**o.point, h.name: max(h.values) if hasattr(h, "values") else h.high}
                points[space.key(point)] = point
    known = {space.key(point) for point in learnt.points}
    return [point for key, point in points.items() if key not in known]


@dataclass(frozen=True)
class ModelAverage:
    """Models with their weights (sum 1), on the ``learnt`` results; ``others`` are the points believed in."""

    axes: tuple[Axis, ...]
    learnt: TrainingData
    others: tuple[Point, ...]
    parts: list

    @property
    def cost(self) -> float:
        """The work of one model at one point, in multiplications."""
        results = len(self.parts[0][1].X_train_)
        return results * (results + 150)

    @property
    def noise(self) -> float:
        """The noise of one training near the best point, in units of the metric."""
        return self.learnt.slope * sum(weight * model.kernel_.structure.training_noise
                                       for weight, model in self.parts)

    def lightened(self, models: int) -> ModelAverage:
        """With the ``models`` heaviest parts only."""
        kept = sorted(self.parts, key=lambda part: -part[0])[:models]
        total = sum(weight for weight, _ in kept)
        return replace(self, parts=[(weight / total, model) for weight, model in kept])

    def mean(self, rows):
        """The expected value of every row, in the units of ``learnt.values``; noise is taken away."""
        return -sum(weight * model.predict(rows) for weight, model in self.parts)

    def improvement(self, rows):
        """By how much every row is expected to beat the best tried point, in units of the metric."""
        return self.score(rows, "ei", margin=0.0) * self.learnt.slope

    def score(self, rows, acquisition: str, *, margin: float = MARGIN):
        """The acquisition at every row, to be maximised: the models' mean, weighed."""
        import numpy
        from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi
        tried = encoding.matrix(self.axes, [*self.learnt.points, *self.others])
        total = numpy.zeros(len(rows))
        for weight, model in self.parts:
            if acquisition in ("ucb", "lcb"):
                total -= weight * gaussian_lcb(rows, model, kappa=1.0)
                continue
            best = float(model.predict(tried).min())
            if acquisition == "pi":
                total += weight * gaussian_pi(rows, model, y_opt=best, xi=0.01)
            elif acquisition == "ei":
                total += weight * gaussian_ei(rows, model, y_opt=best, xi=margin)
            else:
                total += weight * numpy.exp(_log_ei(rows, model, best - margin))
        return numpy.log(numpy.maximum(total, 1e-300)) if acquisition == "logei" else total


def _log_ei(rows, model, best: float):
    """The logarithm of expected improvement, exact where the improvement itself is no longer a number above 0."""
    import numpy
    from scipy.special import log_ndtr
    mean, deviation = model.predict(rows, return_std=True)
    u = (best - mean) / deviation
    log_pdf = -0.5 * u * u - 0.5 * math.log(2.0 * math.pi)
    # ei = deviation * pdf * (1 + u * cdf / pdf), and the bracket falls like 1 / u^2
    ratio = numpy.exp(numpy.minimum(log_ndtr(u) - log_pdf, 700.0))
    inner = numpy.where(u < -6.0, 1.0 / (u * u + 3.0), numpy.maximum(1.0 + u * ratio, 1e-300))
    return numpy.log(deviation) + log_pdf + numpy.log(inner)


@lru_cache(maxsize=1)
def _classes():
    """Kernel and process as scikit-optimize wants them; made on first use, since importing it takes a second."""
    import numpy
    from scipy.linalg import cho_solve, cholesky, solve_triangular
    from skopt.learning import GaussianProcessRegressor
    from skopt.learning.gaussian_process.kernels import Kernel

    class Covariance(Kernel):
        """A ``Kernel`` with nothing left to fit; the noise is in K(X) and not in K(X, Y), as in WhiteKernel."""

        def __init__(self, structure, repeats):
            self.structure, self.repeats = structure, repeats

        def __call__(self, X, Y=None, eval_gradient=False):
            assert not eval_gradient, "nothing is fitted"
            if Y is not None:
                return self.structure.signal(X, Y)
            return self.structure.signal(X, X) + self.structure.noise(X, self.repeats)

        def diag(self, X):
            return self.structure.variance(X)

        def is_stationary(self):
            return False

    class Surrogate(GaussianProcessRegressor):
        """A process on losses around the structure's mean; predicts in blocks through the Cholesky factor."""

        def fit(self, X, y):
            """One factorization; the base class makes four, for gradients and derivatives that nobody asks for."""
            self.kernel_, self.X_train_, self.y_train_ = self.kernel, X, y
            self.L_ = cholesky(self.kernel_(X), lower=True, check_finite=False)
            self.alpha_ = cho_solve((self.L_, True), y, check_finite=False)
            return self

        def predict(self, X, return_std=False):
            structure, means, deviations = self.kernel_.structure, [], []
            for block in numpy.array_split(X, max(1, len(X) * len(self.X_train_) // 400_000)):
                cross = self.kernel_(block, self.X_train_)
                means.append(cross @ self.alpha_ - structure.mean(block))
                if return_std:
                    half = solve_triangular(self.L_, cross.T, lower=True, check_finite=False)
                    left = self.kernel_.diag(block) - (half * half).sum(axis=0)
                    deviations.append(numpy.sqrt(numpy.maximum(left, 1e-10)))
            mean = numpy.concatenate(means)
            return (mean, numpy.concatenate(deviations)) if return_std else mean

    return Covariance, Surrogate


def _surrogate(structure, rows, values, repeats, beliefs):
    """One process conditioned on ``rows``, then on its own predictions at ``beliefs``."""
    import numpy
    covariance, surrogate = _classes()

    def conditioned(x, losses, counts):
        model = surrogate(covariance(structure, counts), alpha=0.0, optimizer=None)
        return model.fit(x, losses + structure.mean(x))

    model = conditioned(rows, -values, repeats)
    if not len(beliefs):
        return model
    return conditioned(numpy.vstack([rows, beliefs]), numpy.append(-values, model.predict(beliefs)),
                       numpy.append(repeats, numpy.ones(len(beliefs))))
