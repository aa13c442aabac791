"""The two loops that go through the batches: one epoch of training, one evaluation.

They do PaddleClas's own arithmetic in its own order (on a CPU the same seed gives the same weights to the last bit),
with either engine's AMP attributes, with 0-D tensors, and with an evaluation that gathers on CPUs too. Other training
modes (``Global.train_mode``) and retrieval keep PaddleClas's loops.
"""

from __future__ import annotations

import contextlib
import math
import platform
import time

import paddle

from paddle_transfer.errors import TrialError
from paddle_transfer.worker.diverged import Diverged
from paddle_transfer.worker.metrics import PerClass

#: What 2.4's loops keep out of half precision.
BLACK_LIST = {"flatten_contiguous_range", "greater_than"}


def train_epoch(engine, epoch_id: int, print_batch_step: int) -> None:
    """One epoch (from 1); leaves the averages of losses and metrics in ``engine.output_info``.

    :raises Diverged: after the first iteration with a loss that is NaN or infinite
    """
    from ppcls.engine.train.utils import log_info
    from ppcls.utils import profiler

    tic = time.time()
    for iter_id, batch in enumerate(_train_batches(engine)):
        profiler.add_profiler_step(engine.config.get("profiler_options"))
        if iter_id == 5:
            for meter in engine.time_info.values():
                meter.reset()
        engine.time_info["reader_cost"].update(time.time() - tic)
        batch_size = batch[0].shape[0]
        if not engine.config["Global"].get("use_multilabel", False):
            batch[1] = batch[1].reshape([batch_size, -1])
        engine.global_step += 1

        with autocast(engine, is_eval=False):
            out = engine.model(batch[0], batch[1]) if engine.is_rec else engine.model(batch[0])
            losses = engine.train_loss_func(out, batch[1])
        engine.last_lr = _lr(engine)
        _step(engine, loss=losses["loss"], iter_id=iter_id)
        _note(engine, losses=losses, out=out, batch=batch,
              where=f"epoch {epoch_id}, iteration {iter_id + 1}")
        engine.time_info["batch_cost"].update(time.time() - tic)
        if iter_id % print_batch_step == 0:
            log_info(engine, batch_size, epoch_id, iter_id)
        tic = time.time()

    for schedule in engine.lr_sch:
        # ReduceOnPlateau is stepped after the evaluation, by Engine.train
        if getattr(schedule, "by_epoch", False) and type(schedule).__name__ != "ReduceOnPlateau":
            schedule.step()


def _train_batches(engine):
    """The batches of one epoch. 2.5 and newer keep one iterator over epoch borders (``Global.iter_per_epoch`` may be
    shorter or longer than the data), 2.4 makes one per epoch."""
    if not hasattr(engine, "iter_per_epoch"):
        engine.train_dataloader_iter = iter(engine.train_dataloader)
        for batch, _ in zip(_read(engine.train_dataloader_iter), range(engine.max_iter)):
            yield _from_dali(batch) if engine.use_dali else batch
        return
    for _ in range(engine.iter_per_epoch):
        batch = next(_read(engine.train_dataloader_iter), None) if hasattr(
            engine, "train_dataloader_iter") else None
        if batch is None:
            if engine.use_dali:
                engine.train_dataloader.reset()
            engine.train_dataloader_iter = iter(engine.train_dataloader)
            batch = next(_read(engine.train_dataloader_iter))
        yield batch


def _read(iterator):
    """:raises TrialError: not one image can be read (see ``shims`` for how that is noticed)"""
    while True:
        try:
            batch = next(iterator)
        except StopIteration:
            return
        except Exception:
            failure = getattr(iterator, "failure", None)
            if failure is None:
                raise
            while isinstance(failure, RecursionError) and failure.__context__ is not None:
                failure = failure.__context__
            raise TrialError("The images cannot be read (the log names them): "
                             f"{type(failure).__name__}: {failure}") from None
        yield batch


def _from_dali(batch):
    return [paddle.to_tensor(batch[0]["data"]), paddle.to_tensor(batch[0]["label"])]


def autocast(engine, *, is_eval: bool):
    """The context for a forward pass, by the engine's own AMP settings."""
    if hasattr(engine, "auto_cast"):
        return engine.auto_cast(is_eval=is_eval)
    if not engine.amp or (is_eval and not engine.amp_eval):
        return contextlib.nullcontext()
    return paddle.amp.auto_cast(custom_black_list=BLACK_LIST, level=engine.amp_level)


def _step(engine, *, loss, iter_id: int) -> None:
    """Backward, and after every ``update_freq`` iterations a step of the optimizers, schedules and the EMA model."""
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
        engine.model_ema.update(engine.model)


def _lr(engine) -> float:
    # the optimizer's own: a schedule's get_lr() computes the next one where the schedule is recursive
    return float(engine.optimizer[0].get_lr())


def _note(engine, *, losses, out, batch, where: str) -> None:
    """Add the batch to the epoch's averages (metrics before losses, as PaddleClas logs them)."""
    metrics = engine.train_metric_func(out,
                                       batch[-1]) if engine.train_metric_func is not None else {}
    for values in (metrics, losses):
        _average(engine.output_info, values=values, count=batch[0].shape[0])
    loss = engine.output_info["loss"].val
    if not math.isfinite(loss):
        raise Diverged(f"the training loss is {loss} in {where} (learning rate {engine.last_lr:g})")


def _average(meters: dict, *, values, count: int) -> None:
    from ppcls.utils.misc import AverageMeter

    for key, value in values.items():
        meters.setdefault(key, AverageMeter(key, "7.5f")).update(float(value), count)


def classification_eval(engine, epoch_id: int = 0):
    """Evaluates, leaves (metrics, losses) in ``engine.last_eval`` and returns the chosen metric (greater is better)."""
    from ppcls.utils import logger
    from ppcls.utils.misc import AverageMeter

    if hasattr(engine.eval_metric_func, "reset"):
        engine.eval_metric_func.reset()
    losses: dict = {}
    engine.per_class = PerClass()
    times = {
        name: AverageMeter(name, ".5f", postfix=" s,") for name in ("batch_cost", "reader_cost")
    }
    loader = engine.eval_dataloader
    total = loader.size if engine.use_dali else len(loader.dataset)
    seen = 0
    tic = time.time()
    for batch, iter_id in zip(_read(iter(loader)),
                              range(len(loader) - (platform.system() == "Windows"))):
        if iter_id == 5:
            for meter in times.values():
                meter.reset()
        times["reader_cost"].update(time.time() - tic)
        seen += _evaluate_batch(engine, batch=batch, losses=losses, left=total - seen)
        times["batch_cost"].update(time.time() - tic)
        if iter_id % engine.config["Global"]["print_batch_step"] == 0:
            speed = batch[0].shape[0] / times["batch_cost"].avg
            costs = "s, ".join(f"{name}: {meter.avg:.5f}" for name, meter in times.items())
            logger.info(f"[Eval][Epoch {epoch_id}][Iter: {iter_id}/{len(loader)}]"
                        f"{_show(losses)}, {costs}, ips: {speed:.5f} images/sec")
        tic = time.time()
    if engine.use_dali:
        loader.reset()
    return engine.evaluated(epoch_id, losses={name: meter.avg for name, meter in losses.items()})


def _show(meters: dict) -> str:
    return ", ".join(f"{name}: {meter.val:.5f}" for name, meter in meters.items())


def _evaluate_batch(engine, *, batch, losses: dict, left: int) -> int:
    """Adds one batch (of every process) to the losses and metrics; says how many samples of the data set it held.

    :param left: samples not yet seen; the sampler of several processes repeats some to fill the last batch
    """
    if engine.use_dali:
        batch[:] = _from_dali(batch) if isinstance(batch[0], dict) else batch
    batch[0] = paddle.to_tensor(batch[0])
    if not engine.config["Global"].get("use_multilabel", False):
        batch[1] = batch[1].reshape([-1, 1]).astype("int64")
    with autocast(engine, is_eval=True):
        # 2.4 and 2.5 never hand the label to a recognition model, 2.6 does (its head needs it)
        out = engine.model(batch[0],
                           batch[1]) if engine.is_rec and engine.label_in_eval else engine.model(
                               batch[0])
    for key in ("Student", "logits"):
        if isinstance(out, dict) and key in out:
            out = out[key]
    preds, labels = _gather(out), _gather(batch[1])
    count = batch[0].shape[0] * paddle.distributed.get_world_size()
    if count > left and not engine.use_dali and paddle.distributed.get_world_size() > 1:
        count = left
        preds = [pred[:count] for pred in preds] if isinstance(preds, list) else preds[:count]
        labels = labels[:count]
    if engine.eval_loss_func is not None:
        with autocast(engine, is_eval=True):
            values = engine.eval_loss_func(preds, labels)
        _average(losses, values=values, count=count)
    if engine.eval_metric_func is not None:
        engine.eval_metric_func(preds, labels)
    if not engine.config["Global"].get("use_multilabel", False):
        engine.per_class.add(preds, labels)
    return count


def _gather(value):
    """``value`` of all processes, one behind the other. PaddleClas asks ParallelEnv for a device number here, which
    a CPU does not have; tensors are on the right device already."""
    if paddle.distributed.get_world_size() == 1 or isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return [_gather(item) for item in value]
    if paddle.is_compiled_with_cuda() and "gpu" in paddle.get_device():
        value = value.cuda()
    parts: list = []
    paddle.distributed.all_gather(parts, value)
    return paddle.concat(parts, 0)
