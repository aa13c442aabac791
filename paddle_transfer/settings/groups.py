"""The parts of a search's settings: frozen, typed, one for each concern. A room receives the parts that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paddle_transfer.registry import Component
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.space import Point, Space

__all__ = ["BaseTraining", "Budget", "Component", "Devices", "Objective", "Output", "Repeats",
           "Sampling", "SearchSpace"]


@dataclass(frozen=True)
class BaseTraining:
    """The PaddleClas training config that a search varies.

    :param file: its path
    :param config: its content, overrides put in; never edited in place
    """

    file: str
    config: dict[str, Any]


@dataclass(frozen=True)
class SearchSpace:
    """What is searched.

    :param keys: the items of ``search_dict``, in their order
    :param space: their product space
    :param baseline: the point tried first and compared with (``fixed`` in the search file); None: none
    """

    keys: tuple[SearchKey, ...]
    space: Space
    baseline: Point | None = None


@dataclass(frozen=True)
class Objective:
    """What is maximised.

    :param metric: the name under which ``Metric.Eval`` reports it
    :param eval_size: images that it is measured on; None: not known
    """

    metric: str
    eval_size: int | None = None


@dataclass(frozen=True)
class Sampling:
    """Who proposes points.

    :param sampler: a registered sampler (``search_mode``, or ``sampler`` in the search file)
    :param prior: ``shipped`` or ``none``
    :param warm_start: output folders of earlier searches and recorded tables
    :param stop: ``auto``: the search ends when little is left to gain; ``none``
    """

    sampler: Component
    prior: str = "none"
    warm_start: tuple[str, ...] = ()
    stop: str = "none"


@dataclass(frozen=True)
class Repeats:
    """How often a point is trained, and with which seeds.

    :param seed: of the first training of every point, and of the search itself; repeats count up from it
    :param search_times: trainings of every point
    :param confirm: trainings in all that the best points and the baseline have when the search has ended
    :param de_duplication: an evaluated point that is proposed again is not trained again
    """

    seed: int = 0
    search_times: int = 1
    confirm: int | None = None
    de_duplication: bool = True


@dataclass(frozen=True)
class Budget:
    """When a search ends.

    :param max_iter: suggestions at most
    :param time_budget: hours of searching in all; None: no limit
    :param epoch_budget: epochs of all trainings together; None: no limit
    """

    max_iter: int
    time_budget: float | None = None
    epoch_budget: int | None = None


@dataclass(frozen=True)
class Devices:
    """Where trials run.

    :param gpus: ids, one trial at a time on each; empty: the CPU
    :param workers: trials at once on the CPU
    :param trial_timeout: seconds that one training may take; None: no limit
    """

    gpus: tuple[str, ...] = ()
    workers: int = 1
    trial_timeout: float | None = None

    @property
    def kind(self) -> str:
        """``gpu`` or ``cpu``, as ``Global.device`` of a trial."""
        return "gpu" if self.gpus else "cpu"

    @property
    def slots(self) -> tuple[str, ...]:
        """One name for each trial that runs at once: ``gpu:3``, ``cpu:0``."""
        if self.gpus:
            return tuple(f"gpu:{gpu}" for gpu in self.gpus)
        return tuple(f"cpu:{i}" for i in range(self.workers))


@dataclass(frozen=True)
class Output:
    """Where results go.

    :param output_dir: as written, relative to the current directory
    :param storage: an Optuna storage URL; None: the journal file in output_dir
    :param keep_models: of how many of the best trials the weights are kept
    """

    output_dir: str
    storage: str | None = None
    keep_models: int = 3
