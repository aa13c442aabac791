"""The search file -> ``SearchSettings``. Every mistake is found before any is raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath, errors
from paddle_transfer.config.base import comparable
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.registry import Component, UnknownName
from paddle_transfer.rules.base import Rule
from paddle_transfer.rules.evaluation import check_comparable
from paddle_transfer.rules.registry import rules_for
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings import budget, fields, greedy, groups
from paddle_transfer.settings.also_measure import read_objective
from paddle_transfer.settings.check_reachable import check_reachable
from paddle_transfer.settings.devices import read_devices
from paddle_transfer.settings.final import Final, read_final
from paddle_transfer.settings.ineffective_keys import check_ineffective
from paddle_transfer.settings.kinds import Kind, kinds_of
from paddle_transfer.settings.output_folder import check_output_folder
from paddle_transfer.settings.reading import UNNAMED, Reading, open_search_file
from paddle_transfer.settings.remarks import remarks
from paddle_transfer.settings.schema import SearchFile, SearchItem
from paddle_transfer.settings.search_dict import read_search_dict
from paddle_transfer.settings.wording import Places
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Space
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.distillation import make_stages
from paddle_transfer.stages.plan import Distillation, Plan, make_plan

Config = dict[str, Any]

#: What shows a search whose file does not say it.
REPORTS = (Component("visualdl"), Component("html"), Component("terminal"))

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
    base: groups.BaseTraining
    search_space: groups.SearchSpace
    objective: groups.Objective
    sampling: groups.Sampling
    repeats: groups.Repeats
    budget: groups.Budget
    devices: groups.Devices
    output: groups.Output
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
        stages: Config = {"greedy": True} if self.plan else {}
        if self.distillation:
            stages["distillation"] = {**self.distillation.identity(),
                                      "config": comparable(self.distillation.config)}
        space = {}
        for key in self.search_space.keys:
            described = key.hyperparameter.describe()
            described.pop("name")
            space[key.name] = {**described, "edits": list(key.replace_config) or "catalogue"}
        made: Config = dotpath.with_text_keys({  # as the study on disk has them
            "space": space, "order": list(self.stages.names), "metric": self.objective.metric,
            "seed": self.repeats.seed, "search_times": self.repeats.search_times,
            "base_config": comparable(self.base.config), **stages,
            **({"processes_per_trial": self.devices.processes,
                "rate_factor": self.devices.rate_factor} if self.devices.processes > 1 else {})})
        return made

    @property
    def stages(self) -> SearchStages:
        """What the search trains, stage after stage, and with which configs."""
        return make_stages(
            base=self.base.config, keys=self.search_space.keys, space=self.search_space.space,
            output_dir=self.output.output_dir, seed=self.repeats.seed,
            search_times=self.repeats.search_times, plan=self.plan, distillation=self.distillation,
            rate_factor=self.devices.rate_factor)

    def to_dict(self) -> Config:
        """The search file as it was understood, defaults included; ``from_dict`` reads it.
        Overrides of the base config are not in it."""
        sampler, base, distillation = self.sampling.sampler, self.base, self.distillation
        part, executor = SAMPLERS[sampler.name], self.devices.executor
        plain = sampler.name in SAMPLERS.names() and not sampler.options.keys() - {"acquisition"}
        reports = [report.to_dict() for report in self.reports] or "none"
        posterior = {"stop": self.sampling.stop, "prior": self.sampling.prior, "pruner": "none"}
        made = {
            "base_config_file": base.config if base.is_inline else base.file,
            **({"search_mode": sampler.name, **sampler.options} if plain
               else {"sampler": sampler.to_dict()}),
            **vars(self.output), **vars(self.budget), **vars(self.repeats), **vars(self.devices),
            "storage": self.output.storage and str(self.output.storage),
            "confirm": self.repeats.confirm or ("none" if budget.goes_by_results(part) else None),
            "metric": self.objective.metric,
            "also_measure": list(self.objective.also_measure) or None,
            "fixed": self.search_space.baseline,
            "gpus": ",".join(self.devices.gpus) or None, "sharing": None,  # of executor
            "checkpoint_every": "none" if self.devices.checkpoint_every is None else
            self.devices.checkpoint_every,
            "executor": None if executor == groups.LOCAL else executor.to_dict(),
            **(posterior if part.has_posterior else {}),
            **({"pruner": self.pruner.to_dict()} if self.pruner else {}),
            "warm_start": [str(Path(path).resolve()) for path in self.sampling.warm_start] or None,
            **(greedy.distillation_keys(distillation) if distillation else {}),
            "reports": None if self.reports == REPORTS else reports,
            "final": self.final and {
                key: value for key, value in vars(self.final).items() if value is not None},
            "search_dict": [_item(key) for key in self.search_space.keys]}
        return {key: value for key, value in made.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SearchSettings:
        """The settings that a search file with the content ``data`` gives. Raises ConfigError."""
        return load_search_file(data)


# --- Flat names, for tests that do not ask for groups yet; this block goes away. ---
for _path in ("base.file", "base.config", "output.output_dir", "output.storage",
              "output.keep_models", "search_space.keys", "search_space.space",
              "search_space.baseline", "objective.metric", "sampling.sampler.name",
              "sampling.prior", "sampling.warm_start", "sampling.stop", "repeats.seed",
              "repeats.search_times", "repeats.confirm", "repeats.de_duplication",
              "budget.max_iter", "budget.time_budget", "budget.epoch_budget", "devices.gpus",
              "devices.workers", "devices.trial_timeout"):
    _name = {"base.file": "base_config_file", "base.config": "base_config", "search_space.baseline":
             "fixed", "sampling.sampler.name": "search_mode"}.get(_path, _path.rpartition(".")[2])
    setattr(SearchSettings, _name, property(attrgetter(_path)))
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
                     dry_run: bool = False, paddleclas: str | None = None,
                     ppcls: Path | None = None) -> SearchSettings:
    """Read a search file and its base config. Raises ConfigError with all mistakes of both.

    :param source: the file, or its content; ``base_config_file`` may hold the config itself
    :param overrides: ``key=value`` each; a key whose first letter is a capital (``Global.epochs``)
        goes to the base config (and the distillation config), any other to the search file
    :param dry_run: what this machine lacks (images, GPUs) becomes warnings
    :param paddleclas: a checkout in which base_config_file is looked for as well
    :param ppcls: PaddleClas's folder of that name, whose networks, optimizers and so on may be
        named; None: names are not checked
    """
    file = source if isinstance(source, str) else UNNAMED
    try:
        with errors.reading(file):
            reading = open_search_file(source, overrides, dry_run=dry_run, paddleclas=paddleclas)
            return _settings(replace(reading, ppcls=ppcls))
    except UnknownName as error:  # a module:attribute that is no part of the kind
        raise ConfigError(file, [errors.ValidationIssue("", str(error))]) from error


def _settings(reading: Reading) -> SearchSettings:
    """The settings of what has been read; see ``load_search_file``."""
    given, base_file, base = reading.given, "", None
    if given.base_config_file:
        base_file, base = reading.config("base_config_file", given.base_config_file,
                                         reading.options)
    reading.explain_unknown(base)
    metric = fields.read_metric(reading, base)
    keys = _read_keys(reading, base, metric)
    distillation = greedy.read_distillation(reading, keys, base=base, metric=metric)
    baseline = fields.read_baseline(reading, keys)
    final = read_final(reading, base, keys, metric=metric)
    sampling = groups.Sampling(fields.read_sampler(reading), given.prior or "none",
                               budget.read_warm_start(reading), given.stop or "none")
    output = groups.Output(fields.read_output_dir(reading), given.storage, given.keep_models)
    sound, devices = True, read_devices(reading, base_file, base)
    if keys and base is not None:
        rules = rules_for(metric="" if reading.spoilt("metric") else metric, ppcls=reading.ppcls,
                          tested=final is not None, processes=devices.processes)
        kinds = kinds_of(base_file, base, keys, stepwise=reading.uses_stages,
                         distillation=distillation, final=final)
        sound = _check_kinds(reading, keys, kinds, rules)
    student = {distillation.config_file: distillation.config} if distillation else {}
    check_output_folder(reading, output.output_dir, {base_file: base, **student})
    objective = groups.Objective(metric) if base is None else read_objective(
        reading, metric, base, keys)
    base = _check_rules(reading, base, keys, sound=sound)
    plan = make_plan(base, keys, distillation) if reading.uses_stages else None
    space = plan.space() if plan else Space(tuple(key.hyperparameter for key in keys))
    usual = plan.most if plan else SAMPLERS[sampling.sampler.name].max_trials(space)
    return SearchSettings(
        reading.file, groups.BaseTraining(base_file, base, reading.options),
        groups.SearchSpace(tuple(keys), space, baseline), objective, sampling,
        groups.Repeats(given.seed, given.search_times, budget.read_confirm(reading),
                       given.de_duplication),
        groups.Budget(given.max_iter or usual or DEFAULT_MAX_ITER, given.time_budget,
                      given.epoch_budget),
        devices, output, budget.read_pruner(reading),
        REPORTS if given.reports is None else given.reports, final, plan, distillation,
        (*reading.notes, *remarks(reading, base, devices, keys)), tuple(map(str, reading.lacking)))


def _check_kinds(reading: Reading, keys: Sequence[SearchKey], kinds: Sequence[Kind],
                 rules: Sequence[Rule]) -> bool:
    """See ``check_reachable``."""
    places = Places({key.name: i for i, key in enumerate(keys)},
                    conditional=not reading.uses_stages)
    return check_reachable(kinds, rules, places, issues=reading.issues, lacking=reading.lacking)


def _check_rules(reading: Reading, base: Config | None, keys: Sequence[SearchKey], *,
                 sound: bool) -> Config:
    """Check the rules about several keys. The base config, when nothing is wrong with anything;
    else raises ConfigError with all mistakes.

    :param sound: whether all values can be put into configs
    """
    fields.check_sampler(reading, keys)
    countable = fields.check_size(reading, keys)
    budget.check_budgets(reading, base, keys if sound else ())
    if keys and base is not None and countable:
        check_comparable(base, keys, reading.issues)
    if keys and base is not None and countable and sound and not any(
            issue.where.startswith("search_dict.") for issue in reading.issues):
        check_ineffective(base, keys, reading.issues, stepwise=reading.uses_stages,
                          ppcls=reading.ppcls)
    if reading.issues or base is None:
        raise ConfigError(reading.file, sorted(reading.issues, key=_place))
    return base


def _read_keys(reading: Reading, base: Config | None, metric: str) -> list[SearchKey]:
    items: Sequence[SearchItem] = reading.given.search_dict
    if reading.uses_stages:
        base = base and greedy.with_new_paths(base, items)
        items = greedy.without_repeats(items, reading.notes)
    return read_search_dict(reading, base, items, metric=metric)


def _place(issue: ValidationIssue) -> tuple[int, int]:
    """Mistakes are told in the order of the schema: overrides and unknown keys first."""
    known, (first, *rest) = list(SearchFile.model_fields), issue.where.split(".")
    if first.startswith("search_key "):
        return known.index("search_dict"), len(issue.where)
    if ": " in issue.where:
        return known.index("base_config_file"), 0
    number = int(rest[0]) if rest and rest[0].isdecimal() else 0
    return (known.index(first) if first in known else -1), number
