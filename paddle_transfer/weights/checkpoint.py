"""Reads all of a training's checkpoint, not only the network's tensors, and runs nothing of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from paddle_transfer.weights.file_kinds import PICKLE
from paddle_transfer.weights.limits import Malformed
from paddle_transfer.weights.read import load, parse, parse_errors
from paddle_transfer.weights.state_dict import NAME_TABLE, join_slices, refuse_global, tensor_of
from paddle_transfer.weights.unpickler import unpickle


def read_all(path: str | os.PathLike[str], *,
             leaf: Callable[[np.ndarray], object] = lambda array: array) -> Any:
    """Whatever ``path`` (a ``.pdparams``, ``.pdopt``, ``.pdstates``) holds, as plain containers,
    numbers, texts and arrays: what ``paddle.load(path, return_numpy=True)`` gives.

    :param leaf: makes of every array what stands in its place
    :raises UnsafeWeights, NotWeights: as ``read``
    """
    kind, data = load(path)
    with parse_errors(path, kind):
        if kind == PICKLE:
            return _plain(unpickle(data), leaf, {})
        return {name: leaf(array) for name, array in parse(data, kind)[0].items()}


def _plain(value: object, leaf: Callable[[np.ndarray], object], done: dict[int, object]) -> object:
    """``value`` with ``leaf(array)`` in the place of everything that stands for an array.

    A container that is used twice stays one, so that a small file cannot unfold to a huge object.

    :param done: what was made of each container so far, by its id; ``done`` itself while it is
        being made
    :raises Refused: a bare global
    :raises Malformed: a container that holds itself
    """
    refuse_global(value)
    array = tensor_of(value)
    if array is not None:
        return leaf(array)
    if isinstance(value, memoryview):
        return bytes(value)
    if not isinstance(value, (dict, list, tuple)):
        return value
    if id(value) in done:
        if done[id(value)] is done:
            raise Malformed("it holds a container that holds itself")
        return done[id(value)]
    done[id(value)] = done
    made: object
    if isinstance(value, dict):
        made = {key: _plain(item, leaf, done)
                for key, item in join_slices(value).items() if key != NAME_TABLE}
    else:
        made = type(value)(_plain(item, leaf, done) for item in value)
    done[id(value)] = made
    return made
