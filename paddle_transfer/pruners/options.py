"""The options of the pruners, checked without Optuna.

``auto`` is our own, every other one is Optuna's, with the arguments and defaults that
https://optuna.readthedocs.io/en/stable/reference/pruners.html has. Steps are epochs, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError, model_validator
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Self

from paddle_transfer.config.rules import Rule, broken
from paddle_transfer.config.validation import Options, ValidationIssues, component, issues_of
from paddle_transfer.errors import show

#: The option of ``PatientPruner`` that is a pruner itself.
WRAPPED = "wrapped_pruner"


def _number(low: float | None = None, high: float | None = None, *, integer: bool = False,
            also: str | None = None) -> Rule:
    """A number from ``low`` to ``high``, or the word ``also``."""
    words = "an integer" if integer else "a number"
    if low is not None:
        words += f" of at least {low:g}" if high is None else f" from {low:g} to {high:g}"
    schema: CoreSchema = core_schema.float_schema(strict=True, ge=low, le=high, allow_inf_nan=False)
    if integer:
        schema = core_schema.int_schema(strict=True, ge=None if low is None else int(low))
    if also is not None:
        schema = core_schema.union_schema([schema, core_schema.literal_schema([also])])
        words += f" or '{also}'"
    return Rule(f"must be {words}", schema=schema)


Count = Annotated[int, _number(0, integer=True)]
AtLeast1 = Annotated[int, _number(1, integer=True)]
AtLeast2 = Annotated[int, _number(2, integer=True)]
Epochs = Annotated[int | Literal["auto"] | None, _number(1, integer=True, also="auto")]
Limit = Annotated[float, _number()]


class MedianPruner(Options):
    n_startup_trials: Count = 5
    n_warmup_steps: Count = 0
    interval_steps: AtLeast1 = 1
    n_min_trials: AtLeast1 = 1


class PercentilePruner(MedianPruner):
    percentile: Annotated[float, _number(0, 100)]


class SuccessiveHalvingPruner(Options):
    min_resource: Epochs = "auto"
    reduction_factor: AtLeast2 = 4
    min_early_stopping_rate: Count = 0
    bootstrap_count: Count = 0

    @model_validator(mode="after")
    def _bootstrap(self) -> Self:
        if self.bootstrap_count and self.min_resource == "auto":
            raise broken("bootstrap_count needs min_resource as a number of epochs", "")
        return self


class HyperbandPruner(Options):
    min_resource: AtLeast1 = 1
    max_resource: Epochs = None
    reduction_factor: AtLeast2 = 3
    bootstrap_count: Count = 0

    @model_validator(mode="after")
    def _bootstrap(self) -> Self:
        if self.bootstrap_count and self.max_resource == "auto":
            raise broken("bootstrap_count needs max_resource as a number of epochs", "")
        return self


class ThresholdPruner(Options):
    lower: Limit | None = None
    upper: Limit | None = None
    n_warmup_steps: Count = 0
    interval_steps: AtLeast1 = 1

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.lower is None and self.upper is None:
            raise broken("ThresholdPruner needs lower or upper, or both", "")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise broken("lower must be at most upper", f"{self.lower:g} and {self.upper:g}")
        return self


class WilcoxonPruner(Options):
    p_threshold: Annotated[float, _number(0, 1)] = 0.1
    n_startup_steps: Count = 2


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict) and value.get("name") in ("auto", "none"):
        raise broken("must be one of Optuna's pruners, or null", show(value["name"]))
    if value is not None:
        component(value, "pruner", OPTIONS, OPTIONS.__getitem__,
                  example="For example {name: MedianPruner}.")
    return value


class PatientPruner(Options):
    wrapped_pruner: Annotated[dict[str, Any] | None, BeforeValidator(_wrapped)] = None
    patience: Annotated[int, _number(0, integer=True)]
    min_delta: Annotated[float, _number(0)] = 0.0


#: Every name with its options.
OPTIONS: dict[str, type[Options]] = {
    "auto": Options, "none": Options, "MedianPruner": MedianPruner,
    "PercentilePruner": PercentilePruner, "SuccessiveHalvingPruner": SuccessiveHalvingPruner,
    "HyperbandPruner": HyperbandPruner, "PatientPruner": PatientPruner,
    "ThresholdPruner": ThresholdPruner, "WilcoxonPruner": WilcoxonPruner, "NopPruner": Options,
}


def pruner_issues(spec: Mapping[str, Any] | None, where: str = "pruner") -> ValidationIssues:
    """Everything that is wrong with ``{name: NAME, ...}``, each with its path below ``where``.

    What depends on the number of epochs (``max_resource``) is left to ``OptunaPruner``.
    """
    issues = ValidationIssues()
    if spec is None:
        return issues
    if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
        issues.add(where, "must be a mapping with a name", show(spec), "For example {name: auto}.")
        return issues
    try:
        component(dict(spec), "pruner", OPTIONS, OPTIONS.__getitem__)
    except ValidationError as error:
        return issues_of(error, where)
    return issues
