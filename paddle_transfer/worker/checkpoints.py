"""When a training saves a checkpoint, and what it has told before one. Imports no Paddle."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer import dotpath
from paddle_transfer.errors import is_disk_full, one_line
from paddle_transfer.weights.checkpoint import Checkpoint, CheckpointFolder, Distrusted

#: The folder of a trial's checkpoint, in the trial's own.
FOLDER = "checkpoint"
#: A save may take one part in so many of the time of training.
SHARE = 50


class ResumeFailed(Exception):
    """A checkpoint does not fit the training that was opened for it."""


class Checkpoints:
    """The checkpoints of one training; ``found`` is that to go on from.

    :param folder: None: none are saved or looked for
    :param every: seconds of training between two of them; 0: after every epoch
    :param clock: seconds, monotonic
    """

    def __init__(self, folder: CheckpointFolder | None, *, every: float = 0.0,
                 clock: Callable[[], float] = time.monotonic):
        self._folder, self._every, self._clock = folder, every, clock
        self._began = self._saved = clock()
        self._cost = self._before = 0.0
        #: Evaluated epochs (``EpochResult``) as plain data, with those of earlier attempts.
        self.epochs: list[dict[str, Any]] = []
        #: The epochs after which attempts have gone on.
        self.resumed: list[int] = []
        self.found: Checkpoint | None = None
        #: Called once the training is what it was when ``found`` was saved.
        self.on_restored: Callable[[], None] = lambda: None

    @property
    def seconds(self) -> float:
        """How long it has trained, with the time of earlier attempts up to their checkpoints."""
        return self._before + self._clock() - self._began

    def find(self) -> None:
        """Look for the checkpoint of an earlier attempt; a line in the log says what becomes of
        it."""
        try:
            found = self._folder.load() if self._folder else None
            if found is None:
                return
            told = found.state["told"]
            self.epochs = list(told["epochs"])
            self.resumed = [*told["resumed"], found.epoch]
            self._before = told["seconds"]
        except Distrusted as error:
            self.forget(f"the checkpoint {error}")
            return
        except (KeyError, TypeError):
            self.forget("the checkpoint is of another version")
            return
        self.found = found
        _say(f"goes on after epoch {found.epoch}, from a checkpoint")

    def forget(self, why: str) -> None:
        """Delete what was found, and begin anew."""
        _say(f"trains from its first epoch: {why}")
        if self._folder is not None:
            self._folder.delete()
        self.found, self.epochs, self.resumed = None, [], []
        self._began, self._before = self._clock(), 0.0

    def switch_off(self, why: str) -> None:
        """Save none."""
        if self._folder is not None:
            _say(f"saves no checkpoints: {why}")
        self._folder = None

    @property
    def due(self) -> bool:
        """Whether one is to be saved now, at the end of an epoch."""
        waited = self._clock() - self._saved
        return self._folder is not None and waited >= max(self._every, SHARE * self._cost)

    def save(self, epoch: int, state: Mapping[str, Any], tensors: Mapping[str, np.ndarray],
             files: Mapping[str, Path]) -> None:
        """Save the state of a training after ``epoch``. Where it cannot be written, the training
        goes on without checkpoints."""
        assert self._folder is not None, "none is due"
        began = self._clock()
        told = {"epochs": self.epochs, "resumed": self.resumed, "seconds": self.seconds}
        try:
            self._folder.save(epoch, {"told": told, **state}, tensors, files)
        except OSError as error:
            self._folder.delete()
            self.switch_off("the disk is full" if is_disk_full(error) else one_line(error))
            return
        self._saved = self._clock()
        self._cost = self._saved - began if self._every else 0.0
        _say(f"checkpoint after epoch {epoch}")


def open_checkpoints(directory: str, config: Mapping[str, Any], payload: Mapping[str, Any]
                     ) -> Checkpoints:
    """Those of the trial in ``directory``, as its job's ``payload`` asks for.

    :param config: of the training
    """
    every = payload.get("checkpoint_every")
    if every is None:
        return Checkpoints(None)
    given = dotpath.clone(dict(config))
    given["Global"].pop("output_dir", None)
    weights = {name: origin.get("sha256") for name, origin
               in (payload.get("pretrained") or {}).items()}
    parts = [given, payload.get("metric"), bool(payload.get("keep_weights")),
             bool(payload.get("also_measure")), weights]
    made_by = hashlib.sha256(dotpath.stable_text(parts).encode()).hexdigest()
    return Checkpoints(CheckpointFolder(os.path.join(directory, FOLDER), made_by=made_by),
                       every=every)


def _say(text: str) -> None:
    print(f"paddle_transfer: {text}", flush=True)
