"""Optuna's samplers by their names there, as samplers of this package.

Every suggestion builds a study in memory from the observations, and a new seeded sampler, and asks
it: nothing is kept between two suggestions. A numeric choice is an integer parameter, its rank, so
that samplers see the order.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, ClassVar

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

from paddle_transfer.config.validation import Options
from paddle_transfer.errors import PaddleTransferError, SetupError, ValidationIssue, show
from paddle_transfer.samplers.base import Observation, RegisteredSampler, SamplerContext
from paddle_transfer.samplers.common import (
    exhausted,
    finished_keys,
    first_baseline,
    generator,
    keys,
    own_point,
    refuse_continuous,
    untaken,
    valid_observations,
)
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.space import Point, Space, active_names

#: A draw is repeated this often while it hits points that must not come; then the first free point
#: is taken.
_DRAWS = 10

#: Samplers that read nothing but the trials' parameters and values. All others keep notes in trials
#: and study, which
#: only asking them for every trial anew brings back.
_WITHOUT_NOTES = ("BruteForceSampler", "GPSampler", "RandomSampler", "TPESampler")

#: Samplers that follow one sequence, which their seed decides.
_ONE_SEQUENCE = ("QMCSampler",)

#: Samplers that list all points.
_FINITE = ("BruteForceSampler",)

#: The packages that some samplers need beside Optuna.
_NEEDS = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}

#: The types of options that a search file can give.
_PLAIN = {"int": int, "float": float, "bool": bool, "str": str, "None": None}


class OptunaOptions(Options):
    """The parameters of a sampler's constructor that a search file can give."""

    #: The others.
    left_out: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def _unknown(cls, key: str, value: object, name: str) -> ValidationIssue:
        if key in cls.left_out:
            hint = "The search's own seed counts." if key == "seed" else ""
            return ValidationIssue("", f"cannot be given for {name} in a search file", show(value),
                                   hint)
        return super()._unknown(key, value, name)


@functools.cache
def sampler_class(name: str) -> type[OptunaSampler] | None:
    """The sampler that Optuna calls ``name``; None when there is none, or when it needs what a
    search file cannot give.
    """
    found = getattr(optuna.samplers, name, None)
    if not inspect.isclass(found) or inspect.isabstract(found):
        return None
    fields: dict[str, Any] = {}
    parameters = list(inspect.signature(found).parameters.values())
    for parameter in parameters:
        words = [word.strip(" '") for word in str(parameter.annotation).split("|")]
        plain = [word for word in words if word in _PLAIN and word != "None"]
        if plain and parameter.name != "seed":
            types = [_PLAIN[word] for word in words if word in _PLAIN]
            fields[parameter.name] = (functools.reduce(operator.or_, types), parameter.default)
        elif parameter.default is parameter.empty:
            return None
    options = create_model(f"{name}Options", __base__=OptunaOptions, **fields)
    options.left_out = tuple(one.name for one in parameters if one.name not in fields)
    return type(name, (OptunaSampler,), {
        "name": name, "options": options, "needs_finite_space": name in _FINITE,
        "__doc__": f"Optuna's {name}."})


class OptunaSampler(RegisteredSampler):
    """One of Optuna's samplers. Failed trials are unknown to it, diverged ones are worse than all
    others.

    :param optuna_name: as in ``optuna.samplers``
    :param arguments: of its constructor
    :raises PaddleTransferError: when Optuna refuses the arguments, or a package is missing
    """

    def __init__(self, optuna_name: str, arguments: Mapping[str, Value], context: SamplerContext):
        self.optuna_name, self.arguments, self.context = optuna_name, dict(arguments), context
        package = _NEEDS.get(optuna_name)
        if package is not None and find_spec(package) is None:
            raise SetupError(f"sampler: {optuna_name} needs the package {package}. Install it with "
                             f"pip install {package}, or choose another sampler.")
        try:
            self._sampler(0, 0)
        except (TypeError, ValueError) as error:
            raise PaddleTransferError(
                f"sampler: {optuna_name} refuses its options: {error}") from None

    @classmethod
    @override
    def build(cls, options: Options, context: SamplerContext) -> OptunaSampler:
        """``options`` are those of ``sampler_class``."""
        return OptunaSampler(cls.name, options.model_dump(exclude_unset=True), context)

    @override
    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        """As ``Sampler.suggest``; with ``allow_repeats`` there is always a point."""
        if self.optuna_name in _FINITE:
            refuse_continuous(space, self.optuna_name)
        busy, count = keys(space, running), len(finished) + len(running)
        taken = finished_keys(space, finished) | busy
        if exhausted(space, taken) and not self.context.allow_repeats:
            return None
        baseline = first_baseline(space, self.context.baseline, taken)
        if baseline is not None:
            return baseline
        excluded = busy if self.context.allow_repeats else taken
        with _quiet():
            study = self._study(space, finished, running, seed=seed, count=count)
            point = _ask(study, space, excluded)
        if space.size is None or space.key(point) not in excluded:
            return point
        return untaken(space, excluded) or point

    def _sampler(self, seed: int, count: int) -> optuna.samplers.BaseSampler:
        """A new sampler for the suggestion after ``count`` others."""
        made = getattr(optuna.samplers, self.optuna_name)
        parameters = inspect.signature(made).parameters
        varying = generator(seed, count, "optuna").getrandbits(31)
        fixed = self.optuna_name in _ONE_SEQUENCE
        arguments = {"seed": generator(seed, 0, "optuna").getrandbits(31) if fixed else varying,
                     **self.arguments}
        if "independent_sampler" in parameters:
            arguments["independent_sampler"] = optuna.samplers.RandomSampler(seed=varying)
        with warnings.catch_warnings():  # the user has chosen what is experimental by its name
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler: optuna.samplers.BaseSampler = made(**arguments)
        return sampler

    def _study(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
               seed: int, count: int) -> optuna.Study:
        """A study that knows the trials so far."""
        study = optuna.create_study(direction="maximize", sampler=self._sampler(seed, count),
                                    storage=optuna.storages.InMemoryStorage())
        add = _add if self.optuna_name in _WITHOUT_NOTES else _replay
        values = [o.value for o in valid_observations(space, finished)
                  if o.value is not None and o.state != "diverged"] or [0.0]
        worst = min(values) - ((max(values) - min(values)) or 1.0)
        for o in finished:
            if space.contains(o.point):
                state, value = _outcome(o, worst)
                curve = {epoch: one for epoch, one in o.curve if math.isfinite(one)}
                add(study, space, o.point, state, value, curve or {1: value or 0.0})
        for point in running:
            if space.contains(point):
                add(study, space, point, TrialState.RUNNING, None, {})
        return study


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's remarks about conditions and choices that some samplers draw
    independently."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _outcome(o: Observation, worst: float) -> tuple[TrialState, float | None]:
    """State and value of an observation in Optuna's study; ``worst``: the value of diverged
    trials."""
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


def _ask(study: optuna.Study, space: Space, excluded: Collection[str]) -> Point:
    """The first of a few draws that is not ``excluded``; the last one when all are."""
    for _ in range(_DRAWS):
        point = own_point(space, _suggest(study.ask(), space))
        if space.key(point) not in excluded:
            break
    return point


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
    """The point of a trial; what is inactive in it is not asked for."""
    point = {h.name: h.inactive_value for h in space.hyperparameters}
    for h in _parents_first(space):
        if h.name in active_names(space.hyperparameters, point):
            point[h.name] = _ask_for(trial, h)
    return point


def _order(choice: Choice) -> list[int] | None:
    """The indices of a numeric choice by rising value; None for other choices, and for two
    values."""
    if not choice.ordered or choice.size <= 2:
        return None
    return sorted(range(choice.size), key=lambda i: choice.values[i])


def _ask_for(trial: Trial, h: Hyperparameter) -> Value:
    if isinstance(h, Choice):
        order = _order(h)
        return h.at(trial.suggest_categorical(h.name, range(h.size)) if order is None
                    else order[trial.suggest_int(h.name, 0, h.size - 1)])
    if h.integer:
        return trial.suggest_int(h.name, int(h.low), int(h.high), log=h.log)
    return trial.suggest_float(h.name, float(h.low), float(h.high), log=h.log)


def _distribution(h: Hyperparameter) -> BaseDistribution:
    """What ``_ask_for`` asks for."""
    if isinstance(h, Choice):
        return (CategoricalDistribution(range(h.size)) if _order(h) is None
                else IntDistribution(0, h.size - 1))
    if h.integer:
        return IntDistribution(int(h.low), int(h.high), log=h.log)
    return FloatDistribution(float(h.low), float(h.high), log=h.log)


def _parameter(h: Hyperparameter, value: Value) -> int | float:
    """A value as Optuna holds it: a choice's rank or index, a number of a range."""
    if isinstance(h, Choice):
        order, index = _order(h), h.index(value)
        return index if order is None else order.index(index)
    return int(value) if h.integer else float(value)
