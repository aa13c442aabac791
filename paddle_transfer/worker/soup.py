"""The mean of the weights of several trials, evaluated: a step of ``final: {soup: greedy}``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.errors import TrialError
from paddle_transfer.predictions import predictions_beside
from paddle_transfer.strategies.section import read_strategy
from paddle_transfer.strategies.worker.statistics import Statistics
from paddle_transfer.weights.mean import mean_of
from paddle_transfer.weights.write import write
from paddle_transfer.worker.bootstrap import open_engine
from paddle_transfer.worker.engine import TransferEngine
from paddle_transfer.worker.learnt import STATISTICS
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import RunOptions


def evaluate_mean(config: dict[str, Any], *, payload: dict[str, Any], to: str, home: EngineHome,
                  report: Callable[..., bool]) -> dict[str, Any]:
    """Write the mean of the files ``payload["mean_of"]`` to ``to``, a ``.pdparams``, and evaluate
    it on ``DataLoader.Eval`` of ``config``; a result as ``runner.run`` gives it, beside it
    ``statistics``: how many BatchNorms got new ones.

    The mean of running statistics is that of no network. Where they differ between the files they
    are taken anew, over the images that each training had them evaluated with; those that all
    files share, because they were frozen, stay.

    :raises TrialError: ``payload["metric"]`` is not evaluated
    :raises WeightsError: the files are not of one network
    """
    began, metric = time.monotonic(), payload["metric"]
    mean = mean_of(payload["mean_of"])
    write(to, mean.tensors)
    made = {**dotpath.clone(config), "Global": {**config["Global"], "pretrained_model": to}}
    made.pop("EMA", None)  # the files are of the average, where that was the better one
    options = RunOptions(metric=metric, log_file=False, weights_to="",
                         shared_memory=payload.get("shared_memory"),
                         predictions_to=predictions_beside(to))
    with open_engine(made, mode="eval", home=home, options=options) as engine:
        names = _take_statistics(engine, config, mean.moved)
        if names:
            state = engine.model.state_dict()
            write(to, {**mean.tensors, **{name: state[name].numpy() for name in names}})
        engine.eval()
        values = engine.last_eval[0]
        if metric not in values:
            raise TrialError(f"The metric {metric!r} is not evaluated outside of a training: "
                             f"Metric.Eval gives {', '.join(values) or 'nothing'}")
        report(epoch=1, value=values[metric], images=engine.images,
               scalars={f"eval/{name}": value for name, value in values.items()})
        return {"value": values[metric], "images": engine.images,
                "classes": engine.classes or None, "list": engine.list_mark, "best_epoch": 1,
                "curve": [[1, values[metric]]], "seconds": time.monotonic() - began,
                "engine": engine.versions(), "statistics": len(names) // len(STATISTICS)}


def _take_statistics(engine: TransferEngine, config: dict[str, Any], moved: frozenset[str]
                     ) -> list[str]:
    """Take the statistics ``moved`` anew; the names of those that are new."""
    names = [name for name in engine.model.state_dict()
             if name in moved and name.endswith(STATISTICS)]
    tensors = {id(engine.model.state_dict()[name]) for name in names}
    statistics = Statistics(engine.model)
    statistics.norms = [norm for norm in statistics.norms if id(norm._variance) in tensors]
    unlabeled = read_strategy(config).strategy.needs_unlabeled_data
    statistics.take(engine, "Unlabeled" if unlabeled else "Train")
    return names
