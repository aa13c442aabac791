"""Reads what a checkpoint of a training holds beside the network's tensors, and runs nothing of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer.weights.allowed_globals import Dtype, Malformed, Refused, Symbol
from paddle_transfer.weights.errors import NotWeights
from paddle_transfer.weights.file_kinds import PICKLE
from paddle_transfer.weights.loadfile import load_file
from paddle_transfer.weights.read import (
    BIG,
    NAME_TABLE,
    check_kind,
    join,
    named,
    read,
    tensor_of,
    whole,
)


def read_all(path: str | os.PathLike, *, leaf: Callable[[np.ndarray],
                                                        Any] = lambda array: array) -> Any:
    """Whatever ``path`` (a ``.pdparams``, ``.pdopt``, ``.pdstates``) holds, as plain containers, numbers, texts and
    arrays: what ``paddle.load(path, return_numpy=True)`` gives, without running anything.

    :param leaf: makes of every array what stands in its place
    :raises UnsafeWeights, NotWeights: as ``read``
    """
    kind = check_kind(path)
    if kind != PICKLE:
        return {name: leaf(array) for name, array in read(path).tensors.items()}
    try:
        data = load_file(Path(path))
    except OSError as error:
        raise NotWeights(f"{path}: {error.strerror or error}") from None
    return named(str(path), kind, lambda: plain(whole(data), leaf))


def plain(thing: Any, leaf: Callable[[np.ndarray], Any]) -> Any:
    """``thing`` with ``leaf(array)`` in the place of everything that stands for an array.

    A container that is used twice stays one, so that a small file cannot unfold to a huge object. Raises Refused for
    a bare name, Malformed for a container that holds itself.
    """
    done: dict[int, Any] = {}

    def convert(value: Any) -> Any:
        if isinstance(value, (Symbol, Dtype)):
            raise Refused(getattr(value, "name", "numpy.dtype"))
        array = tensor_of(value)
        if array is not None:
            return leaf(array)
        if isinstance(value, memoryview):
            return bytes(value)
        if type(value) not in (dict, list, tuple):
            return value
        if id(value) in done:
            if done[id(value)] is done:
                raise Malformed("it holds a container that holds itself")
            return done[id(value)]
        done[id(value)] = done
        if type(value) is dict:
            items = join(value) if type(value.get(BIG)) is dict else value
            made: Any = {key: convert(item) for key, item in items.items() if key != NAME_TABLE}
        else:
            made = type(value)(convert(item) for item in value)
        done[id(value)] = made
        return made

    return convert(thing)
