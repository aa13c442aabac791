"""Names of PaddleClas's parts, read from its sources without importing them (that needs Paddle)."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import FURTHER, components, list_at
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean
from paddle_transfer.rules.base import Config, Rule
from paddle_transfer.rules.sources import DEEPEST, imported_file, module, top_level
from paddle_transfer.space.optimizers import optimizers

#: kind -> the module of ``ppcls`` in whose names PaddleClas looks a part up.
MODULES = {
    "architecture": "arch/__init__.py", "neck or head": "arch/gears/__init__.py",
    "optimizer": "optimizer/optimizer.py", "schedule": "optimizer/learning_rate.py",
    "loss": "loss/__init__.py", "metric": "metric/__init__.py",
    "data set": "data/__init__.py", "sampler": "data/__init__.py",
    "operator": "data/preprocess/__init__.py",
}

READS = ("Arch", "Optimizer", "Loss", "Metric", "DataLoader.*.dataset", "DataLoader.*.sampler")

#: Packages whose names in PaddleClas's modules are modules, tools and types, no parts (but for
#: Paddle's samplers and transforms, and Tanh, a neck).
_OTHERS = ("__future__", "collections", "easydict", "functools", "numpy", "paddle", "PIL", "typing")


def names_rule(ppcls: Path) -> Rule:
    """The rule that a config names parts that the PaddleClas in the folder ``ppcls`` has."""
    def check(config: Config, issues: ValidationIssues) -> None:
        for kind, where, name in _named(config):
            known = known_names(ppcls, kind)
            if known is not None and name not in known:
                issues.add(where, f"must be {_article(kind)} of PaddleClas", repr(name),
                           _closest(name, known))
    return Rule(READS, check, alone=True)


def _closest(name: str, known: Collection[str]) -> str:
    same = [one for one in known if one.casefold() == name.casefold()]  # the likeliest slip
    hint = did_you_mean(name, same or sorted(known))
    return hint if hint.startswith("Did") else ""


@lru_cache(maxsize=32)
def known_names(ppcls: Path, kind: str) -> frozenset[str] | None:
    """The names at the top of the module of ``kind``; None where they cannot be known: it is not
    there, cannot be parsed, or takes all names of another package."""
    return _names_in(ppcls / MODULES[kind], ppcls, DEEPEST)


def _names_in(file: Path, ppcls: Path, depth: int) -> frozenset[str] | None:
    tree = module(file)
    if tree is None:
        return None
    found: set[str] = set()
    for node in top_level(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            more = _imported(node, file, ppcls, depth)
            if more is None:
                return None
            found |= more
    return None if "__getattr__" in found else frozenset(
        name for name in found if not name.startswith("__"))


def _imported(node: ast.ImportFrom, file: Path, ppcls: Path, depth: int) -> frozenset[str] | None:
    if all(alias.name != "*" for alias in node.names):
        name = node.module or ""
        if (name.partition(".")[0] in _OTHERS and not node.level
                and not name.startswith(("paddle.io", "paddle.nn", "paddle.vision"))):
            return frozenset()
        return frozenset(alias.asname or alias.name for alias in node.names)
    target = imported_file(node, file, ppcls)
    return _names_in(target, ppcls, depth - 1) if target and depth else None


def _named(config: Config) -> Iterator[tuple[str, str, str]]:
    """(kind, dotted path, name) of every part that ``config`` names."""
    found = [*_architectures(config), *_optimizers(config), *_data(config)]
    for path, kind in (("Loss.Train", "loss"), ("Loss.Eval", "loss"), ("Metric.Train", "metric"),
                       ("Metric.Eval", "metric")):
        found += [(kind, path, name) for name, _ in components(config, path)]
    return ((kind, where, name) for kind, where, name in found if isinstance(name, str))


def _architectures(config: Config) -> Iterator[tuple[str, str, Any]]:
    yield "architecture", "Arch.name", dotpath.find(config, "Arch.name")
    yield from _of_one_model(dotpath.find(config, "Arch"), "Arch")
    for i, model in enumerate(list_at(config, "Arch.models")):
        for key, arguments in model.items() if isinstance(model, dict) else ():
            if isinstance(arguments, dict):
                place = f"Arch.models.{i}.{key}"
                yield "architecture", f"{place}.name", arguments.get("name")
                yield from _of_one_model(arguments, place)


def _of_one_model(model: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    parts = {"Backbone": "architecture", "Neck": "neck or head", "Head": "neck or head"}
    for key, kind in parts.items() if isinstance(model, dict) else ():
        if isinstance(model.get(key), dict):
            yield kind, f"{place}.{key}.name", model[key].get("name")


def _optimizers(config: Config) -> Iterator[tuple[str, str, Any]]:
    for name, arguments in optimizers(config):
        yield "optimizer", "Optimizer.name", None if name == "None" else name
        if isinstance(arguments.get("lr"), dict):
            yield "schedule", "Optimizer.lr.name", arguments["lr"].get("name")


def _data(config: Config) -> Iterator[tuple[str, str, Any]]:
    for part in ("Train", "Eval", *FURTHER):
        place = f"DataLoader.{part}"
        yield "data set", f"{place}.dataset.name", dotpath.find(config, f"{place}.dataset.name")
        yield "sampler", f"{place}.sampler.name", dotpath.find(config, f"{place}.sampler.name")
        for key in ("transform_ops", "batch_transform_ops"):
            path = f"{place}.dataset.{key}"
            yield from (("operator", path, name) for name, _ in components(config, path))


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
