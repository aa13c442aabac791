"""What a network answered on its validation list, image by image: the file that a training leaves
beside its weights."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy
from numpy.typing import NDArray

from paddle_transfer.files import read_bytes

Integers: TypeAlias = NDArray[numpy.int32]
Floats: TypeAlias = NDArray[numpy.float32]

#: Its name, beside the weights.
FILE = "best_predictions.npz"
#: How many classes of each image are kept, and the bytes of a file that are read at most.
KEPT, LIMIT = 5, 1 << 28


def predictions_beside(weights: str) -> str:
    """The file for the answers of the network with the weights in the file ``weights``."""
    return os.path.join(os.path.dirname(weights), FILE)


@dataclass(frozen=True)
class Predictions:
    """The answers on n images, in the order of the list.

    :param labels: the true classes, [n]
    :param classes: the likeliest ones, [n, k], the likeliest first; k is at most ``KEPT``
    :param probabilities: of ``classes``, [n, k]
    :param own: the probability of the true class, [n]
    """

    labels: Integers
    classes: Integers
    probabilities: Floats
    own: Floats

    @classmethod
    def of(cls, logits: NDArray[numpy.floating], labels: NDArray[numpy.integer]) -> Predictions:
        """Of ``logits`` [n, classes]; ``labels`` [n] are below the number of classes."""
        exact = logits.astype(numpy.float64)
        shares = numpy.exp(exact - exact.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        best = numpy.argsort(-shares, axis=1, kind="stable")[:, :KEPT]
        return cls(labels.astype(numpy.int32), best.astype(numpy.int32),
                   numpy.take_along_axis(shares, best, axis=1).astype(numpy.float32),
                   shares[numpy.arange(len(labels)), labels].astype(numpy.float32))

    @classmethod
    def join(cls, parts: list[Predictions]) -> Predictions:
        """The answers of ``parts`` (at least one), one behind the other."""
        return cls(*(numpy.concatenate([getattr(part, name) for part in parts])
                     for name in cls.__dataclass_fields__))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all. Raises OSError."""
        stream = io.BytesIO()
        numpy.savez_compressed(stream, **vars(self))
        aside = f"{os.fspath(path)}.tmp"
        Path(aside).write_bytes(stream.getvalue())
        os.replace(aside, path)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Predictions | None:
        """The answers in a file; None where there is none, or it is not whole."""
        try:
            with numpy.load(io.BytesIO(read_bytes(path, LIMIT)), allow_pickle=False) as found:
                made = cls(*(found[name] for name in cls.__dataclass_fields__))
        except Exception:  # zipfile, zlib and numpy raise many kinds on a torn file
            return None
        fits = (made.labels.ndim == made.own.ndim == 1 and made.classes.ndim == 2
                and made.classes.shape == made.probabilities.shape
                and 0 < len(made.labels) == len(made.own) == len(made.classes))
        return made if fits else None
