"""Optuna's pruners as functions of the trials.

Every question builds a study in memory from the observations, and a new pruner, and asks it once:
nothing is kept between two questions, so a search that was killed, or a replay from a table, gets
the same answers.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState, create_trial
from typing_extensions import override

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.pruners.base import Pruner
from paddle_transfer.pruners.options import WRAPPED
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Space

optuna.logging.set_verbosity(optuna.logging.WARNING)

#: Hyperband draws a trial's bracket from the study's name and the trial's number.
_STUDY = "paddle_transfer"

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}

#: The usual reduction factor of pruners that compare trials at some epochs only.
_FACTORS = {"SuccessiveHalvingPruner": 4, "HyperbandPruner": 3}


class OptunaPruner(Pruner):
    """One of Optuna's pruners as a ``Pruner``. Steps are epochs, from 1.

    ``HyperbandPruner`` without ``max_resource`` gets the epochs of a whole training.

    :param component: its name in ``optuna.pruners`` and its arguments
    :raises PaddleTransferError: when Optuna refuses the arguments
    """

    def __init__(self, component: Component, *, epochs: int):
        self._component = component
        try:
            self._build(component, epochs)
        except (TypeError, ValueError) as error:
            raise PaddleTransferError(
                f"pruner: {component.name} refuses its arguments: {error}") from None
        inner = _innermost(component)
        if inner.name == "HyperbandPruner":
            given = inner.options.get("max_resource")
            most, least = given or epochs, inner.options.get("min_resource", 1)
            most = epochs if most == "auto" else most
            if least > most:
                raise PaddleTransferError("pruner: min_resource must be at most max_resource "
                                          f"({most} epochs); found {least}")

    @override
    def should_stop(self, space: Space, trial: Observation, finished: Sequence[Observation], *,
                    epochs: int, seed: int) -> bool:
        """As ``Pruner.should_stop``. Observations without a curve or a value count as failed:
        Optuna learns nothing from them."""
        curve = _finite(trial.curve)
        if not curve or curve[-1][0] >= epochs or not any(o.state in _STATES for o in finished):
            return False
        study = optuna.create_study(
            direction="maximize", study_name=_STUDY, storage=optuna.storages.InMemoryStorage(),
            pruner=self._build(self._component, epochs))
        rungs = _rungs(self._component, epochs)
        known = {o.number: o for o in finished if o.number != trial.number}
        for number in range(max([trial.number, *known]) + 1):
            if number == trial.number:
                running = study.ask()
            else:
                _add(study, known.get(number), rungs)
        for epoch, value in curve:
            running.report(value, epoch)
            if epoch in rungs and epoch != curve[-1][0]:
                running.should_prune()
        return bool(running.should_prune())

    def _build(self, component: Component, epochs: int) -> optuna.pruners.BasePruner:
        arguments = dict(component.options)
        if component.name == "PatientPruner":
            wrapped = _wrapped(component)
            arguments[WRAPPED] = self._build(wrapped, epochs) if wrapped else None
        if component.name == "HyperbandPruner" and arguments.get("max_resource") is None:
            arguments["max_resource"] = epochs
        with warnings.catch_warnings():  # the user has chosen it by name
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            made: optuna.pruners.BasePruner = getattr(optuna.pruners, component.name)(**arguments)
        return made


def _add(study: optuna.Study, observation: Observation | None, rungs: frozenset[int]) -> None:
    """Add a finished trial epoch by epoch: successive halving stores a trial's value at every rung.
    None: a failed one."""
    curve = _finite(observation.curve) if observation is not None else []
    state = _STATES.get(observation.state) if observation is not None else None
    value = observation.value if observation is not None else None
    if state is None or not curve or value is None or not math.isfinite(value):
        study.add_trial(create_trial(state=TrialState.FAIL))
        return
    if not rungs:
        study.add_trial(create_trial(state=state, value=value, intermediate_values=dict(curve)))
        return
    trial = study.ask()
    for epoch, reported in curve:
        trial.report(reported, epoch)
        if epoch in rungs:
            trial.should_prune()
    study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)


def _wrapped(component: Component) -> Component | None:
    """The pruner inside of ``PatientPruner``."""
    wrapped = dict(component.options.get(WRAPPED) or {})
    return Component(str(wrapped.pop("name")), wrapped) if wrapped else None


def _innermost(component: Component) -> Component:
    wrapped = _wrapped(component)
    return _innermost(wrapped) if wrapped else component


def _rungs(component: Component, epochs: int) -> frozenset[int]:
    """The epochs at which successive halving compares trials; none for pruners that only read
    curves."""
    inner = _innermost(component)
    factor = _FACTORS.get(inner.name)
    if factor is None:
        return frozenset()
    if component.name == "PatientPruner":  # it asks the other one at any epoch
        return frozenset(range(1, epochs + 1))
    first = inner.options.get("min_resource", "auto" if factor == 4 else 1)
    first = max(epochs // 100, 1) if first == "auto" else int(first)
    factor, found = inner.options.get("reduction_factor", factor), set()
    while first <= epochs:
        found.add(first)
        first *= factor
    return frozenset(found)


def _finite(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(int(epoch), float(value)) for epoch, value in curve if math.isfinite(value)]
