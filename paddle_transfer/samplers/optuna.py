"""Optuna's samplers by their names there, as samplers of this package.

Every suggestion builds a study in memory from the observations, and a new seeded sampler, and asks
it: nothing is kept between two suggestions. A numeric choice is an integer parameter, its rank, so
that samplers see the order.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import operator
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial, TrialState, create_trial
from pydantic import create_model
from typing_extensions import override

from paddle_transfer.config.rules import Rule
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import PaddleTransferError, SetupError
from paddle_transfer.samplers.base import Observation, SamplerContext
from paddle_transfer.samplers.common import (
    SamplerBase,
    Trials,
    generator,
    own_point,
    valid_observations,
)
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.space import Point, Space, active_names

# Not of interest: the studies in memory, and what a sampler draws at random for want of a model.
optuna.logging.set_verbosity(optuna.logging.WARNING)
logging.getLogger("optuna.samplers").setLevel(logging.ERROR)

#: A draw is repeated this often while it hits excluded points; then the first free point is taken.
_DRAWS = 10

#: Samplers that read only the trials' parameters and values. Others keep notes in trials and study,
#: which are made again by asking them for every trial anew.
_WITHOUT_NOTES = ("BruteForceSampler", "GPSampler", "RandomSampler", "TPESampler")

#: The packages that some samplers need beside Optuna.
_PACKAGES = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}

#: The types of options that a search file can give.
#: Those whose points do not depend on results.
_BLIND = ("RandomSampler", "QMCSampler", "BruteForceSampler")

_PLAIN = {"int": int, "float": float, "bool": bool, "str": str, "None": None}


@functools.cache
def sampler_class(name: str) -> type[OptunaSampler] | None:
    """The sampler that Optuna calls ``name``; None when there is none, or when its constructor
    needs what a search file cannot give."""
    found = getattr(optuna.samplers, name, None)
    if not inspect.isclass(found) or inspect.isabstract(found):
        return None
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(found).parameters.values():
        words = [word.strip(" '") for word in str(parameter.annotation).split("|")]
        types: list[Any] = [_PLAIN[word] for word in words if word in _PLAIN]
        if parameter.name == "seed" or types in ([], [None]):
            if parameter.default is parameter.empty:
                return None
            types = [Annotated[None, Rule("cannot be given in a search file")]]
        fields[parameter.name] = (functools.reduce(operator.or_, types), parameter.default)
    return type(name, (OptunaSampler,), {
        "name": name, "options": create_model(f"{name}Options", __base__=Options, **fields),
        "needs_finite_space": name == "BruteForceSampler", "uses_results": name not in _BLIND,
        "__module__": __name__,
        "__doc__": f"Optuna's {name}."})


def _make(name: str, arguments: Mapping[str, Value], context: SamplerContext) -> OptunaSampler:
    made = sampler_class(name)
    assert made is not None, name
    return made(arguments, context)


class OptunaSampler(SamplerBase):
    """One of Optuna's samplers. It knows nothing of failed trials; diverged ones are worse than all
    others.

    :param arguments: of its constructor
    :raises PaddleTransferError: when Optuna refuses the arguments, or a package is missing
    """

    def __init__(self, arguments: Mapping[str, Value], context: SamplerContext):
        super().__init__(context)
        self.arguments = dict(arguments)
        package = _PACKAGES.get(self.name)
        if package is not None and find_spec(package) is None:
            raise SetupError(f"sampler: {self.name} needs the package {package}. Install it with "
                             f"pip install {package}, or choose another sampler.")
        try:
            self._sampler(0, 0)
        except (TypeError, ValueError) as error:
            text = f"sampler: {self.name} refuses its options: {error}"
            raise PaddleTransferError(text) from None

    def __reduce__(self) -> tuple[Any, ...]:  # its class was made at run time
        return _make, (self.name, self.arguments, self.context)

    @classmethod
    @override
    def build(cls, options: Options, context: SamplerContext) -> OptunaSampler:
        return cls(options.model_dump(exclude_unset=True), context)

    @override
    def propose(self, trials: Trials) -> Point:
        study, space = self.study(trials), trials.space
        for _ in range(_DRAWS):
            point = own_point(space, _suggest(study.ask(), space))
            if space.key(point) not in trials.excluded:
                return point
        return trials.untaken() or point

    def study(self, trials: Trials) -> optuna.Study:
        """A study that knows the trials so far, with a new sampler."""
        space = trials.space
        study = optuna.create_study(
            direction="maximize", sampler=self._sampler(trials.seed, trials.count),
            storage=optuna.storages.InMemoryStorage())
        add = _add if self.name in _WITHOUT_NOTES else _replay
        values = [o.value for o in valid_observations(space, trials.finished)
                  if o.value is not None and o.state != "diverged"] or [0.0]
        worst = min(values) - ((max(values) - min(values)) or 1.0)
        for o in trials.finished:
            if space.contains(o.point):
                state, value = _outcome(o, worst)
                curve = {epoch: one for epoch, one in o.curve if math.isfinite(one)}
                add(study, space, o.point, state, value, curve or {1: value or 0.0})
        for point in trials.running:
            if space.contains(point):
                add(study, space, point, TrialState.RUNNING, None, {})
        return study

    def _sampler(self, seed: int, count: int) -> optuna.samplers.BaseSampler:
        """A new sampler for the suggestion after ``count`` others."""
        made = getattr(optuna.samplers, self.name)
        one_sequence = self.name == "QMCSampler"  # which its seed decides
        varying = generator(seed, count, "optuna").getrandbits(31)
        arguments = {**self.arguments, "seed": generator(
            seed, 0, "optuna").getrandbits(31) if one_sequence else varying}
        if "independent_sampler" in inspect.signature(made).parameters:
            arguments["independent_sampler"] = optuna.samplers.RandomSampler(seed=varying)
        with warnings.catch_warnings():  # the user has chosen what is experimental by its name
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler: optuna.samplers.BaseSampler = made(**arguments)
        return sampler


def _outcome(o: Observation, worst: float) -> tuple[TrialState, float | None]:
    """State and value of an observation for Optuna; ``worst``: the value of diverged trials."""
    if o.state == "diverged":
        return TrialState.COMPLETE, worst
    if o.state == "failed" or o.value is None or not math.isfinite(o.value):
        return TrialState.FAIL, None
    return TrialState.PRUNED if o.state == "pruned" else TrialState.COMPLETE, float(o.value)


def _add(study: optuna.Study, space: Space, point: Point, state: TrialState, value: float | None,
         curve: Mapping[int, float]) -> None:
    """Add a trial as it was."""
    names = active_names(space.hyperparameters, point)
    active = [h for h in _parents_first(space) if h.name in names]
    study.add_trial(create_trial(
        state=state, value=value, intermediate_values=dict(curve) if value is not None else {},
        params={h.name: _parameter(h, point[h.name]) for h in active},
        distributions={h.name: _distribution(h) for h in active}))


def _replay(study: optuna.Study, space: Space, point: Point, state: TrialState,
            value: float | None, curve: Mapping[int, float]) -> None:
    """Ask the sampler for a trial anew, so that it makes its notes, but run it with ``point``."""
    study.enqueue_trial({h.name: _parameter(h, point[h.name]) for h in space.hyperparameters})
    trial = study.ask()
    noted = trial.relative_params  # asks the sampler, which Optuna does not do for enqueued trials
    assert isinstance(noted, dict)
    _suggest(trial, space)
    if value is not None:
        for epoch, one in curve.items():
            trial.report(one, epoch)
    if state != TrialState.RUNNING:
        study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)


def _parents_first(space: Space) -> list[Hyperparameter]:
    """The hyperparameters in an order in which every condition comes after those it is about."""
    ordered: list[Hyperparameter] = []
    left = list(space.hyperparameters)
    while left:
        waiting = {h.name for h in left}
        ordered += [h for h in left if not waiting.intersection(name for name, _ in h.condition)]
        left = [h for h in left if h not in ordered]
    return ordered


def _suggest(trial: Trial, space: Space) -> Point:
    """The point of a trial; inactive hyperparameters are not asked for."""
    point = {h.name: h.inactive_value for h in space.hyperparameters}
    for h in _parents_first(space):
        if h.name in active_names(space.hyperparameters, point):
            point[h.name] = _value(h, _ask_for(trial, h.name, _distribution(h)))
    return point


def _ask_for(trial: Trial, name: str, asked: BaseDistribution) -> int | float:
    if isinstance(asked, CategoricalDistribution):
        return int(trial.suggest_categorical(name, range(len(asked.choices))))
    if isinstance(asked, IntDistribution):
        return trial.suggest_int(name, asked.low, asked.high, log=asked.log)
    assert isinstance(asked, FloatDistribution)
    return trial.suggest_float(name, asked.low, asked.high, log=asked.log)


def _ranks(choice: Choice) -> list[int] | None:
    """The indices of a numeric choice by rising value; None for other choices and two values."""
    if not choice.ordered or choice.size <= 2:
        return None
    return sorted(range(choice.size), key=lambda i: choice.values[i])


def _distribution(h: Hyperparameter) -> BaseDistribution:
    if isinstance(h, Choice):
        return (CategoricalDistribution(range(h.size)) if _ranks(h) is None
                else IntDistribution(0, h.size - 1))
    if h.integer:
        return IntDistribution(int(h.low), int(h.high), log=h.log)
    return FloatDistribution(float(h.low), float(h.high), log=h.log)


def _parameter(h: Hyperparameter, value: Value) -> int | float:
    """A value as Optuna holds it: a choice's rank or index, a number of a range."""
    if isinstance(h, Choice):
        ranks, index = _ranks(h), h.index(value)
        return index if ranks is None else ranks.index(index)
    return int(value) if h.integer else float(value)


def _value(h: Hyperparameter, parameter: int | float) -> Value:
    """The inverse of ``_parameter``."""
    if not isinstance(h, Choice):
        return parameter
    ranks = _ranks(h)
    return h.at(int(parameter) if ranks is None else ranks[int(parameter)])
