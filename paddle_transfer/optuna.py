"""``TransferSampler``: the Bayesian sampler of this package for any Optuna study."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from paddle_transfer.samplers.base import Observation, Sampler
from paddle_transfer.samplers.common import generator
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.samplers.tables import choice_of
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Range, Value
from paddle_transfer.space.space import Point, Space

#: Float and integer parameters with a step and up to so many values are choices; others are ranges,
#: rounded.
_MOST_CHOICES = 1000

_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


class TransferSampler(BaseSampler):
    """The Gaussian process sampler of ``search_mode: bayes`` in a plain Optuna study.

    It works on the parameters that all finished trials have in common (the intersection search
    space), from the second trial on; other parameters are drawn at random. It needs one objective,
    which may be maximised or minimised; metrics in 0..1 are modelled as proportions (an error rate
    that is minimised as one minus it). Parameters with the names of our own hyperparameters
    (``lr``, ``l2_decay``, ``mixup``, ...) have their known priors. Every suggestion depends on the
    study's trials and the seed only. When all points of a finite space are evaluated, the most
    promising ones come again.

    :param prior: ``shipped``: it knows the tasks that ship with the package, image classification
        by transfer; ``none``: it does not
    :param baseline: the parameters of the first trial, for example those in use today
    :param seed: None: a random one

    Example::

        import optuna
        from paddle_transfer.optuna import TransferSampler

        def objective(trial):
            lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
            mixup = trial.suggest_categorical("mixup", [False, True])
            return train_and_evaluate(lr, mixup)  # an accuracy in 0..1

        sampler = TransferSampler(prior="shipped", baseline={"lr": 0.01, "mixup": False}, seed=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(objective, n_trials=20)
    """

    def __init__(self, *, prior: str = "none", baseline: Mapping[str, Value] | None = None,
                 seed: int | None = None):
        make_sampler("bayes", prior=prior)  # raises PaddleTransferError for an unknown prior
        self._prior, self._baseline = prior, dict(baseline) if baseline is not None else None
        self._seed = random.SystemRandom().getrandbits(31) if seed is None else seed

    @override
    def infer_relative_search_space(self, study: Study, trial: FrozenTrial
                                    ) -> dict[str, BaseDistribution]:
        """The intersection of the finished trials' spaces, or of the running ones' while none is
        finished."""
        trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        finished = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        used = finished or [t for t in trials if t.distributions]
        shared = set.intersection(*(set(t.distributions.items()) for t in used)) if used else set()
        return {name: one for name, one in sorted(shared, key=lambda pair: pair[0])
                if not one.single()}

    @override
    def sample_relative(self, study: Study, trial: FrozenTrial,
                        search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """The parameters of the next point; the first one is the baseline."""
        if not search_space:
            return {}
        space = Space(tuple(_hyperparameter(name, one) for name, one in search_space.items()))
        finished, running = _observations(study, trial, space, search_space)
        point = None
        for allow_repeats in (False, True):  # again when all points were evaluated
            point = point or self._sampler(space, allow_repeats).suggest(
                space, finished, running, seed=self._seed)
        assert point is not None, "with repeats there is always a point"
        return {name: _on_grid(point[name], one) for name, one in search_space.items()}

    @override
    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str,
                           param_distribution: BaseDistribution) -> Any:
        """The baseline's value in the first trial; a random one in others."""
        hyperparameter = _hyperparameter(param_name, param_distribution)
        if trial.number == 0 and self._baseline is not None and param_name in self._baseline:
            value = self._baseline[param_name]
            if not hyperparameter.contains(value):
                raise ValueError(f"the baseline's {param_name} = {value!r} is not in the space: "
                                 f"{param_distribution}")
        else:
            value = hyperparameter.sample(generator(self._seed, trial.number, param_name))
        return _on_grid(value, param_distribution)

    @override
    def reseed_rng(self) -> None:
        """Nothing to do: random numbers depend on the seed and the trial's number."""

    def _sampler(self, space: Space, allow_repeats: bool) -> Sampler:
        known = self._baseline
        baseline = {name: known[name] for name in space.names if name in known} if known else None
        return make_sampler("bayes", baseline=baseline, allow_repeats=allow_repeats,
                            prior=self._prior)


def _observations(study: Study, trial: FrozenTrial, space: Space,
                  search_space: Mapping[str, BaseDistribution]
                  ) -> tuple[list[Observation], list[Point]]:
    """(finished trials, points of the other running ones), of those that have all parameters."""
    if len(study.directions) > 1:
        raise ValueError("TransferSampler needs a study with one objective")
    trials = [t for t in study.get_trials(deepcopy=False)
              if t.number != trial.number and search_space.keys() <= t.params.keys()]
    metric = _metric(study.direction, trials)
    first_step = min((step for t in trials for step in t.intermediate_values), default=1)
    finished, running = [], []
    for t in trials:
        point = {name: _on_grid(t.params[name], one) for name, one in search_space.items()}
        if not space.contains(point):
            continue
        if t.state in _STATES:
            value = None if t.values is None else metric(t.values[0])
            curve = tuple((step - min(first_step, 1) + 1, metric(one))
                          for step, one in sorted(t.intermediate_values.items()))
            if t.state == TrialState.COMPLETE and value not in dict(curve).values():
                curve = ()  # something else was reported
            finished.append(Observation(t.number, point, value, _STATES[t.state], curve))
        elif t.state == TrialState.RUNNING:
            running.append(point)
    return finished, running


def _metric(direction: StudyDirection, trials: Sequence[FrozenTrial]) -> Callable[[float], float]:
    """From an objective's value to a metric to be maximised, in 0..1 where the values are."""
    if direction != StudyDirection.MINIMIZE:
        return float
    values = [value for t in trials
              for value in (*(t.values or ()), *t.intermediate_values.values())]
    proportion = all(0.0 <= value <= 1.0 for value in values)
    return (lambda value: 1.0 - value) if proportion else (lambda value: -value)


def _hyperparameter(name: str, distribution: BaseDistribution) -> Hyperparameter:
    """The hyperparameter with the values of an Optuna distribution, which may have one value
    only."""
    if isinstance(distribution, CategoricalDistribution):
        return choice_of(name, distribution.choices)
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    low, high, step = distribution.low, distribution.high, distribution.step
    whole = isinstance(distribution, IntDistribution)
    count = 1 if low == high else round((high - low) / step) + 1 if step else math.inf
    if count == 1 or (count <= _MOST_CHOICES and not (whole and step == 1)):
        return Choice(name, tuple(_on_grid(low + i * (step or 0), distribution)
                                  for i in range(int(count))))
    return Range(name, low, high, log=distribution.log, integer=whole)


def _on_grid(value: Value, distribution: BaseDistribution) -> Value:
    """``value``, rounded to the step of its distribution."""
    if not isinstance(distribution, (FloatDistribution, IntDistribution)) or not distribution.step:
        return value
    low, step = distribution.low, distribution.step
    return min(low + round((value - low) / step) * step, distribution.high)
