"""The states of the random generators of a training's process, as plain data."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import paddle

#: Whose generators Paddle has: the device's in use, and the CPU's.
_DEVICES = (None, "cpu")


def capture() -> dict[str, Any] | None:
    """Python's, NumPy's and Paddle's; None where this Paddle cannot hand out its own."""
    paddles = [[_plain(state) for state in paddle.get_rng_state(device)] for device in _DEVICES]
    if any(None in states for states in paddles):
        return None
    return {**capture_host(), "paddle": paddles}


def capture_host() -> dict[str, Any]:
    """Python's and NumPy's."""
    version, words, gauss = random.getstate()
    numpys: Any = np.random.get_state(legacy=False)
    inner = numpys["state"]
    return {"python": [version, list(words), gauss],
            "numpy": {**numpys, "state": {**inner, "key": inner["key"].tolist()}}}


def restore_host(states: dict[str, Any]) -> None:
    """Set Python's and NumPy's generators as they were at ``capture`` or ``capture_host``."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    inner = states["numpy"]["state"]
    key = np.array(inner["key"], dtype=np.uint32)
    np.random.set_state({**states["numpy"], "state": {**inner, "key": key}})


def restore(states: dict[str, Any]) -> None:
    """Set all as they were at ``capture``. Raises ValueError: Paddle has others now."""
    restore_host(states)
    for device, plain in zip(_DEVICES, states["paddle"], strict=True):
        paddle.set_rng_state([_state(type(now), values) for now, values in zip(
            paddle.get_rng_state(device), plain, strict=True)], device)


def _plain(state: Any) -> list[Any] | None:
    """What Paddle's own pickling takes of a state: numbers, and a list of bytes."""
    values = state.__getstate__() if hasattr(state, "__getstate__") else None
    return list(values) if isinstance(values, tuple) else None


def _state(kind: Any, plain: list[Any]) -> Any:
    made = kind.__new__(kind)
    made.__setstate__(tuple(plain))
    return made
