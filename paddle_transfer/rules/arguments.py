"""Arguments of PaddleClas's parts: those that a part does not take end the program, or are passed
over without a word, where a search of them, or a slip of the pen, would change nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import FURTHER, list_at
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.rules.base import Config, Rule
from paddle_transfer.rules.signatures import Signature, signature

#: kind -> keys beside the arguments, which PaddleClas or this package reads or takes out.
OWN = {
    "optimizer": ("name", "scope", "lr", "clip_norm"), "schedule": ("name",),
    "architecture": ("name", "use_sync_bn", "class_num", "is_rec", "infer_output_key",
                     "infer_add_softmax", "infer_model_name", "use_ml_decoder"),
    "neck or head": ("name",), "loss": ("weight",), "metric": (), "operator": (),
    "data set": ("name", "batch_transform_ops"), "sampler": ("name", "total_epochs"),
}
#: kind -> arguments that PaddleClas gives a part itself, whatever the config has.
SET = {"schedule": ("epochs", "step_each_epoch"), "operator": ("class_num",)}
#: kind -> arguments that PaddleClas gives a part, which the config must not.
GIVEN = {"optimizer": ("learning_rate", "grad_clip")}

#: A learning rate without a schedule.
PLAIN_RATE = Signature(("learning_rate",), frozenset({"learning_rate"}), ignores=True)

SPLITS = ("Train", "Eval", *FURTHER)


@dataclass(frozen=True)
class Part:
    """A part that a config names.

    :param place: its dotted path
    :param told: the same as messages have it, of one optimizer also where it stands in a list
    :param arguments: with the keys of ``OWN``
    """

    kind: str
    name: str
    place: str
    arguments: dict[str, Any]
    told: str = ""

    def takes(self, ppcls: Path) -> Signature | None:
        """Its arguments but those that PaddleClas gives; None where they cannot be told."""
        if self.kind == "schedule" and not self.name:
            return PLAIN_RATE
        found, kind = signature(ppcls, self.kind, self.name), self.kind
        return found and found.without((*SET.get(kind, ()), *GIVEN.get(kind, ())),
                                       int(kind == "sampler"))  # a sampler begins with the data set

    def unknown(self, found: Signature) -> list[str]:
        """The keys that are no arguments."""
        own: tuple[str, ...] = (*OWN[self.kind], *SET.get(self.kind, ()))
        if self.kind == "optimizer" and self.arguments.get("regularizer") is not None:
            own = (*own, "regularizer", "weight_decay")  # by which weight_decay is not read
        return [key for key in self.arguments if key not in (*own, *found.names)]


def arguments_rules(ppcls: Path) -> tuple[Rule, ...]:
    """The rules that every part has the arguments that it needs, and no other that ends the
    program: one for each section, whose keys meet in one config."""
    def rule(*sections: str) -> Rule:
        def check(config: Config, issues: ValidationIssues) -> None:
            for part in parts(config):
                if part.place.startswith(sections):
                    _check(part, part.takes(ppcls), issues)
        return Rule(sections, check)
    return (rule("Optimizer"), rule("Arch"), rule("Loss"), rule("Metric"),
            *(rule(f"DataLoader.{split}.{key}") for split in SPLITS
              for key in ("dataset", "sampler")))


def _check(part: Part, found: Signature | None, issues: ValidationIssues) -> None:
    if found is None:
        return
    for key in part.unknown(found) if not found.ignores else ():
        issues.add(f"{part.told or part.place}.{key}", f"is no argument of {part.name}",
                   show(part.arguments[key]), "Write Optimizer.lr.learning_rate."
                   if key == "learning_rate" else did_you_mean(key, found.names))
    for key in sorted(found.needed - part.arguments.keys()):
        issues.add(f"{part.told or part.place}.{key}",
                   f"is needed by {part.name}" if part.name else "is needed", "nothing there")


def ignored(config: Config, ppcls: Path | None) -> dict[str, str]:
    """Dotted path -> why PaddleClas passes over it without a word: half a sentence, after because.

    :param ppcls: PaddleClas's folder of that name; None: nothing is known
    """
    made = dict[str, str]()
    if ppcls is None:
        return made
    for part in parts(config):
        found = part.takes(ppcls)
        if found is None or not found.ignores:
            continue
        for key in part.unknown(found):
            close = difflib.get_close_matches(key, found.names, 1, 0.75)
            meant = f" (is {close[0]} meant?)" if close else ""
            made[f"{part.place}.{key}"] = (
                f"{part.name} takes no {key}{meant}" if part.name
                else f"a rate without the name of a schedule is constant{meant}")
    return made


def heeded(config: Config, ppcls: Path | None) -> Config:
    """``config`` without what ``ignored`` finds: itself, or a copy."""
    paths = ignored(config, ppcls)
    config = dotpath.clone(config) if paths else config
    for path in paths:
        dotpath.delete(config, path)
    return config


def arguments_at(config: Config, place: str, ppcls: Path | None) -> tuple[str, ...]:
    """The arguments of the part whose own stand at ``place``, given or not; none where there is no
    part, or they are not known."""
    if ppcls is None:
        return ()
    found = next((part.takes(ppcls) for part in parts(config) if part.place == place), None)
    return found.names if found else ()


def parts(config: Config) -> Iterator[Part]:
    """Every part whose arguments are looked at; those of networks that distil are not."""
    yield from _optimizers(config)
    yield from _models(config)
    for path, kind in (("Loss.Train", "loss"), ("Loss.Eval", "loss"), ("Metric.Train", "metric"),
                       ("Metric.Eval", "metric")):
        yield from _listed(config, path, kind)
    for split in SPLITS:
        for key, kind in (("dataset", "data set"), ("sampler", "sampler")):
            yield from _named(config, f"DataLoader.{split}.{key}", kind)
        for key in ("transform_ops", "batch_transform_ops"):
            yield from _listed(config, f"DataLoader.{split}.dataset.{key}", "operator")


def _optimizers(config: Config) -> Iterator[Part]:
    section = config.get("Optimizer")
    found = [("Optimizer", str(section.get("name")), section)] if isinstance(section, dict) else [
        (f"Optimizer.{i}.{name}", str(name), arguments)
        for i, item in enumerate(list_at(config, "Optimizer")) if isinstance(item, dict)
        for name, arguments in item.items() if isinstance(arguments, dict)]
    for place, name, arguments in found:
        yield Part("optimizer", name, place, arguments, "Optimizer")
        if isinstance(arguments.get("lr"), dict):
            lr = arguments["lr"]
            yield Part("schedule", str(lr.get("name") or ""), f"{place}.lr", lr, "Optimizer.lr")


def _models(config: Config) -> Iterator[Part]:
    yield from _named(config, "Arch", "architecture")
    for key, kind in (("Backbone", "architecture"), ("Neck", "neck or head"),
                      ("Head", "neck or head")):
        yield from _named(config, f"Arch.{key}", kind)


def _named(config: Config, path: str, kind: str) -> Iterator[Part]:
    found = dotpath.find(config, path)
    if isinstance(found, dict) and isinstance(found.get("name"), str):
        yield Part(kind, found["name"], path, found)


def _listed(config: Config, path: str, kind: str) -> Iterator[Part]:
    for i, item in enumerate(list_at(config, path)):
        for name, arguments in item.items() if isinstance(item, dict) else ():
            yield Part(kind, str(name), f"{path}.{i}.{name}",
                       arguments if isinstance(arguments, dict) else {})
