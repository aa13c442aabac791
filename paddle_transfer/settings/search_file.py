"""The search file -> ``SearchSettings``. Every mistake is found before any is raised."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.config.base import comparable, eval_size
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.hardware import find_gpus
from paddle_transfer.registry import Component
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings import budget, fields
from paddle_transfer.settings.final import Final, read_final
from paddle_transfer.settings.greedy import (
    distillation_keys,
    read_distillation,
    with_new_paths,
    without_repeats,
)
from paddle_transfer.settings.groups import (
    LOCAL,
    BaseTraining,
    Budget,
    Devices,
    Objective,
    Output,
    Repeats,
    Sampling,
    SearchSpace,
)
from paddle_transfer.settings.ineffective_keys import check_ineffective
from paddle_transfer.settings.reading import Reading, open_search_file
from paddle_transfer.settings.schema import SearchFile, SearchItem
from paddle_transfer.settings.search_dict import read_search_dict
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.distillation import make_stages
from paddle_transfer.stages.plan import Distillation, Plan, make_plan

Config = dict[str, Any]

#: What shows a search whose file does not say it.
REPORTS = (Component("visualdl"), Component("terminal"))

#: Suggestions of a search whose file gives no max_iter and whose sampler has no number of its own.
DEFAULT_MAX_ITER = 20


@dataclass(frozen=True)
class SearchSettings:
    """A search file, checked: a group for each concern.

    :param file: the search file
    :param pruner: None: no trial is broken off
    :param reports: what shows the search, beside the result files
    :param final: how the point found is trained and tested at the end; None: it is not
    :param plan: the steps of a search with stages, else None
    :param distillation: what follows after the last key of a search with stages, if anything does
    :param notes: remarks to be shown at the start, one line each
    :param warnings: what this machine lacks for a real run; only a dry run has any
    """

    file: str
    base: BaseTraining
    search_space: SearchSpace
    objective: Objective
    sampling: Sampling
    repeats: Repeats
    budget: Budget
    devices: Devices
    output: Output
    pruner: Component | None = None
    reports: tuple[Component, ...] = REPORTS
    final: Final | None = None
    plan: Plan | None = None
    distillation: Distillation | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def identity(self) -> Config:
        """What makes this search this one, as plain data: when it changes, earlier trials do not
        belong to it. Where and how fast trials run, and how points are chosen, is no part of it."""
        greedy: Config = {"greedy": True} if self.plan else {}
        if self.distillation:
            greedy["distillation"] = {**self.distillation.identity(),
                                      "config": comparable(self.distillation.config)}
        space = {}
        for key in self.search_space.keys:
            described = key.hyperparameter.describe()
            described.pop("name")
            space[key.name] = {**described, "edits": list(key.replace_config) or "catalogue"}
        return {"space": space, "order": list(self.stages.names), "metric": self.objective.metric,
                "seed": self.repeats.seed,
                "search_times": self.repeats.search_times,
                "base_config": comparable(self.base.config), **greedy}

    @property
    def stages(self) -> SearchStages:
        """What the search trains, stage after stage, and with which configs."""
        return make_stages(
            base=self.base.config, keys=self.search_space.keys, space=self.search_space.space,
            output_dir=self.output.output_dir, seed=self.repeats.seed,
            search_times=self.repeats.search_times, plan=self.plan, distillation=self.distillation)

    def to_dict(self) -> Config:
        """The search file as it was understood, defaults included; ``from_dict`` reads it.
        Overrides of the base config are not in it."""
        name, options = self.sampling.sampler.name, dict(self.sampling.sampler.options)
        part, base, distillation = SAMPLERS[name], self.base, self.distillation
        plain = name in SAMPLERS.names() and not options.keys() - {"acquisition"}
        pruner = self.pruner and self.pruner.to_dict()
        executor, final = self.devices.executor, self.final
        made = {
            "base_config_file": base.config if base.is_inline else base.file,
            "output_dir": self.output.output_dir,
            **({"search_mode": name} if plain else {}), **(options if plain else {}),
            "sampler": None if plain else self.sampling.sampler.to_dict(),
            "max_iter": self.budget.max_iter, "search_times": self.repeats.search_times,
            "de_duplication": self.repeats.de_duplication, "metric": self.objective.metric,
            "fixed": self.search_space.baseline, "workers": self.devices.workers,
            "executor": None if executor == LOCAL else executor.to_dict(),
            "trial_timeout": self.devices.trial_timeout, "seed": self.repeats.seed,
            "storage": self.output.storage, "keep_models": self.output.keep_models,
            "time_budget": self.budget.time_budget, "epoch_budget": self.budget.epoch_budget,
            "confirm": self.repeats.confirm,
            "pruner": pruner or ("none" if part.has_posterior else None),
            "stop": self.sampling.stop if part.has_posterior else None,
            "prior": self.sampling.prior if part.has_posterior else None,
            "warm_start": [str(Path(path).resolve()) for path in self.sampling.warm_start] or None,
            **(distillation_keys(distillation) if distillation else {}),
            "reports": None if self.reports == REPORTS else (
                [report.to_dict() for report in self.reports] or "none"),
            "final": {"retrain_on": final.retrain_on} if final else None,
            "gpus": ",".join(self.devices.gpus) or None,
            "search_dict": [_item(key) for key in self.search_space.keys],
        }
        return {key: value for key, value in made.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SearchSettings:
        """The settings that a search file with the content ``data`` gives. Raises ConfigError."""
        return load_search_file(data)

    # --- flat names, for code that does not take groups yet; this block goes away ---
    base_config_file = property(lambda self: self.base.file)
    base_config = property(lambda self: self.base.config)
    output_dir = property(lambda self: self.output.output_dir)
    storage = property(lambda self: self.output.storage)
    keep_models = property(lambda self: self.output.keep_models)
    keys = property(lambda self: self.search_space.keys)
    space = property(lambda self: self.search_space.space)
    fixed = property(lambda self: self.search_space.baseline)
    metric = property(lambda self: self.objective.metric)
    search_mode = property(lambda self: self.sampling.sampler.name)
    acquisition = property(lambda self: self.sampling.sampler.options.get("acquisition", "EI"))
    prior = property(lambda self: self.sampling.prior)
    warm_start = property(lambda self: self.sampling.warm_start)
    stop = property(lambda self: self.sampling.stop)
    seed = property(lambda self: self.repeats.seed)
    search_times = property(lambda self: self.repeats.search_times)
    confirm = property(lambda self: self.repeats.confirm)
    de_duplication = property(lambda self: self.repeats.de_duplication)
    max_iter = property(lambda self: self.budget.max_iter)
    time_budget = property(lambda self: self.budget.time_budget)
    epoch_budget = property(lambda self: self.budget.epoch_budget)
    gpus = property(lambda self: self.devices.gpus)
    workers = property(lambda self: self.devices.workers)
    trial_timeout = property(lambda self: self.devices.trial_timeout)

    # --- end of the flat names ---


def _item(key: SearchKey) -> Config:
    """The item of search_dict that gives ``key``."""
    described = key.hyperparameter.describe()
    values = ({"search_values": described["choices"]} if "choices" in described else
              {"search_range": described["range"], "integer": described["integer"]})
    when = {"when": described["when"]} if "when" in described else {}
    paths = {"replace_config": list(key.replace_config)} if key.replace_config else {}
    return {"search_key": key.name, **values, "log": described["log"], **when, **paths}


def load_search_file(source: str | Mapping[str, Any], overrides: Sequence[str] = (), *,
                     dry_run: bool = False, paddleclas: str | None = None) -> SearchSettings:
    """Read a search file and its base config. Raises ConfigError with all mistakes of both.

    :param source: the file, or its content; ``base_config_file`` may hold the config itself
    :param overrides: ``key=value`` each; a key whose first letter is a capital (``Global.epochs``)
        goes to the base config (and the distillation config), any other to the search file
    :param dry_run: what this machine lacks (images, GPUs) becomes warnings
    :param paddleclas: a checkout in which base_config_file is looked for as well
    """
    reading = open_search_file(source, overrides, dry_run=dry_run, paddleclas=paddleclas)
    given, stages = reading.given, _uses_stages(reading)
    base_file, base = "", None
    if given.base_config_file:
        base_file, base = reading.config("base_config_file", given.base_config_file,
                                         reading.options)
    keys = _read_keys(reading, base)
    metric = fields.read_metric(reading, base)
    distillation = read_distillation(reading, keys, base=base, metric=metric) if stages else None
    baseline, final = fields.read_baseline(reading, keys), read_final(reading, base, keys)
    sampling = Sampling(fields.read_sampler(reading), budget.read_prior(reading),
                        budget.read_warm_start(reading), given.stop or "none")
    output = Output(fields.read_output_dir(reading), given.storage, given.keep_models)
    base = _check_rules(reading, base, keys)
    plan = make_plan(base, keys, distillation) if stages else None
    space = plan.space() if plan else Space(tuple(key.hyperparameter for key in keys))
    return SearchSettings(
        reading.file, BaseTraining(base_file, base), SearchSpace(tuple(keys), space, baseline),
        Objective(metric, eval_size(base)), sampling,
        Repeats(given.seed, given.search_times, given.confirm, given.de_duplication),
        _budget(reading, plan, space),
        Devices(given.gpus, given.workers, given.trial_timeout, given.executor or LOCAL), output,
        budget.read_pruner(reading), REPORTS if given.reports is None else given.reports, final,
        plan, distillation, notes=(*reading.notes, *_notes(reading)), warnings=tuple(map(str, reading.lacking)))


def _check_rules(reading: Reading, base: Config | None, keys: Sequence[SearchKey]) -> Config:
    """Check the rules about several keys. The base config, when nothing is wrong with anything;
    else raises ConfigError with all mistakes."""
    fields.check_sampler(reading, keys)
    fields.check_gpus(reading)
    budget.check_budgets(reading, base, keys)
    if keys and base is not None:
        check_ineffective(base, keys, reading.issues)
    if reading.issues or base is None:
        raise ConfigError(reading.file, sorted(reading.issues, key=_place))
    return base


def _uses_stages(reading: Reading) -> bool:
    return reading.sampler is not None and reading.sampler.uses_stages


def _read_keys(reading: Reading, base: Config | None) -> list[SearchKey]:
    items: Sequence[SearchItem] = reading.given.search_dict
    if _uses_stages(reading):
        base = base and with_new_paths(base, items)
        items = without_repeats(items, reading.notes)
    return read_search_dict(reading, base, items)


def _budget(reading: Reading, plan: Plan | None, space: Space) -> Budget:
    given, sampler = reading.given, reading.sampler
    usual = plan.most if plan else sampler.max_trials(space) if sampler else None
    return Budget(given.max_iter or usual or DEFAULT_MAX_ITER, given.time_budget,
                  given.epoch_budget)


def _place(issue: ValidationIssue) -> tuple[int, int]:
    """Mistakes are told in the order of the schema: overrides and unknown keys first."""
    known, (first, *rest) = list(SearchFile.model_fields), issue.where.split(".")
    if first.startswith("search_key "):
        return known.index("search_dict"), len(issue.where)
    if ": " in issue.where:
        return known.index("base_config_file"), 0
    number = int(rest[0]) if rest and rest[0].isdecimal() else 0
    return (known.index(first) if first in known else -1), number


def _notes(reading: Reading) -> tuple[str, ...]:
    notes, cores, given = [], os.cpu_count() or 1, reading.given
    if _uses_stages(reading) and len(given.gpus) > 1:
        notes.append("PaddleClas trains each trial on all listed GPUs; here each GPU trains a "
                     "trial of its own, with the batch size of the config (one that was meant for "
                     "several may want a smaller learning rate).")
    if given.gpus and "workers" in reading.data:
        notes.append("workers is for the CPU: with gpus, one trial runs on each listed GPU.")
    elif not given.gpus:
        visible = find_gpus()
        if visible:
            notes.append(f"Trials run on the CPU. GPUs are there: -o gpus={','.join(visible)} uses "
                         "them.")
        if given.workers > cores:
            notes.append(f"{given.workers} workers share {cores} CPU cores; more than that is no "
                         "faster.")
    return tuple(notes)
