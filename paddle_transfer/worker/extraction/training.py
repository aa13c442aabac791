"""The training of the strategy ``feature_extraction``: no step of it, but a classifier."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np
import paddle
from ppcls.loss import build_loss
from ppcls.metric import build_metrics
from ppcls.utils import logger

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.errors import TrialError, did_you_mean
from paddle_transfer.strategies.feature_extraction import FeatureExtractionOptions
from paddle_transfer.strategies.section import apply_strategy, read_strategy
from paddle_transfer.weights.load_report import LoadReport
from paddle_transfer.worker.bootstrap import open_engine
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.engine import TransferEngine, versions, write_predictions
from paddle_transfer.worker.eval_loop import Evaluation
from paddle_transfer.worker.extraction.classifiers import Classifier, fit
from paddle_transfer.worker.extraction.trained_model import TrainedModel
from paddle_transfer.worker.features.feature_set import FeatureSet
from paddle_transfer.worker.features.opening import open_features
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import EpochResult, RunOptions
from paddle_transfer.worker.prepare_config import check_device, prepare_config
from paddle_transfer.worker.session import forget_loggers
from paddle_transfer.worker.whole_lists import list_mark, require_all


class FeatureTraining:
    """A ``worker.training.Training``, which builds no network when the features are known.

    :param config: of a training with this strategy, complete
    """

    def __init__(self, config: dict[str, Any], home: EngineHome, options: RunOptions):
        self._asked, self._home, self._run = config, home, options
        self._stack = ExitStack()
        self._engine: TransferEngine | None = None
        self.images, self.classes, self.stopped = 0, 0, False
        self.list_mark: str | None = None
        self.metric, self._value = options.metric, math.nan
        self.best_path: str | None = None
        self._report: LoadReport | None = None

    def __enter__(self) -> FeatureTraining:
        self._stack.callback(forget_loggers)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.close()

    def train(self) -> None:
        """Fit the classifier, measure it on ``DataLoader.Eval``, and write it.

        :raises TrialError: the config has no features, or its metrics no value
        """
        config = self._prepared()
        chosen = read_strategy(config).options
        assert isinstance(chosen, FeatureExtractionOptions), "the strategy names this class"
        seen, tested = (self._features(split, chosen.layer) for split in ("Train", "Eval"))
        classes = resolve.outputs(config)
        if classes is None:
            raise TrialError("Arch.class_num does not say how many classes there are")
        classifier = fit(seen.features, seen.labels, classes=classes, options=chosen)
        model = TrainedModel(config, self._home, classifier, (seen, tested), options=chosen,
                             prepared=self._run.prepared)
        self._report = model.report
        print(self._report.line(), flush=True)
        self._measure(config, classifier, tested)
        to = self._run.weights_to
        if to != "":
            self.best_path = to or os.path.join(self.output_dir, "best_model.pdparams")
            model.write(self.best_path)

    @property
    def best(self) -> tuple[float | None, int]:
        """(metric, epoch): there is one epoch."""
        return (None, 0) if math.isnan(self._value) else (self._value, 1)

    @property
    def output_dir(self) -> str:
        return str(self._asked["Global"]["output_dir"])

    @property
    def is_main_process(self) -> bool:
        return True

    def loaded(self) -> dict[str, Any] | None:
        return self._report.to_dict() if self._report else None

    def versions(self) -> dict[str, str]:
        return versions(self._home)

    def _prepared(self) -> dict[str, Any]:
        if paddle.distributed.get_world_size() > 1:
            raise TrialError("feature_extraction runs in one process: start it without "
                             "paddle.distributed.launch")
        check_device(self._asked["Global"]["device"])
        self._asked = apply_strategy(self._asked)
        return prepare_config(self._asked, mode="train")

    def _features(self, split: str, layer: str) -> FeatureSet:
        return open_features(self._asked, split, home=self._home, engine=self._opened, layer=layer,
                             prepared=self._run.prepared)

    def _opened(self) -> TransferEngine:
        """An engine with the pretrained weights; one for both lists."""
        engine = self._engine
        if engine is None:
            options = RunOptions(weights_to="", log_file=False, prepared=self._run.prepared,
                                 shared_memory=self._run.shared_memory)
            self._engine = engine = self._stack.enter_context(open_engine(
                self._asked, mode="train", home=self._home, options=options))
        return engine

    def _measure(self, config: dict[str, Any], classifier: Classifier, tested: FeatureSet) -> None:
        """Measure by PaddleClas's own metrics and losses, and report the epoch."""
        scores = classifier.scores(tested.features).astype(np.float32)
        if not np.isfinite(scores).all():
            raise Diverged("the classifier's answers in the evaluation are no numbers")
        if logger._logger is None:  # losses log while they are built
            logger.init_logger()
        metrics, losses = (dotpath.find(config, path) for path in ("Metric.Eval", "Loss.Eval"))
        preds = paddle.to_tensor(scores)
        labels = paddle.to_tensor(tested.labels.astype(np.int64).reshape(-1, 1))
        metric_func, found = build_metrics(metrics) if metrics else None, Evaluation()
        found.add(preds, labels, len(scores), metric_func=metric_func, losses=(
            build_loss(dotpath.clone(losses))(preds, labels) if losses else {}))
        found.finish(metric_func)
        self.images = require_all(found.seen, len(tested.labels))
        write_predictions(found.predictions, self._run)
        self.classes, self.list_mark = len(found.per_class.seen), list_mark(config)
        self.metric = self.metric or next(iter(found.values), None)
        if self.metric not in found.values:
            raise TrialError(
                f"The metric {self.metric!r} is not evaluated: Metric.Eval gives "
                f"{', '.join(found.values) or 'nothing'}. "
                f"{did_you_mean(str(self.metric), list(found.values))}")
        self._value = found.values[self.metric]
        told = {**{name: float(one.avg) for name, one in found.losses.items()}, **found.values}
        print("[Eval] " + ", ".join(f"{name}: {value:.5f}" for name, value in told.items())
              + f", images: {self.images}", flush=True)
        if self._run.on_epoch is not None:
            self.stopped = bool(self._run.on_epoch(EpochResult(
                1, self._value, self.images,
                {f"eval/{name}": value for name, value in told.items()})))
