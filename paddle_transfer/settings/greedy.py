"""Reading the fields of a search file that belong to PaddleClas's greedy search: ``teacher``, ``distill_config_file``,
``final_replace``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import fields as validation
from paddle_transfer.config.base import metric_names
from paddle_transfer.config.fields import Fields
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.settings.fields import Lookup, read_config
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.stages.plan import (
    ALGORITHMS,
    COLUMNS,
    TEACHER_PATH,
    Distillation,
    addable,
    final_config,
    renamed,
    renamed_key,
    teacher_config,
    under,
)

TEACHER_KEYS = ("algorithm", "rm_keys", "search_values")


def read_distillation(fields: Fields, keys: Sequence[SearchKey], *, base: dict | None, metric: str,
                      lookup: Lookup, options: Sequence[str],
                      notes: list[str]) -> Distillation | None:
    """What follows after the last key; None without a ``teacher``, as in PaddleClas."""
    if fields.data.get("teacher") is None:
        for word in ("distill_config_file", "final_replace"):
            if fields.data.get(word) is not None:
                notes.append(
                    f"{word} is not used: without a teacher there is no final run, as in PaddleClas."
                )
        return None
    before = len(fields.issues)
    algorithm, teachers, rm_keys = _read_teacher(fields, notes)
    moved = fields.take(
        "final_replace", {}, _moves, empty=True, hint="For example Arch.lr_mult_list: "
        "Arch.models.1.Student.lr_mult_list.")
    for name in COLUMNS:
        if any(key.name == name for key in keys):
            fields.issues.add(
                "search_dict",
                f"a search that distils has no search_key '{name}': it is a word of its "
                "own there", repr(name), "Choose another name.")
    searched = [path for key in keys for path in key.replace_config]
    _match(fields, "teacher.rm_keys", rm_keys, searched)
    _match(fields, "final_replace", list(moved),
           [*searched, *(option.partition("=")[0] for option in options)])
    file, config = read_config(fields, "distill_config_file", lookup,
                               _moved_options(options, moved, notes),
                               hint="Name the config that trains a DistillationModel.")
    if config is None or base is None or len(fields.issues) > before:
        return None
    distillation = Distillation(file, config, algorithm, teachers, rm_keys, dict(moved))
    _check(fields, keys, distillation, base=base, metric=metric)
    return distillation


def _read_teacher(fields: Fields, notes: list[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    data = fields.take("teacher", {}, validation.mapping)
    inner = Fields(data, fields.issues, "teacher.")
    inner.unknown(TEACHER_KEYS)
    algorithm = inner.take("algorithm", "skl-ugi", validation.one_of(*ALGORITHMS), empty=True,
                           hint=did_you_mean(data.get("algorithm"), ALGORITHMS)).lower()
    rm_keys = inner.take("rm_keys", [], _texts, empty=True, hint="List dotted paths.")
    if algorithm == "udml":
        if data.get("search_values") or rm_keys:
            notes.append(
                "udml trains no teacher first: teacher.search_values and teacher.rm_keys are not used."
            )
        return algorithm, (), ()
    names = inner.take("search_values", [], _names,
                       hint="List architectures, such as [ResNet101_vd, ResNet50_vd].")
    if "search_values" not in data:
        fields.issues.add("teacher.search_values", "is needed with skl-ugi", "nothing there",
                            "List architectures, such as [ResNet101_vd, ResNet50_vd].")
    return algorithm, tuple(names), tuple(rm_keys)


def _moves(value: Any) -> str | None:
    fine = isinstance(value, dict) and all(isinstance(text, str) and all(text.split("."))
                                           for pair in value.items() for text in pair)
    return None if fine else "must be a mapping of dotted paths to dotted paths"


def _texts(value: Any) -> str | None:
    fine = isinstance(value, list) and all(isinstance(text, str) and text for text in value)
    return None if fine else "must be a list of texts"


def _names(value: Any) -> str | None:
    if _texts(value) or not value:
        return "must be a list of at least one name"
    return None if len(set(value)) == len(value) else "must name each once"


def _match(fields: Fields, where: str, given: Sequence[str], searched: Sequence[str]) -> None:
    """PaddleClas looks for ``given`` anywhere in its options and says nothing when it is nowhere."""
    for path in given:
        if searched and not any(under(other, path) for other in searched):
            fields.issues.add(where, "must be a path of a replace_config", repr(path),
                              did_you_mean(path, searched))


def _moved_options(options: Sequence[str], moved: dict, notes: list[str]) -> list[str]:
    """The ``-o`` options for the base config as they go to the distillation config."""
    kept = []
    for option in options:
        path, equals, value = option.partition("=")
        place = renamed(path.strip(), moved)
        if _another(place):
            notes.append(
                f"-o {option} is for the base config only: the final run has another model "
                "(final_replace can say where it goes).")
        else:
            kept.append(place + equals + value)
    return kept


def _another(path: str) -> bool:
    """Whether ``path`` is about the model, or its weights, that the final run of two models does not have."""
    return under(path, "Arch") and not under(path, "Arch.models") or under(path, "Transfer") or (
        path == "Global.pretrained_model")


def _check(fields: Fields, keys: Sequence[SearchKey], distillation: Distillation, *, base: dict,
           metric: str) -> None:
    """Whether every value can be put into the configs of the teacher and of the final run."""
    file, config, issues = distillation.config_file, distillation.config, fields.issues
    if distillation.teachers and not dotpath.exists(config, TEACHER_PATH):
        rule = f"must have {TEACHER_PATH}, whose name and weights are filled in"
        issues.add("distill_config_file", rule, repr(file))
        return
    names, closed = metric_names(config)
    if metric and closed and metric not in names:
        issues.add("metric", f"must be one that Metric.Eval of {file} reports too", repr(metric),
                     did_you_mean(metric, names))
    before = len(issues)
    for key in keys:
        for path in renamed_key(key, distillation).replace_config:
            _check_place(fields, path, key, distillation)
        if key.entry is not None:
            _check_entry(fields, key, distillation)
    if len(issues) > before:
        return
    point = {key.name: _any_value(key) for key in keys}
    for teacher in distillation.teachers[:1] or (None,):
        try:
            if teacher is not None:
                teacher_config(base, keys, distillation, point, teacher)
            final_config(keys, distillation, point, teacher=teacher)
        except (LookupError, TypeError, AttributeError, ValueError, PaddleTransferError) as error:
            issues.add("distill_config_file", "the values found cannot be put into it",
                       str(error) or repr(error))


def _check_place(fields: Fields, path: str, key: SearchKey, distillation: Distillation) -> None:
    config, file = distillation.config, distillation.config_file
    where = f"search_key {key.name}"
    models = dotpath.exists(config, "Arch.models")
    if models and under(path, "Arch") and not under(path, "Arch.models"):
        fields.issues.add(
            where, f"{path} means nothing to the {config['Arch'].get('name')} of {file}",
            hint=f"Say with final_replace whose it is, such as {path}: Arch.models.1.Student"
            f"{path[len('Arch'):]}.")
    elif not dotpath.exists(config, path) and not addable(config, path):
        fields.issues.add(where, f"{path} must exist in {file}, which trains with the values found",
                          "nothing there", "Say with final_replace where it is.")


def _check_entry(fields: Fields, key: SearchKey, distillation: Distillation) -> None:
    """A key of the catalogue goes to the distillation config by its name, and must mean something there."""
    hint = "Write replace_config, and with final_replace where it goes in the final run."
    edited = next((path for path in key.edits if _another(path)), None)
    lacks = key.entry.check_requirements(distillation.config)
    if edited and dotpath.exists(distillation.config, "Arch.models"):
        fields.issues.add(f"search_key {key.name}",
                          "must mean something in the final run, which has another model",
                          f"it edits {edited}", hint)
    elif lacks:
        fields.issues.add(f"search_key {key.name}",
                          f"{key.name} {lacks} of {distillation.config_file}", "none there", hint)


def _any_value(key: SearchKey) -> Any:
    hyperparameter = key.hyperparameter
    return hyperparameter.values[0] if hasattr(hyperparameter, "values") else hyperparameter.low


def with_new_paths(base: dict | None, items: Sequence[Any]) -> dict | None:
    """``base`` in which the paths of ``replace_config`` that PaddleClas would add are there, empty. A last part that is
    almost one that is there is a slip of the pen, and is not added."""
    if base is None:
        return None
    base = dotpath.clone(base)
    for item in items:
        given = item.get("replace_config") if isinstance(item, dict) else None
        for path in [given] if isinstance(given, str) else given if isinstance(given, list) else []:
            if isinstance(path, str) and all(path.split(".")) and addable(base, path):
                parent, _, last = path.rpartition(".")
                if not difflib.get_close_matches(last, list(map(str, dotpath.get(base, parent))), 1,
                                                 0.85):
                    dotpath.set_(base, path, None, create=True)
    return base


def once_each(items: Sequence[Any], notes: list[str]) -> list[Any]:
    """``items`` of search_dict without values that stand there a second time, as some do in PaddleClas's files."""
    kept = []
    for item in items:
        values = item.get("search_values") if isinstance(item, dict) else None
        if isinstance(values, list):
            distinct = [
                value for i, value in enumerate(values)
                if not any(dotpath.same(value, v) for v in values[:i])
            ]
            if len(distinct) < len(values):
                notes.append(
                    f"search_key {item.get('search_key')}: a value that stands there twice is trained once."
                )
                item = {**item, "search_values": distinct}
        kept.append(item)
    return kept
