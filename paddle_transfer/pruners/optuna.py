"""Optuna's pruners as functions of what is known.

Every question builds a study in memory from the observations, and a new pruner, and asks it once: nothing is kept
between two questions, so a search that was killed, or a replay from a table, hears the same answers.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation
from paddle_transfer.pruners.options import WRAPPED, pruner_issues
from paddle_transfer.space.space import Space

optuna.logging.set_verbosity(optuna.logging.WARNING)

#: Hyperband draws a trial's bracket from the study's name and the trial's number.
_STUDY = "paddle_transfer"

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}


class OptunaPruner:
    """A ``prune.base.Pruner``: one of Optuna's, named in ``spec`` with its arguments. Steps are epochs, from 1.

    ``HyperbandPruner`` without ``max_resource`` gets the epochs of a whole training.

    :param spec: as the search file's ``pruner``; copied
    :raises PaddleTransferError: with every mistake in ``spec``, and what Optuna itself refuses
    """

    def __init__(self, spec: Mapping[str, Any], *, epochs: int):
        issues = pruner_issues(spec)
        if issues:
            raise PaddleTransferError("\n".join(map(str, issues)))
        self._spec = dict(spec)
        try:
            self._build(self._spec, epochs)
        except (TypeError, ValueError) as error:
            raise PaddleTransferError(
                f"pruner: {spec['name']} refuses its arguments: {error}") from None
        self._check_resources(self._spec, epochs)

    def should_stop(self, space: Space, trial: Observation, finished: Sequence[Observation], *,
                    epochs: int, seed: int) -> bool:
        """As ``Pruner.should_stop``. Observations without a curve or a value count as failed: Optuna learns nothing
        from them."""
        curve = _finite(trial.curve)
        if not curve or curve[-1][0] >= epochs or not any(o.state in _STATES for o in finished):
            return False
        study = optuna.create_study(direction="maximize", study_name=_STUDY, pruner=self._build(
            self._spec, epochs), storage=optuna.storages.InMemoryStorage())
        rungs = _rungs(self._spec, epochs)
        known = {o.number: o for o in finished if o.number != trial.number}
        running = None
        for number in range(max([trial.number, *known]) + 1):
            if number == trial.number:
                running = study.ask()
            elif number in known:
                _add(study, known[number], rungs)
            else:
                study.add_trial(create_trial(state=TrialState.FAIL))
        for epoch, value in curve:
            running.report(value, epoch)
            if epoch in rungs and epoch != curve[-1][0]:
                running.should_prune()
        return bool(running.should_prune())

    def _build(self, spec: Mapping[str, Any] | None,
               epochs: int) -> optuna.pruners.BasePruner | None:
        if spec is None:
            return None
        arguments = {key: value for key, value in spec.items() if key != "name"}
        if spec["name"] == "PatientPruner":
            arguments[WRAPPED] = self._build(arguments.get(WRAPPED), epochs)
        if spec["name"] == "HyperbandPruner":
            arguments.setdefault("max_resource", epochs)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", optuna.exceptions.ExperimentalWarning)  # the user has chosen it by name
            return getattr(optuna.pruners, spec["name"])(**arguments)

    def _check_resources(self, spec: Mapping[str, Any], epochs: int) -> None:
        inner = _innermost(spec)
        if inner["name"] != "HyperbandPruner":
            return
        most = inner.get("max_resource", epochs)
        least = inner.get("min_resource", 1)
        most = epochs if most == "auto" else most
        if least > most:
            raise PaddleTransferError(
                f"pruner: min_resource must be at most max_resource ({most} epochs); found {least}")


def _add(study: optuna.Study, observation: Observation, rungs: frozenset[int]) -> None:
    """A finished trial as it went: successive halving writes down what a trial had at every rung."""
    curve, value = _finite(observation.curve), observation.value
    state = _STATES.get(observation.state)
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


def _innermost(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    while spec.get(WRAPPED):
        spec = spec[WRAPPED]
    return spec


def _rungs(spec: Mapping[str, Any], epochs: int) -> frozenset[int]:
    """The epochs at which successive halving compares trials; none for pruners that only read curves."""
    patient, spec = spec["name"] == "PatientPruner", _innermost(spec)
    factor = {"SuccessiveHalvingPruner": 4, "HyperbandPruner": 3}.get(spec["name"])
    if factor is None:
        return frozenset()
    if patient:
        return frozenset(range(
            1, epochs + 1))  # it asks the other one when its patience is over, at any epoch
    first = spec.get("min_resource", "auto" if factor == 4 else 1)
    first, factor = max(epochs // 100, 1) if first == "auto" else first, spec.get(
        "reduction_factor", factor)
    found = set()
    while first <= epochs:
        found.add(first)
        first *= factor
    return frozenset(found)


def _finite(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(int(epoch), float(value)) for epoch, value in curve if math.isfinite(value)]
