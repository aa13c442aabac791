"""Gaussian processes as peers: plain ones, and BoTorch's. Each gives every untried point of a
finite space a score, and asks for the best."""

from __future__ import annotations

import warnings

import numpy
from numpy.typing import NDArray

from benchmarks.peers import Best
from paddle_transfer.errors import SetupError
from paddle_transfer.samplers.gp.metric_scale import log_odds
from paddle_transfer.space.space import Point, Space

Array = NDArray[numpy.float64]


class GpSearcher(Best):
    """A plain Gaussian process: scikit-learn's, Matern 5/2 with a length per coordinate and noise
    fitted by maximum likelihood, on log scales; expected improvement over every untried point of a
    finite space. One random point after the fixed one."""

    def __init__(self, space: Space, *, fixed: Point | None, seed: int):
        super().__init__(space)
        self._seed = seed
        self._first = [] if fixed is None else [space.index(fixed)]
        self._rows = numpy.array([space.encode(point) for point in space.points()])
        self._running: list[int] = []

    def ask(self) -> Point | None:
        tried = {self.space.index(point) for point, _, _ in self.told} | set(self._running)
        if self._first:
            place = self._first.pop(0)
        elif len(tried) >= len(self._rows):
            return None
        else:
            rng = numpy.random.default_rng([self._seed, len(tried)])
            scores = (rng.random(len(self._rows)) if len(self.told) < 2 else self._scores(rng))
            scores[list(tried)] = -numpy.inf
            place = int(numpy.argmax(scores))
        self._running.append(place)
        return self.space.point(place)

    def _values(self) -> Array:
        """What the process models of each trial that was told."""
        return numpy.array([value for _, value, _ in self.told])

    def _told_rows(self) -> Array:
        return self._rows[[self.space.index(point) for point, _, _ in self.told]]

    def _posterior(self) -> tuple[Array, Array, float]:
        """Mean and standard deviation at every point, and the best value told, standardised."""
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels

        width = self._rows.shape[1]
        kernel = (kernels.ConstantKernel(1.0, (0.05, 20.0)) * kernels.Matern([0.5] * width,
                                                                             (0.05, 10.0), nu=2.5) +
                  kernels.WhiteKernel(0.01, (1e-5, 0.5)))
        values = self._values()
        scaled = (values - values.mean()) / (values.std() or 1.0)
        model = GaussianProcessRegressor(kernel, random_state=self._seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a length at its bound is no news here
            model.fit(self._told_rows(), scaled)
            mean, deviation = model.predict(self._rows, return_std=True)
        return mean, deviation, float(scaled.max())

    def _scores(self, rng: numpy.random.Generator) -> Array:
        from scipy.stats import norm
        mean, deviation, best = self._posterior()
        u = (mean - best) / numpy.maximum(deviation, 1e-9)
        # ties (no improvement anywhere, to the last digit) are broken at random
        scores: Array = (deviation * (u * norm.cdf(u) + norm.pdf(u)) +
                         1e-12 * rng.random(len(mean)))
        return scores

    def tell(self, point: Point, curve, pruned: bool) -> None:
        self._running.remove(self.space.index(point))
        self.told.append((point, curve[-1][1], pruned))


class GpMeanSearcher(GpSearcher):
    """The plain process as somebody who knows fine-tuning would set it up: on log-odds; after the
    fixed point the next larger learning rate with the first flag turned, and the next smaller one
    with the second; the winner is the tried point with the largest posterior mean."""

    def __init__(self, space: Space, *, fixed: Point | None, seed: int):
        super().__init__(space, fixed=fixed, seed=seed)
        if fixed is not None and "lr" in space.names:
            rates = sorted(space["lr"].values)
            flags = [h.name for h in space.hyperparameters if set(h.values) == {False, True}]
            for number, step in enumerate((1, -1)):
                place = min(max(rates.index(fixed["lr"]) + step, 0), len(rates) - 1)
                turned = {name: not fixed[name] for name in flags[number:number + 1]}
                self._first.append(space.index({**fixed, "lr": rates[place], **turned}))

    def _values(self) -> Array:
        return numpy.array([log_odds(value) for _, value, _ in self.told])

    def chosen(self) -> Point:
        if len(self.told) < 3:
            return super().chosen()
        mean = self._posterior()[0]
        return max((point for point, _, _ in self.told),
                   key=lambda point: float(mean[self.space.index(point)]))


class BotorchSearcher(GpSearcher):
    """BoTorch's ``SingleTaskGP`` and ``qLogNoisyExpectedImprovement`` with their defaults, running
    trials pending; one random point after the fixed one.

    :raises SetupError: without BoTorch
    """

    def __init__(self, space: Space, *, fixed: Point | None, seed: int):
        super().__init__(space, fixed=fixed, seed=seed)
        try:
            import botorch  # noqa: F401
        except ImportError:
            raise SetupError("this peer needs BoTorch: pip install botorch") from None

    def _scores(self, rng: numpy.random.Generator) -> Array:
        import torch
        from botorch import acquisition, fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.sampling import SobolQMCNormalSampler
        from gpytorch.mlls import ExactMarginalLogLikelihood

        rows = torch.tensor(self._rows, dtype=torch.float64)
        told = torch.tensor(self._told_rows(), dtype=torch.float64)
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")
            torch.manual_seed(self._seed)
            model = SingleTaskGP(told, torch.tensor(self._values()[:, None]))
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            function = acquisition.qLogNoisyExpectedImprovement(
                model, told, SobolQMCNormalSampler(torch.Size([256]), seed=self._seed),
                X_pending=rows[self._running] if self._running else None)
            with torch.no_grad():
                found = function(rows[:, None, :]).numpy()
        scores: Array = found + 1e-12 * rng.random(len(found))
        return scores
