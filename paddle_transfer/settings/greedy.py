"""Keys of PaddleClas's greedy search: ``teacher``, ``distill_config_file``, ``final_replace``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.settings.reading import Reading
from paddle_transfer.settings.schema import SearchItem, Teacher
from paddle_transfer.settings.values import TEACHERS_HINT
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.stages.plan import (
    TEACHER_PATH,
    Distillation,
    addable,
    final_config,
    renamed,
    renamed_key,
    teacher_config,
    under,
)
from paddle_transfer.strategies.section import metric_names

Config = dict[str, Any]


def read_distillation(reading: Reading, keys: Sequence[SearchKey], *, base: Config | None,
                      metric: str) -> Distillation | None:
    """What follows after the last key; None without a ``teacher``, as in PaddleClas."""
    given, issues = reading.given, reading.issues
    if not reading.uses_stages:
        return None
    if reading.data.get("teacher") is None:
        reading.notes.extend(f"{word} is not used: without a teacher there is no final run, as in "
                             "PaddleClas." for word in ("distill_config_file", "final_replace")
                             if reading.data.get(word) is not None)
        return None
    teacher, moved = given.teacher or Teacher(), given.final_replace or {}
    teachers, rm_keys = _read_teacher(reading, teacher)
    before = len(issues)
    searched = [path for key in keys for path in key.replace_config]
    _match(reading, "teacher.rm_keys", rm_keys, searched)
    _match(reading, "final_replace", list(moved),
           [*searched, *(option.partition("=")[0] for option in reading.options)])
    file, config = "", None
    if given.distill_config_file:
        file, config = reading.config("distill_config_file", given.distill_config_file,
                                      _moved_options(reading, moved))
    elif not reading.spoilt("distill_config_file"):
        issues.add("distill_config_file", "is needed", "nothing there",
                   "Name the config that trains a DistillationModel.")
    if config is None or base is None or len(issues) > before or any(
            map(reading.spoilt, ("teacher", "final_replace"))):
        return None
    algorithm = teacher.algorithm or "skl-ugi"
    made = Distillation(file, config, algorithm, teachers, rm_keys, dict(moved))
    _check(reading, keys, made, base=base, metric=metric)
    return made


def _read_teacher(reading: Reading, teacher: Teacher) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The architectures, and the paths that are not set for them."""
    names, rm_keys = teacher.search_values or (), teacher.rm_keys or ()
    if teacher.algorithm == "udml":
        if names or rm_keys:
            reading.notes.append("udml trains no teacher first: teacher.search_values and "
                                 "teacher.rm_keys are not used.")
        return (), ()
    if not names and not reading.spoilt("teacher.search_values") and not reading.spoilt(
            "teacher.algorithm"):
        reading.issues.add("teacher.search_values", "is needed with skl-ugi", "nothing there",
                           TEACHERS_HINT)
    return names, rm_keys


def _match(reading: Reading, where: str, given: Sequence[str], searched: Sequence[str]) -> None:
    """PaddleClas searches its options for the text ``given``; one that is in none is ignored."""
    for path in given:
        if searched and not any(under(other, path) for other in searched):
            reading.issues.add(where, "must be a path of a replace_config", repr(path),
                               did_you_mean(path, searched))


def _moved_options(reading: Reading, moved: Mapping[str, str]) -> list[str]:
    """The ``-o`` options of the base config as they go to the distillation config."""
    kept = []
    for option in reading.options:
        path, equals, value = option.partition("=")
        place = renamed(path.strip(), dict(moved))
        if _is_of_one_model(place):
            reading.notes.append(f"-o {option} is for the base config only: the final run has "
                                 "another model (final_replace can say where it goes).")
        else:
            kept.append(place + equals + value)
    return kept


def _is_of_one_model(path: str) -> bool:
    """Whether ``path`` is of a model, or its weights, that a run with two models does not have."""
    return (under(path, "Arch") and not under(path, "Arch.models")) or under(path, "Transfer") or (
        path == "Global.pretrained_model")


def _check(reading: Reading, keys: Sequence[SearchKey], distillation: Distillation, *,
           base: Config, metric: str) -> None:
    """Whether every value can be put into the configs of the teacher and of the final run."""
    file, config, issues = distillation.config_file, distillation.config, reading.issues
    if distillation.teachers and not dotpath.exists(config, TEACHER_PATH):
        issues.add("distill_config_file", f"must have {TEACHER_PATH}, whose name and weights are "
                   "filled in", repr(file))
        return
    names, closed = metric_names(config)
    if metric and closed and metric not in names:
        issues.add("metric", f"must be one that Metric.Eval of {file} reports too", repr(metric),
                   did_you_mean(metric, names))
    before = len(issues)
    for key in keys:
        for path in renamed_key(key, distillation).replace_config:
            _check_place(reading, path, key, distillation)
        _check_entry(reading, key, distillation)
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


def _check_place(reading: Reading, path: str, key: SearchKey, distillation: Distillation) -> None:
    config, file = distillation.config, distillation.config_file
    where, models = f"search_key {key.name}", dotpath.exists(config, "Arch.models")
    if models and under(path, "Arch") and not under(path, "Arch.models"):
        reading.issues.add(
            where, f"{path} means nothing to the {config['Arch'].get('name')} of {file}",
            hint=f"Say with final_replace whose it is, such as {path}: Arch.models.1.Student"
            f"{path[len('Arch'):]}.")
    elif not dotpath.exists(config, path) and not addable(config, path):
        reading.issues.add(where, f"{path} must exist in {file}, which trains with the values "
                           "found", "nothing there", "Say with final_replace where it is.")


def _check_entry(reading: Reading, key: SearchKey, distillation: Distillation) -> None:
    """A registered hyperparameter must have an effect in the distillation config."""
    if key.entry is None:
        return
    hint = "Write replace_config, and with final_replace where it goes in the final run."
    edited = next((path for path in key.edits if _is_of_one_model(path)), None)
    lacks = key.entry.check_requirements(distillation.config)
    if edited and dotpath.exists(distillation.config, "Arch.models"):
        reading.issues.add(f"search_key {key.name}", "must mean something in the final run, which "
                           "has another model", f"it edits {edited}", hint)
    elif lacks:
        reading.issues.add(f"search_key {key.name}",
                           f"{key.name} {lacks} of {distillation.config_file}", "none there", hint)


def _any_value(key: SearchKey) -> Any:
    h = key.hyperparameter
    return h.values[0] if isinstance(h, Choice) else h.low


def distillation_keys(distillation: Distillation) -> Config:
    """The keys of a search file that give ``distillation``."""
    teacher: Config = {"algorithm": distillation.algorithm}
    if distillation.teachers:
        teacher |= {"rm_keys": list(distillation.rm_keys),
                    "search_values": list(distillation.teachers)}
    return {"distill_config_file": distillation.config_file, "teacher": teacher,
            "final_replace": dict(distillation.final_replace)}


def with_new_paths(base: Config, items: Sequence[SearchItem]) -> Config:
    """``base`` with the paths of ``replace_config`` that PaddleClas would add, empty. A last part
    that is almost one that is there is a mistake, and is not added."""
    base = dotpath.clone(base)
    for path in (path for item in items for path in item.replace_config):
        if addable(base, path):
            parent, _, last = path.rpartition(".")
            known = list(map(str, dotpath.get(base, parent)))
            if not difflib.get_close_matches(last, known, 1, 0.85):
                dotpath.set_(base, path, None, create=True)
    return base


def without_repeats(items: Sequence[SearchItem], notes: list[str]) -> list[SearchItem]:
    """``items`` without values that are there twice, as in some of PaddleClas's files."""
    kept = []
    for item in items:
        distinct = [value for i, value in enumerate(item.search_values)
                    if not any(dotpath.same(value, other) for other in item.search_values[:i])]
        if len(distinct) < len(item.search_values):
            notes.append(f"search_key {item.search_key}: a value that stands there twice is "
                         "trained once.")
            item = item.model_copy(update={"search_values": tuple(distinct)})
        kept.append(item)
    return kept
