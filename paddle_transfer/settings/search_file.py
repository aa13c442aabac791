"""The search file -> one frozen dataclass. Every mistake is found before any is raised."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer.config import fields as validation
from paddle_transfer.config.base import comparable, eval_size
from paddle_transfer.config.fields import Fields
from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError
from paddle_transfer.hardware import find_gpus
from paddle_transfer.settings import budget
from paddle_transfer.settings import fields as readers
from paddle_transfer.settings.final import Final, read_final
from paddle_transfer.settings.greedy import once_each, read_distillation, with_new_paths
from paddle_transfer.settings.groups import (
    BaseTraining,
    Budget,
    Component,
    Devices,
    Objective,
    Output,
    Repeats,
    Sampling,
    SearchSpace,
)
from paddle_transfer.settings.ineffective_keys import check_ineffective
from paddle_transfer.settings.search_dict import read_search_dict
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.distillation import make_stages
from paddle_transfer.stages.plan import Distillation, Plan, make_plan

#: As ``suggest.bayes`` knows them.
ACQUISITIONS = ("EI", "logEI", "PI", "LCB", "UCB")

#: numpy takes seeds below 2**32; repeats count up from the seed, so there is room left.
SEED_LIMIT = 2**31 - 1

#: Suggestions of bayes and random when the search file gives no max_iter; a grid is done as a whole.
DEFAULT_MAX_ITER = 20

#: Words of PaddleClas's own search.yaml that only the greedy search uses.
GREEDY_ONLY = ("distill_config_file", "teacher", "final_replace")

KEYS = ("base_config_file", "output_dir", "gpus", "search_times", "search_dict", "search_mode",
        "max_iter", "de_duplication", "metric", "fixed", "workers", "trial_timeout", "seed",
        "storage", "keep_models", "acquisition", "final", *budget.KEYS)

#: What a greedy search has no use for.
NOT_GREEDY = ("fixed",)


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
    :param stop: ``auto``: the search ends by itself when little is left to gain; ``none``: it does not
    :param time_budget: hours of searching in all, after which no trial begins; None: no limit
    :param epoch_budget: epochs of all trainings together; None: no limit
    :param confirm: trainings in all, with seeds ``seed``, ``seed`` + 1, ..., that the best points and the fixed one
        have when the search has ended; None: they are not trained again
    :param warm_start: folders of earlier searches and recorded tables, which exist
    :param prior: one of ``spending.PRIORS``
    :param pruner: its name and arguments; None: no trial is broken off
    :param notes: remarks to be shown at the start, one line each
    :param warnings: what this machine lacks for a real run; only a dry run has any
    :param plan: the steps of a greedy search; None in every other mode
    :param distillation: what follows after the last key of a greedy search, if anything does
    :param final: how the point found is trained again and tested when the search has ended; None: it is not
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
    fixed: Point | None = None
    trial_timeout: float | None = None
    seed: int = 0
    storage: str | None = None
    keep_models: int = 3
    acquisition: str = "EI"
    stop: str = "none"
    time_budget: float | None = None
    epoch_budget: int | None = None
    confirm: int | None = None
    warm_start: tuple[str, ...] = ()
    prior: str = budget.DEFAULT_PRIOR
    pruner: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    plan: Plan | None = None
    distillation: Distillation | None = None
    final: Final | None = None

    @property
    def base(self) -> BaseTraining:
        return BaseTraining(self.base_config_file, self.base_config)

    @property
    def search_space(self) -> SearchSpace:
        return SearchSpace(self.keys, self.space, self.fixed)

    @property
    def objective(self) -> Objective:
        return Objective(self.metric, eval_size(self.base_config))

    @property
    def sampling(self) -> Sampling:
        options = {"acquisition": self.acquisition} if self.search_mode == "bayes" else {}
        sampler = Component(self.search_mode, options)
        return Sampling(sampler, self.prior, self.warm_start, self.stop)

    @property
    def repeats(self) -> Repeats:
        return Repeats(self.seed, self.search_times, self.confirm, self.de_duplication)

    @property
    def budget(self) -> Budget:
        return Budget(self.max_iter, self.time_budget, self.epoch_budget)

    @property
    def devices(self) -> Devices:
        return Devices(self.gpus, self.workers, self.trial_timeout)

    @property
    def output(self) -> Output:
        return Output(self.output_dir, self.storage, self.keep_models)

    def identity(self) -> dict[str, Any]:
        """What makes this search this search, as plain data: when it changes, earlier trials no longer belong to
        it. Where and how fast trials run, and how points are chosen, is not part of it."""
        greedy: dict[str, Any] = {"greedy": True} if self.plan else {}
        if self.distillation:
            greedy["distillation"] = {
                **self.distillation.identity(), "config": comparable(self.distillation.config)
            }
        return {
            "space": {
                key.name: {**_without_name(key), "edits": list(key.replace_config) or "catalogue"}
                for key in self.keys
            },
            "order": list(self.stages.names),
            "metric": self.metric,
            "seed": self.seed,
            "search_times": self.search_times,
            "base_config": comparable(self.base_config),
            **greedy,
        }

    @property
    def stages(self) -> SearchStages:
        """What the search trains, stage after stage, and with which configs."""
        return make_stages(base=self.base_config, keys=self.keys, space=self.space,
                           output_dir=self.output_dir, seed=self.seed,
                           search_times=self.search_times, plan=self.plan,
                           distillation=self.distillation)


def _without_name(key: SearchKey) -> dict[str, Any]:
    return {name: value for name, value in key.hyperparameter.describe().items() if name != "name"}


def load_search_file(path: str, overrides: Sequence[str] = (), *, dry_run: bool = False,
                paddleclas: str | None = None) -> SearchSettings:
    """Read a search file and its base config. Raises ConfigError with all mistakes of both.

    :param overrides: ``key=value`` each; a key whose first letter is a capital (``Global.epochs``) goes to the base
        config (and the distillation config), any other to the search file
    :param dry_run: what this machine lacks (images, GPUs) becomes warnings
    :param paddleclas: a checkout in which base_config_file is looked for as well
    """
    issues, notes = ValidationIssues(), []
    lacking = ValidationIssues() if dry_run else issues
    data = readers.override(load_yaml(path), [o for o in overrides if not o[:1].isupper()], issues)
    fields, options = Fields(data, issues), [o for o in overrides if o[:1].isupper()]
    mode = readers.read_mode(fields)
    fields.unknown((*KEYS, *GREEDY_ONLY) if mode == "greedy" else KEYS,
                   greedy=GREEDY_ONLY if mode != "greedy" else ())
    lookup = readers.Lookup(path, readers.checkouts(path, paddleclas), lacking, notes)
    base_file, base = readers.read_config(
        fields, "base_config_file", lookup, options, hint=
        "Name a training config of PaddleClas; its path is relative to the current directory or to this file."
    )
    keys = _read_keys(fields, base, mode, notes)
    values = {
        **_plain(fields), "output_dir": readers.read_output_dir(
            fields, path), "metric": readers.read_metric(fields, base), "gpus": readers.read_gpus(
                fields, lacking), "search_mode": mode
    }
    if mode == "greedy":
        values["distillation"] = read_distillation(fields, keys, base=base, metric=values["metric"],
                                                   lookup=lookup, options=options, notes=notes)
    else:
        values["fixed"] = readers.read_fixed(fields, keys)
    values["final"] = read_final(fields, base, keys)
    values.update(budget.read_budget(fields, mode, base=base, keys=keys, file=path))
    if mode in ("grid", "greedy"):
        readers.no_continuous(keys, fields)
    if keys and base is not None:
        check_ineffective(base, keys, issues)
    if issues:
        raise ConfigError(path, issues)
    return SearchSettings(file=path, base_config_file=base_file, base_config=base, keys=tuple(keys),
                          notes=(*notes, *_notes(data, values)), warnings=tuple(map(str, lacking)),
                          **_space(base, keys, values))


def _space(base: dict, keys: Sequence[SearchKey], values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with the space, the plan of a greedy search, and max_iter when there is none."""
    if values["search_mode"] == "greedy":
        plan = make_plan(base, keys, values["distillation"])
        return {
            **values, "plan": plan, "space": plan.space(), "max_iter": values["max_iter"]
            or plan.most
        }
    space = Space(tuple(key.hyperparameter for key in keys))
    default = space.size if values["search_mode"] == "grid" else DEFAULT_MAX_ITER
    return {**values, "space": space, "max_iter": values["max_iter"] or default}


def _read_keys(fields: Fields, base: dict | None, mode: str, notes: list[str]) -> list[SearchKey]:
    """The keys of search_dict; none at all when one of them has a mistake."""
    hint = "List what is to be searched: - search_key: lr"
    readers.need(fields, "search_dict", hint)
    before = len(fields.issues)
    items = fields.take("search_dict", [], validation.a_list, hint=hint)
    if mode == "greedy":
        base, items = with_new_paths(base, items), once_each(items, notes)
        for word in NOT_GREEDY:
            if fields.data.get(word) is not None:
                fields.issues.add(
                    word, "is not for a greedy search, which begins with the base config",
                    hint="Put "
                    "the values into the base config, or choose search_mode grid, bayes or random.")
    keys = read_search_dict(items, base, fields.issues)
    for i, key in enumerate(keys):
        if mode == "greedy" and key.hyperparameter.condition:
            fields.issues.add(f"search_dict.{i}.when",
                              "is not for a greedy search, whose keys come one by one",
                              hint="Take it out, or choose search_mode grid, bayes or random.")
    return keys if len(fields.issues) == before else []


def _plain(fields: Fields) -> dict[str, Any]:
    """The fields that need only a look at their own value."""
    return {
        "workers": fields.take("workers", 1, validation.whole(1)),
        "search_times": fields.take("search_times", 1, validation.whole(1)),
        "max_iter": fields.take("max_iter", None, validation.whole(1), empty=True),
        "de_duplication": fields.take("de_duplication", True, validation.boolean),
        "trial_timeout": fields.take("trial_timeout", None, validation.seconds, empty=True),
        "seed": fields.take("seed", 0, validation.whole(0, high=SEED_LIMIT)),
        "storage": fields.take("storage", None, readers.storage_rule, empty=True),
        "keep_models": fields.take("keep_models", 3, validation.whole(0)),
        "acquisition": str(fields.take("acquisition", "EI",
                                       validation.one_of(*ACQUISITIONS))).upper(),
    }


def _notes(data: dict, values: dict[str, Any]) -> tuple[str, ...]:
    notes, cores = [], os.cpu_count() or 1
    if values["search_mode"] == "greedy" and len(values["gpus"]) > 1:
        notes.append(
            "PaddleClas trains each trial on all listed GPUs; here each GPU trains a trial of its own, with "
            "the batch size of the config (one that was meant for several may want a smaller learning rate)."
        )
    if values["gpus"] and "workers" in data:
        notes.append("workers is for the CPU: with gpus, one trial runs on each listed GPU.")
    elif not values["gpus"]:
        visible = find_gpus()
        if visible:
            notes.append(
                f"Trials run on the CPU. GPUs are there: -o gpus={','.join(visible)} uses them.")
        if values["workers"] > cores:
            notes.append(
                f"{values['workers']} workers share {cores} CPU cores; more than that is no faster."
            )
    return tuple(notes)
