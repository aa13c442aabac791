"""One trial: a PaddleClas training from ``<directory>/config.yaml``, reported epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from paddle_transfer.config import load
from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import TrialError
from paddle_transfer.predictions import predictions_beside
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.checkpoints import Checkpoints, ResumeFailed, open_checkpoints
from paddle_transfer.worker.further_lists import measure
from paddle_transfer.worker.locate import EngineHome, locate
from paddle_transfer.worker.options import EpochResult, RunOptions
from paddle_transfer.worker.training import Training, open_training


def run(job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
    """Train; the result as plain data: value, images (that it was measured on: the whole list) and
    their classes, list (a checksum of that), best_epoch, curve, seconds, seed, engine, stopped,
    pretrained.

    :param job: directory, and a payload with seed, device (``cpu``, ``gpu``), metric (None: the
        first of Metric.Eval), paddleclas (a checkout, or None), keep_weights (of the best epoch),
        pretrained (an ``Origin`` for all weights that the search prepared), shared_memory (bytes
        for this trial's data workers; None: all that are free), checkpoint_every (seconds between
        checkpoints, see ``worker.checkpoints``; None: none), also_measure (lists that the best
        weights are measured on, too: then the result has ``measured``), mean_of (files of weights
        whose mean is evaluated; nothing is trained: see ``worker.soup``)
    :param report: told epoch, value, images and scalars of every evaluated epoch; True ends the
        training
    :raises TrialError: this config can never train, or what came of it is no result: no iteration,
        no weight changed, not the whole list evaluated
    :raises Diverged: the loss became NaN or infinite
    """
    payload, directory = job["payload"], job["directory"]
    home = locate(payload.get("paddleclas"))
    print(f"paddle_transfer: {home}", flush=True)
    config = trial_config(load.load_yaml(os.path.join(directory, "config.yaml")),
                          directory=directory, payload=payload)
    path = os.path.join(directory, "best_model.pdparams")
    if payload.get("mean_of"):
        evaluated: dict[str, Any] = import_with_ppcls("soup", home).evaluate_mean(
            config, payload=payload, to=path, home=home, report=report)
        return {**evaluated, "seed": payload["seed"], "stopped": False}
    return _trained(config, payload, path=path, home=home, report=report)


def _trained(config: dict[str, Any], payload: dict[str, Any], *, path: str, home: EngineHome,
             report: Callable[..., bool]) -> dict[str, Any]:
    """Train by ``config``, or go on from a checkpoint; the result. ``path``: of the best weights,
    where they are wanted."""
    checkpoints = open_checkpoints(os.path.dirname(path), config, payload)
    checkpoints.find()
    try:
        return _train(config, payload, checkpoints, path=path, home=home, report=report)
    except ResumeFailed as error:
        checkpoints.forget(str(error))
        return _train(config, payload, checkpoints, path=path, home=home, report=report)


def _train(config: dict[str, Any], payload: dict[str, Any], checkpoints: Checkpoints, *, path: str,
           home: EngineHome, report: Callable[..., bool]) -> dict[str, Any]:
    """As ``_trained``. Raises ResumeFailed: not from this checkpoint."""
    def tell_again() -> None:
        for earlier in checkpoints.epochs:  # its parent may have died before it knew
            report(**earlier)

    def on_epoch(result: EpochResult) -> bool:
        checkpoints.epochs.append(vars(result))
        return bool(report(**vars(result)))

    checkpoints.on_restored = tell_again
    lists = payload.get("also_measure") or ()
    weights = path if payload.get("keep_weights") or lists else ""
    options = RunOptions(metric=payload.get("metric"), log_file=False, on_epoch=on_epoch,
                         prepared=payload.get("pretrained") or {}, weights_to=weights,
                         shared_memory=payload.get("shared_memory"), checkpoints=checkpoints,
                         predictions_to=predictions_beside(path))
    with open_training(config, home=home, options=options) as training:
        training.train()
    epochs = [EpochResult(**one) for one in checkpoints.epochs]
    value, epoch = _best(training, epochs)
    measured = {} if training.stopped or not lists else measure(
        config, lists, weights=path, home=home,
        best=next(one for one in epochs if one.epoch == epoch))
    if not payload.get("keep_weights") and weights and training.is_main_process:
        os.remove(path)
    return {"value": value, "images": training.images, "classes": training.classes or None,
            "list": training.list_mark, "best_epoch": epoch,
            "curve": [[one.epoch, one.value] for one in epochs],
            "seconds": checkpoints.seconds, "seed": payload["seed"],
            "engine": training.versions(), "stopped": training.stopped,
            "pretrained": training.loaded(), **({"measured": measured} if measured else {}),
            **({"resumed": checkpoints.resumed} if checkpoints.resumed else {})}


def _best(training: Training, epochs: Sequence[EpochResult]) -> tuple[float, int]:
    """(metric, epoch) of the best epoch. Raises TrialError: there is none."""
    value, epoch = training.best
    if not epochs or value is None:
        raise TrialError(
            "No epoch was evaluated: Global.eval_interval or Global.start_eval_epoch is beyond "
            "Global.epochs")
    return value, epoch


def trial_config(config: dict[str, Any], *, directory: str,
                 payload: dict[str, Any]) -> dict[str, Any]:
    """``config`` with the trial's directory, seed and device.

    It is evaluated in training, begins at no checkpoint, and draws nothing: the search does.
    """
    return for_trial(config, output_dir=directory, seed=payload["seed"],
                     device=payload.get("device") or "cpu")
