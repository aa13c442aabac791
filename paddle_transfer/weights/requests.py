"""Which pretrained weights the trials of a search can ask for, and for which networks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.settings.groups import BaseTraining, Output, SearchSpace
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import apply_point
from paddle_transfer.space.space import Point
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.stages.plan import Plan
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.study.records import Proposal, Stage


@dataclass(frozen=True)
class WeightsRequest:
    """One file for one network.

    :param wanted: what the config asks for
    :param config: the parts of a trial's config that make the network
    :param stem: where the prepared file goes, without ``.pdparams``
    """

    wanted: pretrained.WantedWeights
    config: dict[str, Any]
    stem: str

    @property
    def arch(self) -> str | None:
        """PaddleClas's name of the network."""
        return pretrained.network_name(self.config)


def weights_requests(base: BaseTraining, search_space: SearchSpace, output: Output, *,
                     stages: SearchStages, plan: Plan | None = None) -> dict[str, WeightsRequest]:
    """What the trials of a search can ask for, by stem.

    Conditions (``when``) are ignored: at worst a file is prepared that no trial asks for.

    :param plan: of a greedy search
    """
    def config_of(point: Point, teacher: str | None = None) -> dict[str, Any]:
        """``point`` need not have all keys; ``teacher``: the config that trains it."""
        if plan is not None:
            stage = Stage.SEARCH if teacher is None else Stage.TEACHER
            return stages.raw_config(Proposal({**plan.first, **point}, stage, teacher))
        fixed = [replace(key, hyperparameter=Choice(key.name, (point[key.name],)))
                 for key in search_space.keys if key.name in point]  # without conditions
        return apply_strategy(apply_point(base.config, fixed, point))

    choices = {key.name: key.hyperparameter.values for key in search_space.keys
               if isinstance(key.hyperparameter, Choice)}
    # those of files that differ from one another, or from the base config's
    usual = pretrained.weights_key(config_of({}))
    telling = {name: values for name, values in choices.items() if {usual} != {
        pretrained.weights_key(config_of({name: value})) for value in values}}
    teachers = (None, *(plan.teachers if plan is not None else ()))
    found: dict[str, WeightsRequest] = {}
    for *values, teacher in itertools.product(*telling.values(), teachers):
        config = config_of(dict(zip(telling, values, strict=True)), teacher)
        wanted = pretrained.wanted_weights(config)
        stem = pretrained.prepared_stem(config, output.output_dir)
        if wanted is not None and stem is not None:
            found.setdefault(stem, WeightsRequest(wanted, pretrained.network_config(config), stem))
    return found
