"""The strategy of a training config: read from its section ``Transfer``, checked, and applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from paddle_transfer import dotpath
from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean, show
from paddle_transfer.registry import UnknownName
from paddle_transfer.strategies.base import Strategy, StrategyOptions
from paddle_transfer.strategies.head_options import SECTION as HEAD_SECTION
from paddle_transfer.strategies.head_options import HeadOptions
from paddle_transfer.strategies.registry import STRATEGIES

Read = TypeVar("Read", bound=StrategyOptions)

DEFAULT = "full"
WHERE = "Transfer.strategy"
NOTE = ("only paddle_transfer's tools/train.py heeds this section; PaddleClas's own trains without "
        "it")


@dataclass(frozen=True)
class ChosenStrategy:
    """A strategy with its options, as a training config asks for it."""

    name: str
    strategy: Strategy[Any]
    options: StrategyOptions


def read_strategy(config: dict[str, Any]) -> ChosenStrategy:
    """The strategy of ``config``; ``full`` when it names none. Raises ConfigError."""
    found = _read(config)
    if isinstance(found, list):
        raise ConfigError("the training config", found)
    return found


def read_head_options(config: dict[str, Any]) -> HeadOptions:
    """The section ``FineTune`` of ``config``. Raises ConfigError."""
    found = _options(HeadOptions, config.get(HEAD_SECTION) or {}, HEAD_SECTION)
    if isinstance(found, list):
        raise ConfigError("the training config", found)
    return found


def check_strategy(config: dict[str, Any]) -> list[ValidationIssue]:
    """What is wrong with the sections ``Transfer.strategy`` and ``FineTune``."""
    found = _read(config)
    head = _options(HeadOptions, config.get(HEAD_SECTION) or {}, HEAD_SECTION)
    issues = list(found) if isinstance(found, list) else list(_missing_data(found, config))
    return issues + (head if isinstance(head, list) else [])


def apply_strategy(config: dict[str, Any]) -> dict[str, Any]:
    """``config`` as its strategy trains it: an edited copy. Raises ConfigError.

    ``Transfer.strategy`` stays only where a worker half is needed, named so that another process
    finds the strategy; a config without it is returned as it is.
    """
    if "strategy" not in (config.get("Transfer") or {}):
        return config
    found = read_strategy(config)
    config = dotpath.clone(config)
    found.strategy.edit(config, found.options)
    section = config["Transfer"]
    del section["strategy"]
    if found.strategy.worker:
        name = STRATEGIES.portable_name(found.name)
        section["strategy"] = {"name": name, **found.options.model_dump(exclude_unset=True)}
        section["note"] = NOTE
    if not section:
        del config["Transfer"]
    return config


def _read(config: dict[str, Any]) -> ChosenStrategy | list[ValidationIssue]:
    section = config.get("Transfer")
    value = section.get("strategy", DEFAULT) if isinstance(section, dict) else DEFAULT
    described = {"name": value} if isinstance(value, str) else value
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        return [ValidationIssue(WHERE, "must be a name, or a mapping with a name", show(value),
                                f"For example {WHERE}: {{name: {DEFAULT}}}.")]
    options = {str(key): option for key, option in described.items() if key != "name"}
    name = described["name"]
    try:
        strategy = STRATEGIES[name]()
    except UnknownName as error:
        return [ValidationIssue(WHERE, str(error))]
    read = _options(strategy.options, options, WHERE)
    return read if isinstance(read, list) else ChosenStrategy(name, strategy, read)


def _options(model: type[Read], values: object, where: str) -> Read | list[ValidationIssue]:
    if not isinstance(values, dict):
        return [ValidationIssue(where, "must be a mapping", show(values))]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        return [_issue(model, mistake, where) for mistake in error.errors()]


def _issue(model: type[BaseModel], mistake: Any, where: str) -> ValidationIssue:
    path = ".".join(map(str, (where, *mistake["loc"])))
    if mistake["type"] == "extra_forbidden":
        known = list(model.model_fields)
        hint = did_you_mean(mistake["loc"][-1], known) if known else "It has no options."
        return ValidationIssue(path, "unknown key", repr(mistake["loc"][-1]), hint)
    rule = mistake["msg"][:1].lower() + mistake["msg"][1:]
    return ValidationIssue(path, rule, show(mistake["input"]))


def _missing_data(found: ChosenStrategy, config: dict[str, Any]) -> Iterator[ValidationIssue]:
    for needed, split in ((found.strategy.needs_source_data, "Source"),
                          (found.strategy.needs_unlabeled_data, "Unlabeled")):
        path = f"DataLoader.{split}"
        if needed and not (dotpath.exists(config, path) and dotpath.get(config, path)):
            yield ValidationIssue(path, f"is needed by the strategy {found.name}", "nothing there")
