"""One epoch of training through all batches.

It does PaddleClas's own arithmetic in its own order (on a CPU the same seed gives the same weights
to the last bit), with either engine's AMP attributes and with 0-D tensors. Other training modes
(``Global.train_mode``) keep PaddleClas's loops.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping

from paddle import Tensor
from ppcls.engine.engine import Engine
from ppcls.engine.train.utils import log_info
from ppcls.utils import profiler

from paddle_transfer.worker import average
from paddle_transfer.worker.batches import Batch, Output, autocast, from_dali, read
from paddle_transfer.worker.batches import average as add
from paddle_transfer.worker.diverged import Diverged


def train_epoch(engine: Engine, epoch_id: int, print_batch_step: int) -> float:
    """Train epoch ``epoch_id`` (from 1); averages of losses and metrics go to ``output_info``, the
    largest learning rate of the training to ``largest_rate``.

    :returns: the learning rate of the last step
    :raises Diverged: after the first iteration with a loss that is NaN or infinite
    """
    rate = math.nan
    tic = time.time()
    for iter_id, batch in enumerate(_batches(engine)):
        profiler.add_profiler_step(engine.config.get("profiler_options"))
        if iter_id == 5:
            for meter in engine.time_info.values():
                meter.reset()
        engine.time_info["reader_cost"].update(time.time() - tic)
        batch_size = batch[0].shape[0]
        if not engine.multilabel:
            batch[1] = batch[1].reshape([batch_size, -1])
        engine.global_step += 1

        with autocast(engine, is_eval=False):
            out = engine.model(batch[0], batch[1]) if engine.is_rec else engine.model(batch[0])
            losses = engine.losses(batch, engine.train_loss_func(out, batch[1]))
        # the optimizers' own: a schedule's get_lr() computes the next one where it is recursive
        rates = [float(optimizer.get_lr()) for optimizer in engine.optimizer]
        rate, engine.largest_rate = rates[0], max(engine.largest_rate, *rates)
        _step(engine, losses["loss"], iter_id)
        _record(engine, losses, out, batch,
                f"in epoch {epoch_id}, iteration {iter_id + 1} (learning rate {rate:g})")
        engine.time_info["batch_cost"].update(time.time() - tic)
        if iter_id % print_batch_step == 0:
            log_info(engine, batch_size, epoch_id, iter_id)
        tic = time.time()

    for schedule in engine.lr_sch:
        # ReduceOnPlateau is stepped after the evaluation, by Engine.train
        if getattr(schedule, "by_epoch", False) and type(schedule).__name__ != "ReduceOnPlateau":
            schedule.step()
    return rate


def _batches(engine: Engine) -> Iterator[Batch]:
    """The batches of one epoch.

    2.5 and newer keep one iterator over epoch borders (``Global.iter_per_epoch`` may be shorter or
    longer than the data), 2.4 makes one per epoch.
    """
    if not hasattr(engine, "iter_per_epoch"):
        engine.train_dataloader_iter = engine.place.begin(engine.train_dataloader)
        # the iterator first: it is read to its end, or it would go on drawing random numbers
        for batch, _ in zip(read(engine.train_dataloader_iter), range(engine.max_iter),
                            strict=False):
            engine.place.taken += 1
            yield from_dali(batch) if engine.use_dali else batch
        return
    for _ in range(engine.iter_per_epoch):
        iterator = getattr(engine, "train_dataloader_iter", None)
        batch = None if iterator is None else next(read(iterator), None)
        if batch is None:
            if engine.use_dali:
                engine.train_dataloader.reset()
            engine.train_dataloader_iter = engine.place.begin(engine.train_dataloader)
            batch = next(read(engine.train_dataloader_iter), None)
            if batch is None:
                return
        engine.place.taken += 1
        yield batch


def _step(engine: Engine, loss: Tensor, iter_id: int) -> None:
    """Backward, and after every ``update_freq`` iterations the optimizers, schedules and EMA."""
    frequency = getattr(engine, "update_freq", 1)
    flags = not hasattr(engine, "auto_cast")
    scaler = getattr(engine, "scaler", None)
    loss = loss if flags else loss / frequency
    scaled = loss if scaler is None else scaler.scale(loss)
    scaled.backward()
    if (iter_id + 1) % frequency:
        return
    for optimizer in engine.optimizer:
        if scaler is None:
            optimizer.step()
        elif flags:
            scaler.minimize(optimizer, scaled)
        else:
            scaler.step(optimizer)
            scaler.update()
    for optimizer in engine.optimizer:
        optimizer.clear_grad()
    for schedule in engine.lr_sch:
        if not getattr(schedule, "by_epoch", False):
            schedule.step()
    if getattr(engine, "ema", False):
        if engine.moving is None:
            engine.model_ema.update(engine.model)
        else:
            average.update(engine.model_ema, engine.model, engine.moving)


def _record(engine: Engine, losses: Mapping[str, Tensor], out: Output, batch: Batch,
            where: str) -> None:
    """Add the batch to the epoch's averages: metrics before losses, as PaddleClas logs them."""
    count = batch[0].shape[0]
    if engine.train_metric_func is not None:
        add(engine.output_info, engine.train_metric_func(out, batch[-1]), count)
    add(engine.output_info, losses, count)
    loss = engine.output_info["loss"].val
    if not math.isfinite(loss):
        raise Diverged(f"the training loss is {loss} {where}")
