"""Stands in for ``paddle.load``, which runs whatever a file says."""

from __future__ import annotations

import os
from typing import Any

import paddle

from paddle_transfer.errors import TrialError
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.read import read_all


def load(path: str | os.PathLike[str], *, return_numpy: bool = False, **_: object) -> Any:
    """What ``paddle.load`` gives for a ``.pdparams``, ``.pdopt`` or ``.pdstates``; nothing is run.

    :raises TrialError: the file is none of these, is damaged, or asks for more than weights need
    """
    try:
        return read_all(path) if return_numpy else read_all(path, leaf=paddle.to_tensor)
    except WeightsError as error:
        raise TrialError(str(error)) from error
