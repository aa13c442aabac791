"""Which files a search's results depend on, and their content: lists with their images, and all
else that the base config, the distillation config and the values of search_dict name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import comparable
from paddle_transfer.progress import ProgressBar
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.stages.plan import applied
from paddle_transfer.study.inputs import Input

#: Names of classes for people; no result depends on them.
CLASS_NAMES = "Infer.PostProcess.class_id_map_file"
_SUFFIX = ".pdparams"
_LONGEST_PATH = 4096


def read_inputs(settings: SearchSettings, *, without: Collection[str] = (),
                cache_folder: Path | None = None,
                pause: Callable[[float], None] = time.sleep) -> dict[str, Input]:
    """The inputs of a search, by the place that names them.

    :param without: paths whose content is known otherwise
    :param cache_folder: of the check's results; None: the default one
    :param pause: sleeps some seconds; may raise KeyboardInterrupt
    """
    found: dict[str, Input] = {}
    with ProgressBar("reading images") as bar:
        def progress(done: int, total: int) -> None:
            bar(done, total)
            pause(0)

        for place, dataset, file in _lists(settings):
            one = _read_list(place, dataset, file, cache_folder, progress)
            if one is not None:
                found[place] = one
    listed = {one.path for one in found.values()}
    for place, path in _texts(settings):
        if path not in listed and path not in without:
            token = _hash_of(path)
            if token:
                found[place] = Input(path, "", token, trains=place != CLASS_NAMES)
    return found


def _read_list(place: str, dataset: dict[str, Any], file: str, cache_folder: Path | None,
               progress: Callable[[int, int], None]) -> Input | None:
    """None for a list that cannot be read, which is a matter of other checks."""
    from paddle_transfer.checks.fingerprints import fingerprint_list  # numpy

    try:
        read = fingerprint_list(dataset, file, in_order="Train" in place,
                                cache_folder=cache_folder, progress=progress)
    except OSError:
        return None
    return Input(file, str(dataset.get("image_root") or ""), read.token, read.rows,
                 trains="DataLoader.Test" not in place)


def _hash_of(path: str) -> str:
    """Of the file, or of the weights ``path``.pdparams; empty when there is none."""
    from paddle_transfer.checks.fingerprints import hash_file  # numpy

    for file in (path, path + _SUFFIX):
        try:
            if os.path.isfile(os.path.expanduser(file)):
                return hash_file(os.path.expanduser(file))
        except (OSError, ValueError):
            continue
    return ""


def _lists(settings: SearchSettings) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(place, section, list) of every dataset that a training of the search may read."""
    places: dict[str, list[dict[str, Any]]] = {}
    for config in _configs(settings):
        for place, dataset in _datasets(config):
            variants = places.setdefault(place, [])
            if not any(_reads_the_same(dataset, other) for other in variants):
                variants.append(dataset)
    for place, variants in places.items():
        roots = list(dict.fromkeys(str(one.get("image_root") or "") for one in variants))
        files = list(dict.fromkeys(file for one in variants for file in _list_files(one)))
        for number, (root, file) in enumerate(product(roots, files)):
            name = place if len(files) * len(roots) == 1 else f"{place}, variant {number + 1}"
            yield name, {**variants[0], "image_root": root}, file


def _reads_the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("image_root", "cls_label_path"))


def _list_files(dataset: dict[str, Any]) -> list[str]:
    files = dataset.get("cls_label_path")
    return [file for file in (files if isinstance(files, list) else [files])
            if isinstance(file, str)]


def _configs(settings: SearchSettings) -> Iterator[dict[str, Any]]:
    """The base config, with each value of each key that may change its lists, and the one of a
    distillation."""
    base, keys = settings.base.config, settings.search_space.keys
    yield base
    if settings.distillation:
        yield {f"distillation.{name}": value
               for name, value in settings.distillation.config.items()}
    for key in keys:
        if isinstance(key.hyperparameter, Choice) and any(
                path.startswith("DataLoader") for path in key.replace_config):
            free = SearchKey(Choice(key.name, key.hyperparameter.values), key.replace_config)
            for value in key.hyperparameter.values:
                yield applied(base, [free], {key.name: value})


def _datasets(data: object, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, section) of all sections that name a list."""
    if isinstance(data, dict) and data.get("cls_label_path"):
        yield place, data
    items = data.items() if isinstance(data, dict) else (
        enumerate(data) if isinstance(data, list) else ())
    for name, value in items:
        yield from _datasets(value, f"{place}.{name}" if place else str(name))


def _texts(settings: SearchSettings) -> Iterator[tuple[str, str]]:
    """(place, text) of everything that may be the name of a file."""
    base = settings.base.config
    trees: list[tuple[str, object]] = [("", comparable(base)),
                                       (CLASS_NAMES, dotpath.find(base, CLASS_NAMES))]
    if settings.distillation:
        trees.append(("distillation", comparable(settings.distillation.config)))
    trees += [(f"search_key {key.name}", list(key.hyperparameter.values))
              for key in settings.search_space.keys if isinstance(key.hyperparameter, Choice)]
    for prefix, tree in trees:
        for place, value in dotpath.walk(tree, prefix):
            if isinstance(value, str) and _may_be_a_file(value):
                yield place, value


def _may_be_a_file(text: str) -> bool:
    return (os.sep in text or "." in text) and len(text) < _LONGEST_PATH and "\0" not in text
