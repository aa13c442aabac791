"""What a pickle of weights or of a checkpoint holds: its tensors by name, or all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from paddle_transfer.weights.allowed_globals import AllowedGlobal, Array, Dtype
from paddle_transfer.weights.limits import Budget, Malformed, Refused, is_shape

#: Paddle 2.0 writes here which parameter name each structured name has.
NAME_TABLE = "StructuredToParameterName@@"
#: paddle.save, protocols 2 and 3, cuts tensors past 1 GiB into slices and lists them here.
SLICED = "UnpackBigParamInfor@@"
#: Where checkpoints of various trainers keep the network; the first that holds tensors is taken.
NESTED = ("state_dict", "model", "model_state_dict", "net", "params", "network", "ema", "module")
MAX_DEPTH = 3
MAX_OTHERS = 50

State = tuple[dict[str, np.ndarray], tuple[str, ...], str]


def find_state(thing: object, budget: Budget, depth: int = 0) -> State:
    """(tensors by name, names of what stood beside them, where in ``thing`` they stood).

    :param budget: every named tensor is charged to it, for a file may give one array many names
    :raises Malformed: there are none, or they are many times as big as the file
    :raises Refused: a bare global stands among them
    """
    if isinstance(thing, (list, tuple)) and thing and depth < MAX_DEPTH:  # PaddleHub: [state, ...]
        first, others, inside = find_state(thing[0], budget, depth + 1)
        return first, others, f"0.{inside}".rstrip(".")
    if not isinstance(thing, dict):
        raise Malformed(f"it holds {_describe(thing)}, not tensors by name")
    names, tensors = [], {}
    for name, value in join_slices(thing, budget).items():
        array = tensor_of(value)
        if array is not None and isinstance(name, str):
            budget.charge(array.nbytes)
            tensors[name] = array
        elif name != NAME_TABLE:
            refuse_global(value)
            names.append(str(name)[:80])
    others = tuple(names[:MAX_OTHERS])
    if tensors:
        return tensors, others, ""
    for name in NESTED if depth < MAX_DEPTH else ():
        if type(thing.get(name)) is dict:
            nested, _, inside = find_state(thing[name], budget, depth + 1)
            rest = tuple(other for other in others if other != name)
            return nested, rest, f"{name}.{inside}".rstrip(".")
    raise Malformed(
        f"there are no tensors in it (only {', '.join(names[:5]) or 'an empty mapping'})")


def to_plain(value: object, leaf: Callable[[np.ndarray], object], budget: Budget,
             done: dict[int, object] | None = None) -> object:
    """``value`` with ``leaf(array)`` in the place of everything that stands for an array.

    A container that is used twice stays one, so that a small file cannot unfold to a huge object.

    :param budget: every array is charged to it, as ``leaf`` may copy
    :param done: what was made of each container so far, by its id; ``done`` itself while it is
        being made
    :raises Refused: a bare global
    :raises Malformed: a container that holds itself
    """
    done = {} if done is None else done
    refuse_global(value)
    array = tensor_of(value)
    if array is not None:
        budget.charge(array.nbytes)
        return leaf(array)
    if not isinstance(value, (dict, list, tuple)):
        return bytes(value) if isinstance(value, memoryview) else value
    if done.get(id(value)) is done:
        raise Malformed("it holds a container that holds itself")
    if id(value) not in done:
        done[id(value)] = done
        if isinstance(value, dict):
            done[id(value)] = {key: to_plain(item, leaf, budget, done) for key, item
                               in join_slices(value, budget).items() if key != NAME_TABLE}
        else:
            done[id(value)] = type(value)([to_plain(item, leaf, budget, done) for item in value])
    return done[id(value)]


def tensor_of(value: object) -> np.ndarray | None:
    """The array that ``value`` is, or Paddle's (name, array); None when it is no tensor."""
    if type(value) is tuple and len(value) == 2 and isinstance(value[0], str):
        value = value[1]
    if not isinstance(value, Array):
        return None
    if value.value is None:
        raise Malformed("an array was begun and never filled")
    return value.value


def refuse_global(value: object) -> None:
    """Raises Refused when ``value`` is a global that was named but not called."""
    if isinstance(value, (AllowedGlobal, Dtype)):
        raise Refused(getattr(value, "name", "numpy.dtype"))


def join_slices(state: dict[Any, Any], budget: Budget) -> dict[Any, Any]:
    """``state`` with the slices of big tensors joined (``_pack_loaded_dict`` in
    paddle/framework/io_utils.py). What is joined is a copy, charged to ``budget``."""
    if type(state.get(SLICED)) is not dict:
        return state
    state, joined = dict(state), {}
    for name, info in state.pop(SLICED).items():
        if type(info) is not dict or type(info.get("slices")) is not list:
            raise Malformed("strange slices of a big tensor")
        if not is_shape(info.get("OriginShape")):
            raise Malformed(f"the slices of {name!r} do not make a shape")
        parts = []
        for part in info["slices"]:
            array = tensor_of(state.pop(part, None)) if isinstance(part, str) else None
            if array is None:
                raise Malformed(f"a slice of {name!r} is missing or used twice")
            budget.charge(array.nbytes)
            parts.append(array)
        try:
            array = np.concatenate(parts, dtype=parts[0].dtype, casting="no")
            joined[name] = Array(array.reshape(info["OriginShape"]))
        except (IndexError, ValueError, TypeError, OverflowError):
            raise Malformed(
                f"the slices of {name!r} do not make {info['OriginShape']}") from None
    return {**state, **joined}


def _describe(thing: object) -> str:
    refuse_global(thing)
    return "one tensor without a name" if isinstance(thing, Array) else f"a {type(thing).__name__}"
