"""The settings of a search in groups, one for each concern. A room receives those that it needs.

Fields with the name of a key of the search file mean what that key means (``texts.yaml``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paddle_transfer.executors.base import Sharing
from paddle_transfer.registry import Component
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.url import StorageUrl

__all__ = ["BaseTraining", "Budget", "Component", "Devices", "Objective", "Output", "Repeats",
           "Sampling", "SearchSpace"]

LOCAL = Component("local")
#: Seconds.
CHECKPOINT_EVERY = 60.0
#: One trial on each device.
ALONE = Sharing()


@dataclass(frozen=True)
class BaseTraining:
    """The PaddleClas training config that a search varies.

    :param file: its path; ``base_config_file`` where the search file holds the config itself
    :param config: its content, overrides put in; never edited in place
    :param options: the overrides, ``key=value`` each
    """

    file: str
    config: dict[str, Any]
    options: tuple[str, ...] = ()

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
    """What is maximised: ``metric``, measured on ``eval_size`` images (None: not known).

    :param also_measure: lists on which each trial's best weights are measured as well
    :param others: the metrics that are reported beside ``metric`` then
    """

    metric: str
    eval_size: int | None = None
    also_measure: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def measured(self) -> tuple[tuple[str, str], ...]:
        """(list, metric) of the further columns of the results; ``val`` is the evaluation's."""
        names = (self.metric, *self.others)
        return tuple((one, name) for one in ("val", *self.also_measure) for name in names
                     if (one, name) != ("val", self.metric)) if self.also_measure else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of ``measured``: ``top5``, ``train_top1``."""
        return tuple(name if one == "val" else f"{one}_{name}" for one, name in self.measured)


@dataclass(frozen=True)
class Sampling:
    """Who proposes points, and what that sampler knows beforehand."""

    sampler: Component
    prior: str = "none"
    warm_start: tuple[str, ...] = ()
    stop: str = "none"


@dataclass(frozen=True)
class Repeats:
    """How often a point is trained, and with which seeds: ``seed``, ``seed`` + 1, ..."""

    seed: int = 0
    search_times: int = 1
    confirm: int | None = None
    de_duplication: bool = True


@dataclass(frozen=True)
class Budget:
    """When a search ends: after so many suggestions, hours, epochs of all trainings."""

    max_iter: int
    time_budget: float | None = None
    epoch_budget: int | None = None


@dataclass(frozen=True)
class Devices:
    """Where trials run: ids of GPUs, or else so many ``workers`` on the CPU, or wherever the
    executor places them. Of GPUs that ``sharing`` leaves over none is used."""

    gpus: tuple[str, ...] = ()
    workers: int = 1
    trial_timeout: float | None = None
    executor: Component = LOCAL
    checkpoint_every: float | None = CHECKPOINT_EVERY
    sharing: Sharing = ALONE

    @property
    def processes(self) -> int:
        """That train each trial together, each on a device of its own."""
        return self.sharing.gpus_per_trial if self.gpus else self.sharing.processes_per_trial

    @property
    def rate_factor(self) -> int:
        """What learning rates are multiplied with (``space.optimizers.scale_rates``)."""
        return self.processes if self.sharing.scale_learning_rate else 1

    @property
    def kind(self) -> str:
        """``gpu`` or ``cpu``, as ``Global.device`` of a trial."""
        return "gpu" if self.gpus or self.executor.options.get("gpus_per_trial") else "cpu"

    @property
    def slots(self) -> tuple[str, ...]:
        """One name for each trial that runs at once, as ``ExecutorContext`` has them."""
        if not self.gpus:
            return tuple(f"{self.kind}:{number}" for number in range(self.workers))
        size = self.processes
        groups = [",".join(self.gpus[i:i + size])
                  for i in range(0, len(self.gpus) - size + 1, size)]
        more = [f"#{i}" if i > 1 else "" for i in range(1, self.sharing.trials_per_gpu + 1)]
        return tuple(f"gpu:{group}{one}" for one in more for group in groups)


@dataclass(frozen=True)
class Output:
    """Where results go: ``output_dir`` is relative to the current directory."""

    output_dir: str
    storage: str | None = None
    keep_models: int = 3

    def __post_init__(self) -> None:
        if self.storage is not None:  # no message and no file gets its password
            object.__setattr__(self, "storage", StorageUrl(self.storage))
