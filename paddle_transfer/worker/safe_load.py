"""Stands where a training would call ``paddle.load``, which runs whatever a file says."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from paddle_transfer.errors import TrialError
from paddle_transfer.weights.checkpoint import read_all
from paddle_transfer.weights.errors import WeightsError


def load(path: str | os.PathLike, *, return_numpy: bool = False, **_: Any) -> Any:
    """What ``paddle.load`` gives for a ``.pdparams``, ``.pdopt`` or ``.pdstates``, with nothing run.

    :raises TrialError: the file is none, is damaged, or asks for more than weights need
    """
    import paddle

    try:
        return read_all(path) if return_numpy else read_all(path, leaf=paddle.to_tensor)
    except WeightsError as error:
        raise TrialError(str(error)) from error


@contextlib.contextmanager
def instead_of_paddles() -> Iterator[None]:
    """``paddle.load`` is ``load``, for all of PaddleClas: its networks, checkpoints, distillations."""
    import paddle

    stock = paddle.load
    paddle.load = load
    try:
        yield
    finally:
        paddle.load = stock
