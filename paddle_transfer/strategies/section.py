"""The strategy of a training config: read from its section ``Transfer``, checked, and applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from paddle_transfer import dotpath
from paddle_transfer.config import pretrained, resolve
from paddle_transfer.config.validation import Options, issues_of
from paddle_transfer.errors import ConfigError, ValidationIssue, show
from paddle_transfer.registry import UnknownName
from paddle_transfer.strategies.base import Strategy
from paddle_transfer.strategies.combinations import refused
from paddle_transfer.strategies.head_options import SECTION as HEAD_SECTION
from paddle_transfer.strategies.head_options import HeadOptions
from paddle_transfer.strategies.new_head import edit, read_new_head
from paddle_transfer.strategies.registry import STRATEGIES

WHERE = "Transfer.strategy"
DEFAULT = "full"


@dataclass(frozen=True)
class ChosenStrategy:
    """A strategy with its options, as a training config asks for it."""

    name: str
    strategy: Strategy[Any]
    options: Options


def read_strategy(config: dict[str, Any]) -> ChosenStrategy:
    """The strategy of ``config``; ``full`` when it names none. Raises ConfigError."""
    section = config.get("Transfer")
    value = section.get("strategy", DEFAULT) if isinstance(section, dict) else DEFAULT
    described = {"name": value} if isinstance(value, str) else value
    name = described.get("name") if isinstance(described, dict) else None
    if not isinstance(name, str):
        raise _error(ValidationIssue(WHERE, "must be a name, or a mapping with a name", show(value),
                                     f"For example {WHERE}: {{name: {DEFAULT}}}."))
    values = {key: value for key, value in described.items() if key != "name"}
    try:
        strategy = STRATEGIES[name]()
        options = strategy.options.model_validate(values, context={"name": name})
    except UnknownName as error:
        raise _error(ValidationIssue(WHERE, str(error))) from error
    except ValidationError as error:
        raise _error(*issues_of(error, WHERE)) from error
    return ChosenStrategy(name, strategy, options)


def read_head_options(config: dict[str, Any]) -> HeadOptions:
    """The section ``FineTune`` of ``config``. Raises ConfigError."""
    try:
        return HeadOptions.model_validate(config.get(HEAD_SECTION) or {})
    except ValidationError as error:
        raise _error(*issues_of(error, HEAD_SECTION)) from error


def check_strategy(config: dict[str, Any]) -> list[ValidationIssue]:
    """What is wrong with ``Transfer.strategy``, the data that it needs, and ``FineTune``."""
    issues: list[ValidationIssue] = []
    for read in (_read_with_data, read_head_options):
        try:
            read(config)
        except ConfigError as error:
            issues += error.issues
    return issues


def apply_strategy(config: dict[str, Any]) -> dict[str, Any]:
    """``config`` as its strategy trains it, with its new head: an edited copy. Raises ConfigError.

    ``Transfer.strategy`` stays only where a worker half is needed, named so that another process
    finds the strategy; a config with neither is returned as it is.
    """
    head = read_new_head(config)
    if "strategy" not in (config.get("Transfer") or {}) and head is None:
        return config
    chosen = read_strategy(config)
    config = dotpath.clone(config)
    if head is not None:
        edit(config, head)  # which raises ConfigError for an Arch that cannot have it
    chosen.strategy.edit(config, chosen.options)
    section = config["Transfer"]
    section.pop("strategy", None)
    if chosen.strategy.worker:
        section["strategy"] = {"name": STRATEGIES.portable_name(chosen.name),
                               **chosen.options.model_dump(exclude_unset=True)}
        section["note"] = chosen.strategy.note(chosen.options)
    if not section:
        del config["Transfer"]
    return config


def unused_weights(config: dict[str, Any]) -> str:
    """A remark where the strategy begins with random weights beside ``pretrained``; "" elsewhere.
    Raises ConfigError."""
    chosen = read_strategy(config)
    wanted = pretrained.wanted_weights(config)
    edited = dotpath.clone(config)
    chosen.strategy.edit(edited, chosen.options)
    if wanted is None or pretrained.wanted_weights(edited) is not None:
        return ""
    return (f"The strategy {chosen.name} begins with random weights: {wanted.where} "
            f"{wanted.spec} is not for it.")


def metric_names(config: dict[str, Any]) -> tuple[list[str], bool]:
    """``resolve.metric_names``, with what the strategy measures beside them."""
    names, closed = resolve.metric_names(config)
    try:
        return [*names, *read_strategy(config).strategy.metrics], closed
    except ConfigError:  # told by its own rule
        return names, closed


def _read_with_data(config: dict[str, Any]) -> None:
    chosen = read_strategy(config)
    needed = {"Source": chosen.strategy.needs_source_data,
              "Unlabeled": chosen.strategy.needs_unlabeled_data}
    loaders = config.get("DataLoader")
    missing = [ValidationIssue(f"DataLoader.{split}", f"is needed by the strategy {chosen.name}",
                               "nothing there") for split, wanted in needed.items()
               if wanted and not (isinstance(loaders, dict) and loaders.get(split))]
    random = _begins_at_random(config) if chosen.strategy.needs_weights else ""
    if random:
        missing.append(ValidationIssue(
            WHERE, f"{chosen.name} needs pretrained weights: it leaves layers as they were loaded",
            f"none{'' if random == 'Transfer' else f' for {random}'}",
            f"Write {random}.pretrained: {'imagenet' if random == 'Transfer' else 'True'}, say, or "
            "choose strategy: full."))
    missing += refused(config, chosen.name, chosen.strategy)
    missing += chosen.strategy.check(config, chosen.options)
    if missing:
        raise _error(*missing)


def _begins_at_random(config: dict[str, Any]) -> str:
    """The dotted path whose ``pretrained`` gives no weights to a network that is trained; ""
    where each has some."""
    if pretrained.loaded_by_paddleclas(config):
        common = resolve.section(config, "Global")
        if common.get("pretrained_model") or not resolve.networks(config):
            return ""
        return next((path for path in resolve.trained_networks(config)
                     if pretrained.is_none(dotpath.find(config, f"{path}.pretrained"))), "")
    return "Transfer" if pretrained.wanted_weights(config) is None else ""


def _error(*issues: ValidationIssue) -> ConfigError:
    return ConfigError("the training config", issues)
