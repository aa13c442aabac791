"""The key ``pruner`` of a search file, checked without Optuna: which pruners there are, and what each one takes.

``{name: auto}`` is our own, ``{name: none}`` none at all, every other name one of Optuna's, with its arguments as
https://optuna.readthedocs.io/en/stable/reference/pruners.html names them. Steps are epochs, counted from 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paddle_transfer.errors import ValidationIssue, did_you_mean, show


@dataclass(frozen=True)
class Number:
    """What an argument may be: a number from ``low`` to ``high``, or one of the words or nulls in ``also``."""

    low: float = -math.inf
    high: float = math.inf
    integer: bool = True
    also: tuple[Any, ...] = ()
    required: bool = False

    def __str__(self) -> str:
        kind = "an integer" if self.integer else "a number"
        if self.high < math.inf:
            kind += f" from {self.low:g} to {self.high:g}"
        elif self.low > -math.inf:
            kind += f" of at least {self.low:g}"
        return " or ".join([kind, *("null" if word is None else f"'{word}'" for word in self.also)])

    def admits(self, value: object) -> bool:
        if value is None or isinstance(value, str):
            return value in self.also
        kinds = int if self.integer else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and (
            math.isfinite(value) and self.low <= value <= self.high)


_SHARE, _COUNT, _SOME = Number(0, 1, integer=False), Number(0), Number(1)
_STEPS = {"n_warmup_steps": _COUNT, "interval_steps": _SOME}
_MEDIAN = {"n_startup_trials": _COUNT, **_STEPS, "n_min_trials": _SOME}
_LIMIT = Number(integer=False, also=(None,))

#: The argument of ``PatientPruner`` that is a pruner itself.
WRAPPED = "wrapped_pruner"

#: Every name with its arguments.
PRUNERS: dict[str, dict[str, Number]] = {
    "auto": {},
    "none": {},
    "MedianPruner": _MEDIAN,
    "PercentilePruner": {"percentile": Number(0, 100, integer=False, required=True), **_MEDIAN},
    "SuccessiveHalvingPruner": {
        "min_resource": Number(1, also=("auto", )), "reduction_factor": Number(2),
        "min_early_stopping_rate": _COUNT, "bootstrap_count": _COUNT
    },
    "HyperbandPruner": {
        "min_resource": _SOME, "max_resource": Number(1, also=("auto", )),
        "reduction_factor": Number(2), "bootstrap_count": _COUNT
    },
    "PatientPruner": {"patience": Number(0, required=True), "min_delta": Number(0, integer=False)},
    "ThresholdPruner": {"lower": _LIMIT, "upper": _LIMIT, **_STEPS},
    "WilcoxonPruner": {"p_threshold": _SHARE, "n_startup_steps": _COUNT},
    "NopPruner": {},
}


def pruner_issues(spec: Mapping[str, Any] | None, where: str = "pruner") -> list[ValidationIssue]:
    """Everything wrong with the value of ``pruner``, each with its path below ``where``; empty when it is right.

    What depends on the number of epochs (``max_resource``) is left to ``study.pruners.OptunaPruner``.
    """
    if spec is None:
        return []
    if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
        return [
            ValidationIssue(where, "must be a mapping with a name", show(spec),
                            "For example {name: auto}.")
        ]
    name = spec["name"]
    if name not in PRUNERS:
        return [
            ValidationIssue(f"{where}.name", "must be a pruner", show(name),
                            did_you_mean(name, list(PRUNERS)))
        ]
    rules, issues = PRUNERS[name], []
    for key, value in spec.items():
        if key == "name":
            continue
        if key == WRAPPED and name == "PatientPruner":
            issues += _wrapped_issues(value, f"{where}.{key}")
        elif key not in rules:
            known = [*rules, *([WRAPPED] if name == "PatientPruner" else [])]
            issues.append(
                ValidationIssue(f"{where}.{key}", f"is no argument of {name}", show(value),
                                did_you_mean(key, known) or f"{name} takes none."))
        elif not rules[key].admits(value):
            issues.append(ValidationIssue(f"{where}.{key}", f"must be {rules[key]}", show(value)))
    issues += [ValidationIssue(f"{where}.{key}", f"{name} needs it: {rule}")
                 for key, rule in rules.items() if rule.required and key not in spec]
    return issues or _together(spec, where)


def _wrapped_issues(spec: object, where: str) -> list[ValidationIssue]:
    if isinstance(spec, Mapping) and spec.get("name") in ("auto", "none"):
        return [
            ValidationIssue(where, "must be one of Optuna's pruners, or null", show(spec["name"]))
        ]
    return pruner_issues(spec, where)


def _together(spec: Mapping[str, Any], where: str) -> list[ValidationIssue]:
    """Rules about two arguments, each of which is right by itself."""
    if spec["name"] == "ThresholdPruner":
        lower, upper = spec.get("lower"), spec.get("upper")
        if lower is None and upper is None:
            return [ValidationIssue(where, "ThresholdPruner needs lower or upper, or both")]
        if lower is not None and upper is not None and lower > upper:
            return [
                ValidationIssue(where, "lower must be at most upper", f"{lower:g} and {upper:g}")
            ]
    if spec["name"] == "SuccessiveHalvingPruner" and spec.get("bootstrap_count", 0) and (
            spec.get("min_resource", "auto") == "auto"):
        return [ValidationIssue(where, "bootstrap_count needs min_resource as a number of epochs")]
    if spec["name"] == "HyperbandPruner" and spec.get("bootstrap_count",
                                                      0) and spec.get("max_resource") == "auto":
        return [ValidationIssue(where, "bootstrap_count needs max_resource as a number of epochs")]
    return []
