"""What a search will do and cost, as typed facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.config.base import list_size
from paddle_transfer.report.forecast import (
    final_trainings,
    first_points,
    most_confirmations,
    most_points,
    most_trials,
)
from paddle_transfer.report.preview import preview, trial_config
from paddle_transfer.settings.budget import most_epochs
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import Proposal


@dataclass(frozen=True)
class Estimate:
    """What a search will do and cost at most, known before its first trial.

    :param sampler: who proposes the points (``search_mode``)
    :param metric: what is maximised
    :param output_dir: where results go
    :param space_size: points of the space; None: continuous
    :param points: points that are tried at most
    :param trials: trainings of the search at most: repeats and ``confirm`` are counted
    :param final_trainings: trainings after the search (``final``)
    :param epochs_per_trial: epochs of the longest training; None: the configs do not say
    :param epochs: of all trials together at most, by ``epoch_budget`` too; None: not known
    :param images_per_epoch: images in the train list; None: it is not there (yet)
    :param hours: ``time_budget``; None: no limit
    :param slots: the devices, one for each trial that runs at the same time
    :param first_points: the points that are known before there are results
    :param first_config: the whole PaddleClas config of the first trial
    :param notes: remarks
    :param warnings: what this machine lacks, for which a real run would stop
    :param text: all that ``--dry-run`` prints; also ``str(estimate)``
    """

    sampler: str
    metric: str
    output_dir: str
    space_size: int | None
    points: int
    trials: int
    final_trainings: int
    epochs_per_trial: int | None
    epochs: int | None
    images_per_epoch: int | None
    hours: float | None
    slots: tuple[str, ...]
    first_points: tuple[Point, ...] = field(repr=False)
    first_config: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text


def make_estimate(settings: SearchSettings) -> Estimate:
    """The facts of a search whose file was read as for a dry run."""
    base, budget = settings.base, settings.budget
    trials, points = most_trials(settings) + most_confirmations(settings), first_points(settings)
    longest = most_epochs(base.config, settings.search_space.keys)
    epochs = [count for count in (longest and longest * trials, budget.epoch_budget) if count]
    return Estimate(
        sampler=settings.sampling.sampler.name, metric=settings.objective.metric,
        output_dir=settings.output.output_dir, space_size=settings.search_space.space.size,
        points=most_points(settings), trials=trials,
        final_trainings=final_trainings(settings),
        epochs_per_trial=longest, epochs=min(epochs, default=None),
        images_per_epoch=list_size(base.config, "Train"), hours=budget.time_budget,
        slots=tuple(settings.devices.slots), first_points=tuple(points),
        first_config=trial_config(settings, Proposal(points[0])), notes=settings.notes,
        warnings=settings.warnings, text=preview(settings))
