"""The settings of a search in groups, one per topic. A function receives those that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paddle_transfer.registry import Component
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, Space

__all__ = ["BaseTraining", "Budget", "Component", "Devices", "Objective", "Output", "Repeats",
           "Sampling", "SearchSpace"]

LOCAL = Component("local")


@dataclass(frozen=True)
class BaseTraining:
    """The PaddleClas training config that a search varies.

    :param file: its path; ``base_config_file`` where the search file holds the config itself
    :param config: its content, overrides put in; never edited in place
    """

    file: str
    config: dict[str, Any]

    @property
    def is_inline(self) -> bool:
        """Whether the search file holds the config itself."""
        return self.file == "base_config_file"


@dataclass(frozen=True)
class SearchSpace:
    """What is searched.

    :param keys: the items of ``search_dict``, in their order
    :param space: their product space
    :param baseline: the point tried first and compared with (``fixed`` in the search file)
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

    :param seed: of the search, and of the first training of every point; repeats count up from it
    :param search_times: trainings of every point
    :param confirm: trainings in all that the best points and the baseline have in the end
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
    :param executor: a registered executor
    """

    gpus: tuple[str, ...] = ()
    workers: int = 1
    trial_timeout: float | None = None
    executor: Component = LOCAL

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
