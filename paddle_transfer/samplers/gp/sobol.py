"""Scrambled points of Sobol's sequence, the same as ``scipy.stats.qmc.Sobol``: importing that takes
half a second, which every report of a search would pay.

Direction numbers of Joe and Kuo (2008), Constructing Sobol sequences with better two-dimensional
projections; scrambling by Matousek (1998), On the L2-discrepancy for anchored boxes.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy

from paddle_transfer.samplers.gp.encoding import Array

#: For each column the first direction numbers, as whole numbers before their shift.
DIRECTIONS = Path(__file__).with_name("sobol.json")
#: Bits of a number.
_BITS = 30


def sobol(columns: int, count: int, *, seed: int) -> Array:
    """Numbers in [0, 1), [count, columns].

    :param count: a power of two
    """
    directions = _directions()
    if columns > len(directions) or count > 2 ** directions.shape[1]:
        from scipy.stats import qmc  # late: slow to import

        points: Array = qmc.Sobol(columns, seed=seed).random(count)
        return points
    rng, powers = numpy.random.default_rng(seed), numpy.arange(_BITS, dtype=numpy.uint32)
    shift = rng.integers(2, size=(columns, _BITS), dtype=numpy.uint32) @ (1 << powers)
    lower = numpy.tril(rng.integers(2, size=(columns, _BITS, _BITS), dtype=numpy.uint32))
    lower[:, powers, powers] = 1
    bits = directions[:columns, None, :] >> powers[::-1, None] & 1
    scrambled = ((lower @ bits % 2) << powers[::-1, None]).sum(axis=1, dtype=numpy.uint32)
    drawn = numpy.empty((count, columns), numpy.uint32)
    drawn[0] = shift
    for i in range(1, count):
        drawn[i] = drawn[i - 1] ^ scrambled[:, (i & -i).bit_length() - 1]
    numbers: Array = drawn.astype(float) * 2.0 ** -_BITS
    return numbers


@lru_cache(maxsize=1)
def _directions() -> numpy.typing.NDArray[numpy.uint32]:
    """[columns, bits], each shifted to its place."""
    whole = numpy.array(json.loads(DIRECTIONS.read_text(encoding="utf-8")), numpy.uint32)
    shifts = numpy.arange(_BITS - 1, _BITS - 1 - whole.shape[1], -1, dtype=numpy.uint32)
    made: numpy.typing.NDArray[numpy.uint32] = whole << shifts
    return made
