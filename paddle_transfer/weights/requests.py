"""Which pretrained weights the trials of a search can ask for, and for which networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.space.catalog import apply_point
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.study.records import Proposal, Stage


@dataclass(frozen=True)
class Need:
    """One file for one network.

    :param config: the parts of a trial's config that make the network
    :param stem: where the prepared file goes, without ``.pdparams``
    """

    wanted: pretrained.WantedWeights
    config: dict[str, Any]
    stem: str


def needs(settings: Any) -> dict[str, Need]:
    """What the trials of a search can ask for, by stem."""
    found: dict[str, Need] = {}
    for config in _configs(settings):
        wanted = pretrained.wanted_weights(config)
        if wanted is not None:
            stem = pretrained.prepared_stem(config, settings.output_dir)
            found.setdefault(stem, Need(wanted, pretrained.network_config(config), stem))
    return found


def _configs(settings: Any) -> Iterator[dict]:
    """The configs of points that stand for all weights and networks of the search. Conditions (``when``) are not
    looked at: at worst a file is prepared that no trial asks for."""
    chosen = [
        key for key in settings.keys
        if isinstance(key.hyperparameter, Choice) and _matters(settings, key)
    ]
    teachers = settings.plan.teachers if getattr(settings, "plan", None) else ()
    for values in itertools.product(*(key.hyperparameter.values for key in chosen)):
        point = {key.name: value for key, value in zip(chosen, values)}
        yield _config(settings, point)
        for teacher in teachers:
            yield settings.stages.raw_config(
                Proposal({**settings.plan.first, **point}, Stage.TEACHER, teacher))


def _matters(settings: Any, key: Any) -> bool:
    """Whether the values of ``key`` ask for different files: most keys touch neither weights nor network."""
    return len({
        pretrained.weights_key(_config(settings, {key.name: value}))
        for value in key.hyperparameter.values
    }) > 1


def _config(settings: Any, point: dict[str, Any]) -> dict:
    """The base config with the values of ``point``, which need not have all."""
    if getattr(settings, "plan", None):
        return settings.stages.raw_config(Proposal({**settings.plan.first, **point}))
    keys = [replace(key, hyperparameter=Choice(key.name, (point[key.name],)))  # without conditions
            for key in settings.keys if key.name in point]
    return apply_strategy(apply_point(settings.base_config, keys, point))
