"""What others do, behind the same door: scikit-optimize's Optimizer, a plain Gaussian process,
Optuna's TPE, Optuna with Hyperband.

All with their defaults, told the metric of the last epoch; they choose the best value seen.
Hyperband tells TPE the value at which a trial was stopped.
"""

from __future__ import annotations

import warnings

import numpy

from paddle_transfer.errors import SetupError
from paddle_transfer.space.hyperparameter import value_key
from paddle_transfer.space.space import Point, Space


class _Best:
    """Remembers what was told; chooses the best whole training."""

    def __init__(self, space: Space):
        self.space = space
        self.told: list[tuple[Point, float, bool]] = []

    def watch(self, _point: Point, _epoch: int, _value: float) -> bool:
        return False

    def chosen(self) -> Point:
        whole = [entry for entry in self.told if not entry[2]] or self.told
        return max(whole, key=lambda entry: entry[1])[0]

    def enough(self) -> bool:
        return False


class SkoptSearcher(_Best):
    """``skopt.Optimizer`` with its defaults, each hyperparameter a list of choices: what it makes
    of such lists by itself, since a real axis would leave the table's grid."""

    def __init__(self, space: Space, *, fixed: Point | None, seed: int):
        super().__init__(space)
        from skopt import Optimizer
        from skopt.space import Categorical
        self._first = fixed
        self._optimizer = Optimizer(
            [Categorical(list(range(h.size))) for h in space.hyperparameters], random_state=seed)

    def ask(self) -> Point | None:
        if self._first is not None:
            point, self._first = self._first, None
            return point
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a peer's own affair: it warns at each duplicate
            codes = self._optimizer.ask()
        return {h.name: h.at(int(code))
                for h, code in zip(self.space.hyperparameters, codes, strict=True)}

    def tell(self, point: Point, curve, pruned: bool) -> None:
        self.told.append((point, curve[-1][1], pruned))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._optimizer.tell([h.index(point[h.name]) for h in self.space.hyperparameters],
                                 -curve[-1][1])


class GpSearcher(_Best):
    """A plain Gaussian process: scikit-learn's, Matern 5/2 with a length per coordinate and noise
    fitted by maximum likelihood, on log scales; expected improvement over every untried point of a
    finite space. One random point after the fixed one."""

    def __init__(self, space: Space, *, fixed: Point | None, seed: int):
        super().__init__(space)
        self._first, self._seed = fixed, seed
        self._rows = numpy.array([space.encode(point) for point in space.points()])
        self._running: list[int] = []

    def ask(self) -> Point | None:
        tried = {self.space.index(point) for point, _, _ in self.told} | set(self._running)
        if self._first is not None:
            place, self._first = self.space.index(self._first), None
        elif len(tried) >= len(self._rows):
            return None
        else:
            scores = self._scores(len(tried))
            scores[list(tried)] = -numpy.inf
            place = int(numpy.argmax(scores))
        self._running.append(place)
        return self.space.point(place)

    def _scores(self, count: int):
        rng = numpy.random.default_rng([self._seed, count])
        if len(self.told) < 2:
            return rng.random(len(self._rows))
        from scipy.stats import norm
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels

        width = self._rows.shape[1]
        kernel = (kernels.ConstantKernel(1.0, (0.05, 20.0)) * kernels.Matern([0.5] * width,
                                                                             (0.05, 10.0), nu=2.5) +
                  kernels.WhiteKernel(0.01, (1e-5, 0.5)))
        values = numpy.array([value for _, value, _ in self.told])
        scaled = (values - values.mean()) / (values.std() or 1.0)
        model = GaussianProcessRegressor(kernel, random_state=self._seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a length at its bound is no news here
            model.fit(self._rows[[self.space.index(point) for point, _, _ in self.told]], scaled)
            mean, deviation = model.predict(self._rows, return_std=True)
        u = (mean - scaled.max()) / numpy.maximum(deviation, 1e-9)
        # ties (no improvement anywhere, to the last digit) are broken at random
        return deviation * (u * norm.cdf(u) + norm.pdf(u)) + 1e-12 * rng.random(len(mean))

    def tell(self, point: Point, curve, pruned: bool) -> None:
        self._running.remove(self.space.index(point))
        self.told.append((point, curve[-1][1], pruned))


class OptunaSearcher(_Best):
    """Optuna's TPE with its defaults; ``hyperband`` adds its HyperbandPruner."""

    def __init__(self, space: Space, *, fixed: Point | None, seed: int, epochs: int,
                 hyperband: bool = False):
        super().__init__(space)
        try:
            import optuna
        except ImportError:
            raise SetupError("this peer needs Optuna: pip install optuna") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        pruner = optuna.pruners.HyperbandPruner(
            1, epochs) if hyperband else optuna.pruners.NopPruner()
        self._study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)
        if fixed is not None:
            self._study.enqueue_trial(
                {name: self._code(name, value) for name, value in fixed.items()})
        self._open: list[tuple[Point, object]] = []

    def _code(self, _name: str, value):
        """Optuna's categories must be plain values; others are told by their text."""
        return value if isinstance(value, (bool, int, float, str, type(None))) else value_key(value)

    def ask(self) -> Point | None:
        trial, point = self._study.ask(), {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for h in self.space.hyperparameters:
                codes = [self._code(h.name, value) for value in h.values]
                point[h.name] = h.at(codes.index(trial.suggest_categorical(h.name, codes)))
        self._open.append((point, trial))
        return point

    def _trial(self, point: Point):
        return next(trial for mine, trial in self._open if mine == point)

    def watch(self, point: Point, epoch: int, value: float) -> bool:
        trial = self._trial(point)
        trial.report(value, epoch)
        return trial.should_prune()

    def tell(self, point: Point, curve, pruned: bool) -> None:
        trial = self._trial(point)
        self._open = [entry for entry in self._open if entry[1] is not trial]
        self.told.append((point, curve[-1][1], pruned))
        if pruned:
            self._study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)
        else:
            trial.report(curve[-1][1], curve[-1][0])
            self._study.tell(trial, curve[-1][1])
