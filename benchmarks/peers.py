"""What others do, behind the same door: scikit-optimize's Optimizer, Optuna's TPE, Gaussian process
and Hyperband, HEBO. ``gp_peers`` has Gaussian processes, ``published`` settings without a search.

All with their defaults, told the metric of the last epoch; they choose the best value seen.
Hyperband tells TPE the value at which a trial was stopped.
"""

from __future__ import annotations

import warnings

import numpy

from paddle_transfer.errors import SetupError
from paddle_transfer.space.hyperparameter import Hyperparameter, value_key
from paddle_transfer.space.space import Point, Space


class Best:
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


class SkoptSearcher(Best):
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


class OptunaSearcher(Best):
    """Optuna with its defaults.

    :param sampler: ``TPESampler``, or ``GPSampler``, which needs torch and is told the place of a
        number in its list: a logarithmic axis where the list is one
    :param hyperband: with its HyperbandPruner
    :raises SetupError: without Optuna or torch
    """

    def __init__(self, space: Space, *, fixed: Point | None, seed: int, epochs: int,
                 sampler: str = "TPESampler", hyperband: bool = False):
        super().__init__(space)
        self._by_place = sampler == "GPSampler"
        try:
            import optuna
            if self._by_place:
                import torch  # noqa: F401  # Optuna would say so at the eleventh trial
        except ImportError as error:
            raise SetupError(f"this peer needs {error.name}: pip install {error.name}") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        pruner = optuna.pruners.HyperbandPruner(
            1, epochs) if hyperband else optuna.pruners.NopPruner()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a peer's own affair: it is experimental
            self._study = optuna.create_study(
                direction="maximize", sampler=getattr(optuna.samplers, sampler)(seed=seed),
                pruner=pruner)
        if fixed is not None:
            self._study.enqueue_trial(
                {h.name: self._codes(h)[h.index(fixed[h.name])] for h in space.hyperparameters})
        self._open: list[tuple[Point, object]] = []

    def _codes(self, h: Hyperparameter) -> list:
        """What Optuna is told in the place of each value: its categories must be plain values."""
        if self._by_place and h.ordered:
            return list(range(h.size))
        return [value if isinstance(value, (bool, int, float, str, type(None))) else
                value_key(value) for value in h.values]

    def ask(self) -> Point | None:
        trial, point = self._study.ask(), {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for h in self.space.hyperparameters:
                codes = self._codes(h)
                code = (trial.suggest_int(h.name, 0, h.size - 1) if self._by_place and h.ordered
                        else trial.suggest_categorical(h.name, codes))
                point[h.name] = h.at(codes.index(code))
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


class HeboSearcher(Best):
    """HEBO with its defaults; a number is told by its place in its list."""

    def __init__(self, space: Space, *, fixed: Point | None, seed: int):
        super().__init__(space)
        try:
            import torch
            from hebo.design_space.design_space import DesignSpace
            from hebo.optimizers.hebo import HEBO
        except ImportError:
            raise SetupError("this peer needs HEBO: pip install HEBO") from None
        torch.manual_seed(seed)
        self._first = fixed
        self._optimizer = HEBO(DesignSpace().parse([
            {"name": h.name, "type": "int", "lb": 0, "ub": h.size - 1} if h.ordered else
            {"name": h.name, "type": "cat", "categories": [str(i) for i in range(h.size)]}
            for h in space.hyperparameters]), scramble_seed=seed)

    def ask(self) -> Point | None:
        if self._first is not None:
            point, self._first = self._first, None
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row = self._optimizer.suggest(n_suggestions=1)
            point = {h.name: h.at(int(row[h.name].iloc[0])) for h in self.space.hyperparameters}
        return point

    def tell(self, point: Point, curve, pruned: bool) -> None:
        import pandas
        self.told.append((point, curve[-1][1], pruned))
        row = pandas.DataFrame({h.name: [h.index(point[h.name]) if h.ordered else
                                         str(h.index(point[h.name]))]
                                for h in self.space.hyperparameters})
        self._optimizer.observe(row, numpy.array([[-curve[-1][1]]]))
