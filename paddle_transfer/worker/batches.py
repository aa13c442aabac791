"""What both loops need: batches of either engine's loaders, AMP, averages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import paddle
from paddle import Tensor
from ppcls.engine.engine import Engine
from ppcls.utils.misc import AverageMeter

from paddle_transfer.errors import TrialError
from paddle_transfer.worker.data_faults import data_fault

#: Images, labels, and whatever else a data set gives.
Batch = list[Tensor]
#: What a network or a loss is given or gives, by architecture.
Output = Tensor | list[Tensor] | tuple[Tensor, ...] | dict[str, Tensor]

#: What 2.4's loops keep out of half precision.
BLACK_LIST = {"flatten_contiguous_range", "greater_than"}


class UnreadableImage(Exception):
    """An image that must be read cannot be; ``read`` makes a TrialError of it."""


def read(iterator: Iterator[Any]) -> Iterator[Any]:
    """:raises TrialError: not one image can be had (see ``shims`` for how that is noticed), or one
        that must be
    """
    while True:
        try:
            batch = next(iterator)
        except StopIteration:
            return
        except Exception as error:
            failure = _failure_of(iterator) or error
            one = isinstance(failure, UnreadableImage)
            fault = data_fault(getattr(iterator, "_dataset", None),
                               None if one or failure is error else failure)
            if fault is not None:
                raise fault from None
            if one:  # that of another process comes with its traceback as a text
                text = str(failure).rpartition("UnreadableImage: ")[2].strip()
                raise TrialError(text) from None
            raise
        yield batch


def _failure_of(iterator: Any) -> BaseException | None:
    """What ended the thread that reads, as far as that tells more than what ``iterator`` raises."""
    thread = getattr(iterator, "_thread", None)
    if thread is not None:
        thread.join(10)  # it ends the reading first, and raises then
    failure: BaseException | None = getattr(iterator, "failure", None)
    has_workers = hasattr(iterator, "_workers")  # one of them may have been killed
    return failure if isinstance(failure, UnreadableImage) or not has_workers else None


def from_dali(batch: list[dict[str, Tensor]]) -> Batch:
    return [paddle.to_tensor(batch[0]["data"]), paddle.to_tensor(batch[0]["label"])]


def autocast(engine: Engine, *, is_eval: bool) -> AbstractContextManager[Any]:
    """The context for a forward pass, by the engine's own AMP settings."""
    if hasattr(engine, "auto_cast"):
        context: AbstractContextManager[Any] = engine.auto_cast(is_eval=is_eval)
        return context
    if not engine.amp or (is_eval and not engine.amp_eval):
        return contextlib.nullcontext()
    return paddle.amp.auto_cast(custom_black_list=BLACK_LIST, level=engine.amp_level)


def average(meters: dict[str, AverageMeter], values: Mapping[str, Tensor], count: int) -> None:
    """Add ``values``, means over ``count`` samples, to their meters."""
    for name, value in values.items():
        meters.setdefault(name, AverageMeter(name, "7.5f")).update(float(value), count)
