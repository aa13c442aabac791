"""Reads weights and runs nothing: ``.pdparams`` (pickles), ``.safetensors``, tars of Paddle 1.x.

The kind is found from the content, never from the name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer.weights import safetensors, static_tar
from paddle_transfer.weights.allowed_globals import Array, Dtype, Malformed, Refused, Symbol
from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.file_kinds import HEAD_BYTES, PICKLE, SAFETENSORS, kind_of
from paddle_transfer.weights.loadfile import load_file
from paddle_transfer.weights.unpickler import Machine, Truncated

MAX_BYTES = 16 << 30
NAME_TABLE = "StructuredToParameterName@@"  # paddle 2.0: structured name -> parameter name
BIG = "UnpackBigParamInfor@@"  # paddle.save, protocols 2 and 3: tensors past 1 GiB are cut into slices
#: Where checkpoints of various trainers keep the network; the first that holds tensors is taken.
NESTED = ("state_dict", "model", "model_state_dict", "net", "params", "network", "ema", "module")


@dataclass(frozen=True)
class Weights:
    """The tensors of one file.

    :param tensors: by the file's own names, read-only views of the bytes that were read
    :param kind: ``pdparams``, ``safetensors`` or ``tar``
    :param size: of the file, in bytes
    :param others: what stood beside the tensors, by name (``epoch``, ``opt``): not used
    :param inside: where in the file the tensors stood; empty at the top
    """

    tensors: dict[str, np.ndarray]
    kind: str
    size: int
    others: tuple[str, ...] = ()
    inside: str = ""
    sha256: str = field(default="", compare=False)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(array.shape) for name, array in self.tensors.items()}


def check_kind(path: str | os.PathLike) -> str:
    """``pdparams``, ``safetensors`` or ``tar``; NotWeights, saying what it is, when it is none of them."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise NotWeights(f"{path}: {error.strerror or error}") from None
    kind, what = kind_of(head, size)
    if kind is None:
        raise NotWeights(f"{path}: is {what}")
    if size > MAX_BYTES:
        raise NotWeights(f"{path}: has {size:,} bytes, more than the {MAX_BYTES:,} that are read")
    return kind


def read(path: str | os.PathLike, *, sha256: str | None = None, digest: bool = False) -> Weights:
    """All tensors of ``path``.

    The bytes are read once, so what was hashed is what is used, whatever happens to the file meanwhile.

    :param sha256: the bytes must have this SHA-256 (hex)
    :param digest: compute ``Weights.sha256`` even if none is asked for
    :raises UnsafeWeights: with the name that the file asked for
    :raises NotWeights: the file is something else, damaged or cut short
    """
    path = Path(path)
    kind = check_kind(path)
    try:
        data = load_file(path)
    except OSError as error:
        raise NotWeights(f"{path}: {error.strerror or error}") from None
    found = hashlib.sha256(data).hexdigest() if digest or sha256 else ""
    if sha256 and found != sha256:
        raise NotWeights(
            f"{path}: its SHA-256 is {found}, but {sha256} was recorded: the file has changed")
    tensors, others, inside = parse(data, kind, str(path))
    return Weights(tensors, kind, len(data), others, inside, found)


def parse(data: bytes, kind: str, path: str) -> tuple[dict[str, np.ndarray], tuple[str, ...], str]:
    """(tensors, names of what else was there, where the tensors stood) of a file's whole content."""
    def tensors():
        if kind == SAFETENSORS:
            return safetensors.parse(data), (), ""
        if kind != PICKLE:
            return static_tar.parse(data), (), ""
        return _state(whole(data))
    return named(path, kind, tensors)


def named(path: str, kind: str, read_it: Callable[[], Any]) -> Any:
    """What ``read_it`` gives; what it raises, as errors that name the file."""
    try:
        return read_it()
    except Refused as error:
        raise UnsafeWeights(
            f"{path}: refused, nothing of it was run: it asks for {error.asked}, which weights have "
            "no need of. Get the file from where its authors publish it",
            asked=error.asked) from None
    except Truncated as error:
        raise NotWeights(f"{path}: is cut short: {error}. Download it again") from None
    except Malformed as error:
        raise NotWeights(f"{path}: is not a readable {kind} file: {error}") from None
    except RecursionError:
        raise NotWeights(
            f"{path}: is not a readable {kind} file: it is nested too deeply") from None


def whole(data: bytes) -> Any:
    machine = Machine(data)
    thing, end = machine.run()
    if end != len(data):
        raise Malformed(f"{len(data) - end:,} bytes follow its end")
    return thing


def _state(thing: Any, depth: int = 0) -> tuple[dict[str, np.ndarray], tuple[str, ...], str]:
    """Find the mapping from names to tensors in what a pickle held."""
    if type(thing) in (list,
                       tuple) and thing and depth < 3:  # PaddleHub's files are lists: [state, ...]
        tensors, others, inside = _state(thing[0], depth + 1)
        return tensors, others, f"0.{inside}".rstrip(".")
    if type(thing) is not dict:
        raise Malformed(f"it holds {_describe(thing)}, not tensors by name")
    if isinstance(thing.get(BIG), dict):
        thing = join(thing)
    tensors, others = {}, []
    for name, value in thing.items():
        array = tensor_of(value)
        if array is not None and isinstance(name, str):
            tensors[name] = array
        elif name != NAME_TABLE:
            if isinstance(value, (Symbol, Dtype)):
                raise Refused(getattr(value, "name", "numpy.dtype"))
            others.append(str(name)[:80])
    if tensors:
        return tensors, tuple(others[:50]), ""
    if depth < 3:
        for name in NESTED:
            if type(thing.get(name)) is dict:
                tensors, _, inside = _state(thing[name], depth + 1)
                return tensors, tuple(
                    other for other in others[:50] if other != name), f"{name}.{inside}".rstrip(".")
    raise Malformed(
        f"there are no tensors in it (only {', '.join(others[:5]) or 'an empty mapping'})")


def tensor_of(value: Any) -> np.ndarray | None:
    """The array that ``value`` stands for: an array, or Paddle's (name, array); None when it is no tensor."""
    if type(value) is tuple and len(value) == 2 and isinstance(value[0], str):
        value = value[1]
    if not isinstance(value, Array):
        return None
    if value.value is None:
        raise Malformed("an array was begun and never filled")
    return value.value


def join(state: dict) -> dict:
    """Put the slices of big tensors together (``_pack_loaded_dict`` in paddle/framework/io_utils.py)."""
    state = dict(state)
    used: set[str] = set()
    for name, info in state.pop(BIG).items():
        if type(info) is not dict or type(info.get("slices")) is not list or type(
                info.get("OriginShape")) is not tuple:
            raise Malformed("strange slices of a big tensor")
        parts = []
        for part in info["slices"]:
            if not isinstance(part, str) or part in used or tensor_of(state.get(part)) is None:
                raise Malformed(f"a slice of {name!r} is missing or used twice")
            used.add(part)
            parts.append(tensor_of(state.pop(part)))
        whole = np.concatenate(parts)
        try:
            state[name] = Array(whole.reshape(info["OriginShape"]))
        except (ValueError, TypeError):
            raise Malformed(f"the slices of {name!r} do not make {info['OriginShape']}") from None
    return state


def _describe(thing: Any) -> str:
    if isinstance(thing, Symbol):
        raise Refused(thing.name)
    return {"Array": "one tensor without a name"}.get(
        type(thing).__name__, f"a {type(thing).__name__}")
