"""One evaluation: of a classification by a loop of our own, with 0-D tensors and on several CPUs
too; others keep PaddleClas's loop."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import paddle
from paddle import Tensor
from ppcls.engine import evaluation
from ppcls.engine.engine import Engine
from ppcls.utils import logger
from ppcls.utils.misc import AverageMeter

from paddle_transfer.predictions import Predictions
from paddle_transfer.worker import retrieval
from paddle_transfer.worker.batches import Batch, Output, autocast, average, from_dali, read
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.metrics import (
    PerClassAccuracy,
    TopKCounts,
    main_logits,
    metric_values,
    predictions_of,
)
from paddle_transfer.worker.whole_lists import count_images, require_all

#: 2.4 and 2.5 never hand the label to a recognition model, 2.6 does (its head needs it).
LABEL_IN_EVAL = "engine.model(batch[0], batch[1])" in inspect.getsource(
    evaluation.classification_eval)


@dataclass
class Evaluation:
    """What was measured on ``seen`` images.

    :param values: all metrics by name, in their order
    :param predictions: the answers on the images; None where these have other labels than one class
    """

    losses: dict[str, AverageMeter] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    top_k: TopKCounts = field(default_factory=TopKCounts)
    per_class: PerClassAccuracy = field(default_factory=PerClassAccuracy)
    seen: int = 0
    predictions: Predictions | None = None
    _parts: list[Predictions] = field(default_factory=list)

    def add(self, preds: Output, labels: Tensor, count: int, *, metric_func: Any,
            losses: Mapping[str, Tensor], single_label: bool = True) -> None:
        """Add ``count`` images: the answers of the network, and labels (images, 1).

        :param metric_func: PaddleClas's ``CombinedMetrics``; None without metrics
        :param losses: by name, the mean over these images
        """
        average(self.losses, losses, count)
        if metric_func is not None:
            metric_func(preds, labels)
            self.top_k.add(metric_func, preds, count)
        if single_label:
            self.per_class.add(preds, labels)
            self._parts += predictions_of(preds, labels)
        self.seen += count

    def finish(self, metric_func: Any) -> None:
        """Compute ``values`` of all that was added. Raises TrialError: a metric has none."""
        self.values = metric_values(metric_func, self.top_k)
        if sum(self.per_class.seen.values()) == self.seen:  # else images have other labels
            self.values |= self.per_class.named()
        if self._parts and sum(len(part.labels) for part in self._parts) == self.seen:
            self.predictions = Predictions.join(self._parts)


def evaluator(engine: Engine) -> Callable[[int], Evaluation]:
    """Makes one evaluation, given the epoch, of the kind that ``Global.eval_mode`` says."""
    stock = engine.eval_func
    if engine.eval_mode == "classification":
        return lambda epoch_id: evaluate(engine, epoch_id)
    if engine.eval_mode == "retrieval":
        return lambda epoch_id: Evaluation(**retrieval.evaluate(engine, stock, epoch_id))
    return lambda epoch_id: _evaluate_faces(engine, stock, epoch_id)


def _evaluate_faces(engine: Engine, stock: Callable[[Engine, int], Any], epoch_id: int
                    ) -> Evaluation:
    """PaddleClas's ``adaface``, which has one metric, whatever ``Metric.Eval`` says."""
    with count_images(engine, "eval_dataloader") as (loader, ):
        value = float(stock(engine, epoch_id))
    seen = require_all(loader.seen, len(loader.dataset))
    return Evaluation(values={engine.options.metric or "metric": value}, seen=seen)


def evaluate(engine: Engine, epoch_id: int) -> Evaluation:
    """Evaluate on ``DataLoader.Eval``.

    :raises TrialError: not every image of the list was measured once
    :raises Diverged: the network answers with NaN
    """
    if hasattr(engine.eval_metric_func, "reset"):
        engine.eval_metric_func.reset()
    measured, began = Evaluation(), time.monotonic()
    loader = engine.eval_dataloader
    total = loader.size if engine.use_dali else len(loader.dataset)
    for iter_id, batch in enumerate(read(iter(loader))):
        _evaluate_batch(engine, batch, measured, total=total)
        if iter_id % engine.config["Global"]["print_batch_step"] == 0:
            losses = "".join(f"{name}: {meter.val:.5f}, "
                             for name, meter in measured.losses.items())
            speed = measured.seen / (time.monotonic() - began)
            logger.info(f"[Eval][Epoch {epoch_id}][Iter: {iter_id}/{len(loader)}]{losses}"
                        f"ips: {speed:.5f} images/sec")
    if engine.use_dali:
        loader.reset()
    require_all(measured.seen, total)
    measured.finish(engine.eval_metric_func)
    return measured


def _evaluate_batch(engine: Engine, batch: Batch, measured: Evaluation, *, total: int) -> None:
    """Add one batch (of every process) to what was measured.

    :param total: samples of the data set; the sampler of several processes repeats some to fill the
        last batch, which do not count
    """
    if engine.use_dali:
        batch[:] = from_dali(batch) if isinstance(batch[0], dict) else batch
    batch[0] = paddle.to_tensor(batch[0])
    if not engine.multilabel:
        batch[1] = batch[1].reshape([-1, 1]).astype("int64")
    with autocast(engine, is_eval=True):
        with_label = engine.is_rec and LABEL_IN_EVAL
        out = engine.model(batch[0], batch[1]) if with_label else engine.model(batch[0])
    for key in ("Student", "logits"):
        if isinstance(out, dict) and key in out:
            out = out[key]
    preds, labels = _gather(out), _gather(batch[1])
    _check_numbers(preds)
    processes = paddle.distributed.get_world_size()
    count, left = batch[0].shape[0] * processes, total - measured.seen
    if count > left and not engine.use_dali and processes > 1:
        count = left
        preds = [pred[:count] for pred in preds] if isinstance(preds, list) else preds[:count]
        labels = labels[:count]
    losses: dict[str, Tensor] = {}
    if engine.eval_loss_func is not None:
        with autocast(engine, is_eval=True):
            losses = engine.eval_loss_func(preds, labels)
    measured.add(preds, labels, count, metric_func=engine.eval_metric_func, losses=losses,
                 single_label=not engine.multilabel)


def _check_numbers(preds: Output) -> None:
    """Metrics of classes are numbers also where the network's answers are none. Raises Diverged."""
    logits = main_logits(preds)
    if logits is not None and bool(paddle.isnan(logits.astype("float32")).any()):
        raise Diverged("the network's answers in the evaluation are nan")


def _gather(value: Output) -> Any:
    """``value`` of all processes, one behind the other.

    PaddleClas asks ParallelEnv for a device number here, which a CPU does not have; tensors are on
    the right device already.
    """
    if paddle.distributed.get_world_size() == 1 or isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return [_gather(item) for item in value]
    if paddle.device.is_compiled_with_cuda() and "gpu" in paddle.device.get_device():
        value = value.cuda()
    parts: list[paddle.Tensor] = []
    paddle.distributed.all_gather(parts, value)
    return paddle.concat(parts, 0)
