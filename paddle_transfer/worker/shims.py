"""What PaddleClas, above all the 2.4.2 wheel of 2022, needs on top of today's libraries."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from paddle.io.dataloader import dataloader_iter
from ppcls.data.preprocess.batch_ops.batch_operators import BatchOperator
from ppcls.data.preprocess.ops.cutout import Cutout
from ppcls.utils.misc import AverageMeter


def install() -> None:
    """Call after ``ppcls.engine.engine`` was imported; calling it again does nothing."""
    # 2.4 renders averages with ``self.avg.numpy()[0]``; since Paddle 2.6 a mean is a 0-D tensor,
    # which has no [0]. float() is what 2.5 and newer do, and takes both.
    AverageMeter.avg_info = property(_average_info)
    # cutmix hands over a numpy float64; numpy 2 then makes the labels float64 (numpy 1 kept
    # float32), and the loss refuses them. A Python float leaves them float32 on both.
    _wrap(BatchOperator, "_mix_target", _with_plain_lambda)
    # develop's Cutout forgets its fill_value: with any but 'none' the first image raises
    parameters = inspect.signature(Cutout.__init__).parameters
    if "fill_value" in parameters and not hasattr(Cutout(), "fill_value"):
        Cutout.__call__ = _cutout
    # gone since Python 3.11; 2.4's SGD asks it for the names of a constructor's arguments
    vars(inspect).setdefault("getargspec", inspect.getfullargspec)
    # Without data workers (num_workers: 0) a thread reads; when it raises anything, Paddle leaves
    # the training waiting for ever. PaddleClas replaces an unreadable image by another one, so that
    # happens when none can be read. With data workers it ends the training and says nothing.
    for kind in (dataloader_iter._DataLoaderIterSingleProcess,
                 dataloader_iter._DataLoaderIterMultiProcess):
        _wrap(kind, "_thread_loop", _with_noted_failure)
    # An evaluation that raises leaves its data workers behind, in a circle of references with the
    # error's traceback. The garbage collector ends the threads of their queues first; Paddle then
    # asks the workers to end, which they never hear, and waits for them for ever.
    _wrap(dataloader_iter._DataLoaderIterMultiProcess, "__del__", lambda _: _delete_with_workers)


def _wrap(owner: type, name: str, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    """Replace the method ``name`` by ``wrapper(method)``, once."""
    method = getattr(owner, name)
    if not hasattr(method, "shimmed"):
        shimmed = wrapper(method)
        shimmed.shimmed = True
        setattr(owner, name, shimmed)


def _with_plain_lambda(mix_target: Callable[..., Any]) -> Callable[..., Any]:
    def shimmed(self: BatchOperator, labels0: np.ndarray, labels1: np.ndarray, lam: float) -> Any:
        return mix_target(self, labels0, labels1, float(lam))
    return shimmed


def _with_noted_failure(thread_loop: Callable[..., Any]) -> Callable[..., Any]:
    def shimmed(self: Any, *args: object, **kwargs: object) -> None:
        try:
            thread_loop(self, *args, **kwargs)
        except BaseException as error:
            self.failure = error
            self._exit_thread_unexpectedly()
    return shimmed


def _delete_with_workers(self: Any) -> None:
    self._try_shutdown_all(timeout=1)  # seconds for each of them
    for worker in self._workers:
        worker.terminate()  # those that live on do not hear what they are asked


def _cutout(self: Cutout, img: np.ndarray) -> np.ndarray:
    """As in 2.4 to 2.6: squares become 0, which is the mean of images normalized before."""
    height, width = img.shape[:2]
    half = self.length // 2
    for _ in range(self.n_holes):
        y, x = np.random.randint(height), np.random.randint(width)
        img[max(y - half, 0):y + half, max(x - half, 0):x + half] = 0
    return img


def _average_info(meter: AverageMeter) -> str:
    meter.avg = float(meter.avg)
    return f"{meter.name}: {meter.avg:.5f}"
