"""The way to transfer, and its options as keys that exist only beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from pydantic import ValidationError

from paddle_transfer.errors import ConfigError
from paddle_transfer.space.entry import Check, Entry
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.strategies.feature_extraction import CLASSIFIERS, LINEAR
from paddle_transfer.strategies.registry import STRATEGIES
from paddle_transfer.strategies.section import DEFAULT, WHERE, read_strategy


def _check(value: Value) -> str | None:
    try:
        _read(value)
    except ConfigError as error:
        first = error.issues[0]
        hint = f" ({first.hint})" if first.hint.endswith("?") else ""
        return f"{first.where.removeprefix(WHERE).lstrip('.')} {first.rule}{hint}".strip()
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


#: Whether a value of a parent makes a key active.
Active = Callable[[Value], bool]


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
            source: str, log: bool = False, stage: int = 1, active: Active | None = None,
            nearer: tuple[str, Active] | None = None) -> Entry:
    """An option of ``strategy`` as a hyperparameter, which is active only under it.

    :param active: the values of the key strategy with which it is; default: all of that name
    :param nearer: another option of it that decides where it is searched, and with which values
    """
    check: Check = partial(_check_option, strategy, option)
    active = active or (lambda value: _named(value) == strategy)
    return Entry(
        name=name, meaning=f"{meaning} (strategy {strategy})", values=values, check=check, log=log,
        apply=partial(_set_option, strategy, option), edits=(f"{WHERE}.{option}",), stage=stage,
        check_requirements=partial(_lacks, strategy), parent="strategy", active_with=active,
        nearer=nearer, source=source)


STRATEGY = Entry(
    name="strategy",
    meaning="the way to transfer, a name or a mapping with a name and options: scratch, full, "
    "head, partial, gradual, discriminative, feature_extraction, multi_task, domain_adaptation",
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


def _classified_by(names: Collection[str], value: Value) -> bool:
    """Whether a value of the key strategy is feature_extraction with a classifier of ``names``."""
    return _named(value) == _EXTRACTION and _read(value).options.classifier in names


_EXTRACTION = "feature_extraction"
_ADAPTATION = "domain_adaptation"

CLASSIFIER = _option(
    "classifier", _EXTRACTION, "classifier", "scikit-learn's classifier on the features",
    CLASSIFIERS, source="Kornblith et al. 2019 (logistic regression)")

STRENGTH = _option(
    "strength", _EXTRACTION, "strength", "scikit-learn's C of the linear classifiers",
    (0.0001, 0.001, 0.01, 0.1), log=True, active=partial(_classified_by, LINEAR),
    nearer=("classifier", lambda value: value in LINEAR), source="Kornblith et al. 2019")

NEIGHBORS = _option(
    "neighbors", _EXTRACTION, "neighbors", "how many neighbours knn asks", (1, 5, 20),
    active=partial(_classified_by, ("knn", )), nearer=("classifier", lambda value: value == "knn"),
    source="Cover & Hart 1967")

TARGET_WEIGHT = _option(
    "target_weight", "multi_task", "weight",
    "the weight of the target's loss beside the source's", (0.3, 1.0, 3.0), log=True,
    source="Caruana 1997")

ADAPTATION = _option(
    "adaptation", _ADAPTATION, "method", "what brings the two domains together",
    ("adversarial", "coral"), source="Ganin et al. 2016; Sun & Saenko 2016; Li et al. 2016")

ADAPTATION_WEIGHT = _option(
    "adaptation_weight", _ADAPTATION, "weight",
    "the weight of the discriminator's reversed gradient, or of coral's distance", (0.1, 0.3, 1.0),
    log=True, active=lambda value: (
        _named(value) == _ADAPTATION and _read(value).options.method != "adabn"),
    nearer=("adaptation", lambda value: value != "adabn"), source="Ganin et al. 2016")
