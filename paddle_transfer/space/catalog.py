"""The hyperparameters that are known by name, and how each edits a PaddleClas config.

An entry is an intent ("mixup, alpha 0.2"); ``apply_point`` carries out all of a point and then sees to what follows
from them together (``edits.finalise``). To add one, write a check, an apply and an ``Entry`` of about ten lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence

from paddle_transfer.config import paths
from paddle_transfer.space import edits
from paddle_transfer.space.hyperparameter import Hyperparameter, Value, is_number


def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True)
class Entry:
    """One named hyperparameter.

    :param meaning: one line, for the documentation
    :param values: the usual choices, used when a search file gives none
    :param log: whether its numbers are searched on a logarithmic axis unless the search file says otherwise
    :param check: value -> the rule that it breaks, or None
    :param apply: edits a config in place; called with (config, value)
    :param edits: the dotted paths that may change, for the documentation
    :param source: where the usual choices come from
    :param needs: base config -> what it lacks for this hyperparameter, or None
    :param canonical: value -> another spelling of the same (True -> 0.1), so that no training is done twice
    """

    name: str
    meaning: str
    values: tuple[Value, ...]
    check: Callable[[Value], Optional[str]]
    apply: Callable[[dict, Value], None]
    edits: tuple[str, ...]
    source: str
    log: bool = False
    needs: Callable[[dict], Optional[str]] = _nothing
    canonical: Callable[[Value], Value] = lambda value: value


@dataclass(frozen=True)
class SearchKey:
    """One ``search_key`` of a search file: its values, and the dotted paths that it sets (``replace_config``);
    without any the catalogue's entry of that name does the edit."""

    hyperparameter: Hyperparameter
    replace_config: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.hyperparameter.name

    @property
    def entry(self) -> Optional[Entry]:
        return None if self.replace_config else CATALOG[self.name]

    @property
    def edits(self) -> tuple[str, ...]:
        """The dotted paths that may change."""
        return self.replace_config or CATALOG[self.name].edits

    def apply(self, config: dict, value: Value) -> None:
        """Edit ``config`` in place. Raises PathError when a path of ``replace_config`` is not there (any more)."""
        for path in self.replace_config:
            paths.set_(config, path, paths.clone(value))
        if not self.replace_config:
            CATALOG[self.name].apply(config, value)


def apply_point(base_config: dict, keys: Sequence[SearchKey], point: dict[str, Value]) -> dict:
    """The config of one point: a deep copy of ``base_config``, edited by every key in turn, then made consistent."""
    config = paths.clone(base_config)
    for key in keys:
        key.apply(config, point[key.name])
    edits.finalise(config)
    return config


# --- the entries -------------------------------------------------------------------------------------------------

def _check_lr(value: Value) -> Optional[str]:
    return None if is_number(value) and value > 0 else "must be a number above 0"


def _needs_optimizer(config: dict) -> Optional[str]:
    return None if any(edits.optimizers(config)) else "needs an Optimizer for the model"


def _apply_lr(config: dict, value: float) -> None:
    """The first optimizer of the model gets ``value``; where there are several (scopes), the others keep their
    proportion to it."""
    first = None
    for _, arguments in edits.optimizers(config):
        old = edits.learning_rate(arguments)
        first = old if first is None else first
        in_proportion = is_number(old) and is_number(first) and first > 0
        edits.set_learning_rate(arguments, float(f"{value * old / first:.12g}") if in_proportion else value)


def _check_decay(value: Value) -> Optional[str]:
    return None if is_number(value) and value >= 0 else "must be a number, 0 or more"


def _apply_decay(config: dict, value: float) -> None:
    for name, arguments in edits.optimizers(config):
        edits.set_weight_decay(name, arguments, value)


def _switch(on: float) -> Callable[[Value], Value]:
    """False -> 0.0, True -> ``on``, a number -> itself."""
    return lambda value: on if value is True else 0.0 if value is False else value


def _check_smoothing(value: Value) -> Optional[str]:
    fine = isinstance(value, bool) or is_number(value) and 0 <= value < 1
    return None if fine else "must be False, True (0.1), or a number from 0 up to but not including 1"


def _apply_smoothing(config: dict, value: Value) -> None:
    for loss in edits.losses(config, "CELoss"):
        loss.pop("epsilon", None)
        if _switch(0.1)(value):
            loss["epsilon"] = _switch(0.1)(value)


def _needs_celoss(config: dict) -> Optional[str]:
    return None if any(edits.losses(paths.clone(config), "CELoss")) else "needs a CELoss in Loss.Train"


def _check_mixup(value: Value) -> Optional[str]:
    fine = isinstance(value, bool) or is_number(value) and value >= 0
    return None if fine else "must be False, True (alpha 0.2), or alpha as a number, 0 or more"


def _apply_mixup(config: dict, value: Value) -> None:
    alpha = _switch(0.2)(value)
    edits.set_mix_operator(config, "MixupOperator", {"alpha": alpha} if alpha else None)


def _needs_mixing(config: dict) -> Optional[str]:
    if not paths.exists(config, "DataLoader.Train.dataset.name"):
        return "needs the DataLoader.Train.dataset"
    if not (config["Arch"].get("class_num") or config["Global"].get("class_num")):
        return "needs Arch.class_num"
    return _needs_celoss(config)


_PUBLISHED = "the published transfer search on ResNet50_vd, 7 x 7 x 2 x 2 = 196 points"

CATALOG: dict[str, Entry] = {entry.name: entry for entry in (
    Entry(
        name="lr", meaning="the (largest) learning rate of the schedule",
        values=(0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001), log=True, check=_check_lr, apply=_apply_lr,
        needs=_needs_optimizer,
        edits=("Optimizer.lr.learning_rate",), source=_PUBLISHED),
    Entry(
        name="l2_decay", meaning="L2 regularization, or the weight decay of AdamW; 0 is none",
        values=(1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6), log=True, check=_check_decay, apply=_apply_decay,
        needs=_needs_optimizer,
        edits=("Optimizer.regularizer", "Optimizer.weight_decay"), source=_PUBLISHED),
    Entry(
        name="label_smoothing", meaning="label smoothing: off, on (0.1), or its epsilon",
        values=(False, True), check=_check_smoothing, apply=_apply_smoothing, needs=_needs_celoss,
        canonical=_switch(0.1), edits=("Loss.Train.*.CELoss.epsilon",), source="Szegedy et al. 2016; " + _PUBLISHED),
    Entry(
        name="mixup", meaning="mixup: off, on (alpha 0.2), or its alpha",
        values=(False, True), check=_check_mixup, apply=_apply_mixup, needs=_needs_mixing, canonical=_switch(0.2),
        edits=(edits.BATCH_OPS, "Metric.Train", "Loss.Train.*.CELoss.epsilon"),
        source="Zhang et al. 2018; " + _PUBLISHED),
)}
