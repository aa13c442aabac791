"""The way to transfer, and its options as keys that exist only beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import ValidationError

from paddle_transfer.errors import ConfigError
from paddle_transfer.space.entry import Check, Entry
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.strategies.registry import STRATEGIES
from paddle_transfer.strategies.section import DEFAULT, WHERE, read_strategy


def _check(value: Value) -> str | None:
    try:
        _read(value)
    except ConfigError as error:
        first = error.issues[0]
        return f"{first.where.removeprefix(WHERE).lstrip('.')} {first.rule}".strip()
    return None


def _read(value: Value) -> Any:
    return read_strategy({"Transfer": {"strategy": value}})


def _canonical(value: Value) -> Value:
    """The bare name where the options are the default ones, else a mapping with what differs."""
    chosen = _read(value)
    options = chosen.options.model_dump(exclude_defaults=True)
    return {"name": chosen.name, **options} if options else chosen.name


def _apply(config: dict[str, Any], value: Value) -> None:
    config.setdefault("Transfer", {})["strategy"] = value


def _named(value: Value) -> str:
    """The name of a strategy that is written as a name or as a mapping."""
    return str(value.get("name") if isinstance(value, dict) else value)


def _set_option(strategy: str, option: str, config: dict[str, Any], value: Value) -> None:
    """Under another strategy it changes nothing."""
    written = (config.get("Transfer") or {}).get("strategy", DEFAULT)
    if _named(written) == strategy:
        given = written if isinstance(written, dict) else {"name": written}
        config["Transfer"]["strategy"] = {**given, option: value}


def _check_option(strategy: str, option: str, value: Value) -> str | None:
    try:
        STRATEGIES[strategy]().options.model_validate({option: value})
    except ValidationError as error:
        told = error.errors()[0].get("ctx", {})
        return str(told.get("rule", f"must be an option {option} of {strategy}"))
    return None


def _lacks(strategy: str, config: dict[str, Any]) -> str | None:
    written = (config.get("Transfer") or {}).get("strategy", DEFAULT)
    needed = f"needs the search_key strategy with {strategy} beside it, or Transfer.strategy: "
    return None if _named(written) == strategy else needed + strategy


def _option(name: str, strategy: str, option: str, meaning: str, values: tuple[Value, ...], *,
            source: str, log: bool = False) -> Entry:
    """An option of ``strategy`` as a hyperparameter, which is active only under it."""
    check: Check = partial(_check_option, strategy, option)
    active: Callable[[Value], bool] = lambda value: _named(value) == strategy  # noqa: E731
    return Entry(
        name=name, meaning=f"{meaning} (strategy {strategy})", values=values, check=check, log=log,
        apply=partial(_set_option, strategy, option), edits=(f"{WHERE}.{option}",), stage=1,
        check_requirements=partial(_lacks, strategy), parent="strategy", active_with=active,
        source=source)


STRATEGY = Entry(
    name="strategy",
    meaning="the way to transfer, a name or a mapping with a name and options: scratch, full, "
    "head, partial, gradual, discriminative",
    values=("full", "head", "discriminative"), check=_check, apply=_apply,
    canonical=_canonical, edits=(WHERE,),
    source="Kornblith et al. 2019; Kumar et al. 2022")

BACKBONE_RATE = _option(
    "backbone_rate", "discriminative", "backbone",
    "the learning rate of the backbone's last stage, as a multiple of the head's", (0.3, 0.1, 0.03),
    log=True, source="Howard & Ruder 2018; VGG16 to VOC2012: head 0.0005, backbone 0.0001")

STAGE_DECAY = _option(
    "stage_decay", "discriminative", "decay",
    "the learning rate of a stage as a multiple of the next one's", (1.0, 0.5),
    source="Howard & Ruder 2018")

TRAINED_STAGES = _option(
    "trained_stages", "partial", "stages", "how many of the backbone's last stages are trained",
    (1, 2, 3), source="Yosinski et al. 2014")

HEAD_EPOCHS = _option(
    "head_epochs", "gradual", "head_epochs", "epochs in which the head alone is trained",
    (1, 3), source="Kumar et al. 2022")

STAGE_EPOCHS = _option(
    "stage_epochs", "gradual", "stage_epochs",
    "epochs after which one more stage is trained; 0: all at once", (0, 1, 2),
    source="Howard & Ruder 2018")
