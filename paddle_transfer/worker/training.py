"""What carries out a training: PaddleClas's engine, or what a strategy names in its place."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from paddle_transfer.registry import attribute_of
from paddle_transfer.strategies.section import read_strategy
from paddle_transfer.worker.bootstrap import load_ppcls, open_engine
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import RunOptions


class Training(Protocol):
    """One training, and after ``train`` its result.

    ``images`` are how many images the metric is over, ``classes`` of how many classes these are (0:
    not counted), ``list_mark`` a checksum of the evaluated lists, ``metric`` the name of the metric
    that chooses the best epoch, ``stopped`` whether ``RunOptions.on_epoch`` ended it.
    """

    images: int
    classes: int
    list_mark: str | None
    metric: str | None
    stopped: bool

    def train(self) -> None:
        """Train. Raises TrialError or Diverged."""

    @property
    def best(self) -> tuple[float | None, int]:
        """(metric, epoch) of the best epoch; (None, 0) before there is one."""

    @property
    def best_path(self) -> str | None:
        """Where the best weights are, once there are some."""

    @property
    def output_dir(self) -> str:
        """Where it writes."""

    @property
    def is_main_process(self) -> bool:
        """Whether this process of a data-parallel run writes and prints for all."""

    def loaded(self) -> dict[str, Any] | None:
        """What was loaded (``LoadReport.to_dict``); None without weights."""

    def versions(self) -> dict[str, str]:
        """What trained, for the record."""


def open_training(config: dict[str, Any], *, home: EngineHome, options: RunOptions
                  ) -> AbstractContextManager[Training]:
    """The training that ``config`` asks for; leaves nothing behind. See ``open_engine``."""
    trainer = read_strategy(config).strategy.trainer
    if not trainer:
        return open_engine(config, mode="train", home=home, options=options)
    load_ppcls(home)
    made: AbstractContextManager[Training] = attribute_of(trainer)(config, home, options)
    return made
