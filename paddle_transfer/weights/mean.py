"""The mean of the weights of several trainings (Wortsman et al. 2022, Model soups,
https://arxiv.org/abs/2203.05482)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.read import read


@dataclass(frozen=True)
class Mean:
    """:param tensors: by name, in the types of the files
    :param moved: the names of those in which the files differ; the others are as in each file, to
        the last bit
    """

    tensors: dict[str, np.ndarray]
    moved: frozenset[str]


def mean_of(files: Sequence[str | os.PathLike[str]]) -> Mean:
    """The mean of all tensors of ``files``, each of which counts the same. One file after the other
    is read; sums are of 64 bits.

    :raises WeightsError: two files have other names, shapes or types, or differ in a tensor that is
        not of floats (integers, half floats of 16 bits that NumPy does not know)
    """
    first, sums = read(files[0]).tensors, dict[str, np.ndarray]()
    for count, file in enumerate(files[1:], start=1):
        tensors = read(file).tensors
        _check_same(first, tensors, str(files[0]), str(file))
        for name, array in tensors.items():
            if name not in sums and np.array_equal(array, first[name]):
                continue
            if array.dtype.kind != "f":
                raise WeightsError(f"{file}: {name} is of {array.dtype}, of which there is no "
                                   f"mean, and differs from that of {files[0]}")
            if name not in sums:
                sums[name] = count * first[name].astype("float64")
            sums[name] = sums[name] + array
    means = {name: np.asarray(total / len(files), first[name].dtype)
             for name, total in sums.items()}
    return Mean({**first, **means}, frozenset(sums))


def _check_same(first: dict[str, np.ndarray], other: dict[str, np.ndarray], mine: str,
                file: str) -> None:
    names = sorted(first.keys() ^ other.keys())
    if names:
        raise WeightsError(f"{file}: {names[0]} is in one of it and {mine} only: they are not "
                           "weights of one network")
    for name, array in first.items():
        here, there = (f"{one.dtype} {list(one.shape)}" for one in (array, other[name]))
        if here != there:
            raise WeightsError(f"{file}: {name} is {there}, but {here} in {mine}: they are not "
                               "weights of one network")
