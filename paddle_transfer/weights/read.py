"""Reads weights and runs nothing: ``.pdparams`` (pickles), ``.safetensors``, tars of Paddle 1.x.

The kind is found from the content, never from the name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from paddle_transfer.errors import INPUT_FAULTS, one_line
from paddle_transfer.files import open_file
from paddle_transfer.weights import safetensors, static_tar
from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.file_bytes import FileBytes, read_file
from paddle_transfer.weights.file_kinds import HEAD_BYTES, PICKLE, SAFETENSORS, kind_of
from paddle_transfer.weights.limits import Budget, Malformed, Refused, Truncated
from paddle_transfer.weights.state_dict import State, find_state, to_plain
from paddle_transfer.weights.unpickler import unpickle

MAX_BYTES = 16 << 30


@dataclass(frozen=True)
class Weights:
    """The tensors of one file.

    :param tensors: by the file's own names; views of the bytes that were read, not to be written to
    :param kind: ``pdparams``, ``safetensors`` or ``tar``
    :param size: of the file, in bytes
    :param others: what stood beside the tensors, by name (``epoch``, ``opt``): not used
    :param inside: where in the file the tensors stood; empty at the top
    :param sha256: of the file (hex); empty when it was not asked for
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


def read(path: str | os.PathLike[str], *, sha256: str | None = None,
         digest: bool = False) -> Weights:
    """All tensors of ``path``.

    The bytes are read once, so what was hashed is what is used, whatever happens to the file
    meanwhile.

    :param sha256: the bytes must have this SHA-256 (hex)
    :param digest: compute ``Weights.sha256`` even if none is asked for
    :raises UnsafeWeights: with the global that the file asked for
    :raises NotWeights: the file is something else, damaged or cut short
    """
    kind, data = _load(path)
    found = hashlib.sha256(data).hexdigest() if digest or sha256 else ""
    if sha256 and found != sha256:
        raise NotWeights(
            f"{path}: its SHA-256 is {found}, but {sha256} was recorded: the file has changed")
    with _parse_errors(path, kind):
        tensors, others, inside = _parse(data, kind)
    return Weights(tensors, kind, len(data), others, inside, found)


def read_all(path: str | os.PathLike[str], *,
             leaf: Callable[[np.ndarray], object] = lambda array: array) -> Any:
    """Whatever ``path`` (a ``.pdparams``, ``.pdopt``, ``.pdstates``) holds, as plain containers,
    numbers, texts and arrays: what ``paddle.load(path, return_numpy=True)`` gives.

    :param leaf: makes of every array what stands in its place
    :raises UnsafeWeights, NotWeights: as ``read``
    """
    kind, data = _load(path)
    with _parse_errors(path, kind):
        if kind == PICKLE:
            return to_plain(unpickle(data), leaf, Budget(len(data)))
        return {name: leaf(array) for name, array in _parse(data, kind)[0].items()}


def _load(path: str | os.PathLike[str]) -> tuple[str, FileBytes]:
    """(the kind of ``path``, its bytes). Raises NotWeights, saying what it is, for other kinds."""
    try:
        with open_file(path, MAX_BYTES) as file:
            kind, what = kind_of(file.read(HEAD_BYTES), os.fstat(file.fileno()).st_size)
            if kind is None:
                raise NotWeights(f"{path}: is {what}")
            return kind, read_file(file)
    except OSError as error:
        raise NotWeights(f"{path}: {error.strerror or error}") from None


def _parse(data: FileBytes, kind: str) -> State:
    if kind == PICKLE:
        return find_state(unpickle(data), Budget(len(data)))
    tensors = (safetensors if kind == SAFETENSORS else static_tar).parse(data)
    if not tensors:
        raise Malformed("there are no tensors in it")
    return tensors, (), ""


@contextlib.contextmanager
def _parse_errors(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Turns the errors of the parsers into WeightsErrors that name the file."""
    try:
        yield
    except Refused as error:
        asked = one_line(error, 200)
        raise UnsafeWeights(
            f"{path}: refused, nothing of it was run: it asks for {asked}, which weights have no "
            "need of. Get the file from where its authors publish it", asked=asked) from None
    except Truncated as error:
        raise NotWeights(f"{path}: is cut short: {error}. Download it again") from None
    except Malformed as error:
        raise NotWeights(
            f"{path}: is not a readable {kind} file: {one_line(error, 400)}") from None
    except RecursionError:
        raise NotWeights(
            f"{path}: is not a readable {kind} file: it is nested too deeply") from None
    except MemoryError:
        raise NotWeights(f"{path}: there is not enough memory to read it") from None
    except INPUT_FAULTS as error:
        raise NotWeights(f"{path}: is not a readable {kind} file: {type(error).__name__}: "
                         f"{one_line(error, 300)}") from error
