"""The search file -> one frozen dataclass. Every mistake is found before any is raised."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Optional, Sequence

from paddle_transfer.config import collect, search_fields
from paddle_transfer.config.base import comparable
from paddle_transfer.config.collect import Fields, Mistakes
from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.machine import find_gpus
from paddle_transfer.config.search_dict import read_search_dict
from paddle_transfer.errors import ConfigError
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.space import Point, Space

#: As ``suggest.bayes`` knows them.
ACQUISITIONS = ("EI", "PI", "LCB", "UCB")

#: numpy takes seeds below 2**32; repeats count up from the seed, so there is room left.
SEED_LIMIT = 2**31 - 1

#: Suggestions of bayes and random when the search file gives no max_iter; a grid is done as a whole.
DEFAULT_MAX_ITER = 20

#: Words of PaddleClas's own search.yaml that only its greedy search uses.
GREEDY_ONLY = ("distill_config_file", "teacher", "final_replace")

KEYS = ("base_config_file", "output_dir", "gpus", "search_times", "search_dict", "search_mode", "max_iter",
        "de_duplication", "metric", "fixed", "workers", "trial_timeout", "seed", "storage", "keep_models",
        "acquisition")


@dataclass(frozen=True)
class SearchSettings:
    """A search file, checked.

    :param file: the search file
    :param base_config: the base config, overrides put in; never edit it (``apply_point`` copies)
    :param output_dir: as written, relative to the current directory
    :param gpus: ids of the GPUs to use, one trial on each; empty: CPU
    :param workers: trials at once on the CPU
    :param search_times: trainings per point, with seeds ``seed``, ``seed`` + 1, ...
    :param keys: what is searched, in the order of search_dict
    :param max_iter: suggestions at most
    :param fixed: the point tried first, made of the space's own values
    :param metric: the name under which Metric.Eval reports what is maximised
    :param trial_timeout: seconds per training; None: no limit
    :param storage: an Optuna storage URL; None: the journal file in output_dir
    :param keep_models: of how many of the best trials the weights are kept
    :param notes: remarks to be shown at the start, one line each
    """

    file: str
    base_config_file: str
    base_config: dict[str, Any]
    output_dir: str
    space: Space
    keys: tuple[SearchKey, ...]
    metric: str
    gpus: tuple[str, ...] = ()
    workers: int = 1
    search_times: int = 1
    search_mode: str = "bayes"
    max_iter: int = DEFAULT_MAX_ITER
    de_duplication: bool = True
    fixed: Optional[Point] = None
    trial_timeout: Optional[float] = None
    seed: int = 0
    storage: Optional[str] = None
    keep_models: int = 3
    acquisition: str = "EI"
    notes: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What makes this search this search, as plain data: when it changes, earlier trials no longer belong to
        it. Where and how fast trials run, and how points are chosen, is not part of it."""
        return {
            "space": {key.name: {**_without_name(key), "edits": list(key.replace_config) or "catalogue"}
                      for key in self.keys},
            "order": list(self.space.names), "metric": self.metric, "seed": self.seed,
            "search_times": self.search_times, "base_config": comparable(self.base_config),
        }


def _without_name(key: SearchKey) -> dict[str, Any]:
    return {name: value for name, value in key.hyperparameter.describe().items() if name != "name"}


def load_search(path: str, overrides: Sequence[str] = ()) -> SearchSettings:
    """Read a search file and its base config. Raises ConfigError with all mistakes of both.

    :param overrides: ``key=value`` each; a key whose first letter is a capital (``Global.epochs``) goes to the base
        config, any other to the search file
    """
    mistakes = Mistakes()
    data = search_fields.override(load_yaml(path), [o for o in overrides if not o[:1].isupper()], mistakes)
    fields = Fields(data, mistakes)
    fields.unknown(KEYS, later=GREEDY_ONLY)
    base_file, base = search_fields.read_base(fields, path, [o for o in overrides if o[:1].isupper()])
    keys = _read_keys(fields, base)
    values = {**_plain(fields), "output_dir": search_fields.read_output_dir(fields, path),
              "metric": search_fields.read_metric(fields, base), "gpus": search_fields.read_gpus(fields),
              "search_mode": search_fields.read_mode(fields), "fixed": search_fields.read_fixed(fields, keys)}
    if values["search_mode"] == "grid":
        search_fields.no_continuous(keys, fields)
    if mistakes:
        raise ConfigError(path, mistakes)
    space = Space(tuple(key.hyperparameter for key in keys))
    if values["max_iter"] is None:
        values["max_iter"] = space.size if values["search_mode"] == "grid" else DEFAULT_MAX_ITER
    return SearchSettings(file=path, base_config_file=base_file, base_config=base, keys=tuple(keys), space=space,
                          notes=_notes(data, values), **values)


def _read_keys(fields: Fields, base: Optional[dict]) -> list[SearchKey]:
    """The keys of search_dict; none at all when one of them has a mistake."""
    hint = "List what is to be searched: - search_key: lr"
    search_fields.need(fields, "search_dict", hint)
    before = len(fields.mistakes)
    keys = read_search_dict(fields.take("search_dict", [], collect.a_list, hint=hint), base, fields.mistakes)
    return keys if len(fields.mistakes) == before else []


def _plain(fields: Fields) -> dict[str, Any]:
    """The fields that need only a look at their own value."""
    return dict(
        workers=fields.take("workers", 1, collect.whole(1)),
        search_times=fields.take("search_times", 1, collect.whole(1)),
        max_iter=fields.take("max_iter", None, collect.whole(1), empty=True),
        de_duplication=fields.take("de_duplication", True, collect.boolean),
        trial_timeout=fields.take("trial_timeout", None, collect.seconds, empty=True),
        seed=fields.take("seed", 0, collect.whole(0, high=SEED_LIMIT)),
        storage=fields.take("storage", None, search_fields.storage_rule, empty=True),
        keep_models=fields.take("keep_models", 3, collect.whole(0)),
        acquisition=str(fields.take("acquisition", "EI", collect.one_of(*ACQUISITIONS))).upper(),
    )


def _notes(data: dict, values: dict[str, Any]) -> tuple[str, ...]:
    notes, cores = [], os.cpu_count() or 1
    if values["gpus"] and "workers" in data:
        notes.append("workers is for the CPU: with gpus, one trial runs on each listed GPU.")
    elif not values["gpus"]:
        visible = find_gpus()
        if visible:
            notes.append(f"Trials run on the CPU. GPUs are there: -o gpus={','.join(visible)} uses them.")
        if values["workers"] > cores:
            notes.append(f"{values['workers']} workers share {cores} CPU cores; more than that is no faster.")
    return tuple(notes)
