"""Near duplicates: the same picture saved again, in another format, quality or size.

Two images are near duplicates if their 16 x 16 grey thumbnails differ by at most 5 grey levels
(root mean square) and by at most a tenth of their own contrast. Measured on Fashion-MNIST (28 px,
plain pictures of ten kinds, the hardest case found): of the 6e8 pairs between its train and test
split 9 qualify, and each of them is one picture twice; of copies saved again as JPEG at quality 75
to 95 at least 999 of 1,000 are found, at 50 950. Of 32 px digits saved at 60, all. Larger pictures
average more pixels, so they differ less.

Candidates are close in the low cosine frequencies of the thumbnails. Distances there are never
larger than between the thumbnails (the transform keeps lengths, dropping coefficients shortens
them), so no pair is lost; sorted by the frequency with the largest variance (brightness), most
pairs are skipped.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from paddle_transfer.checks.images import SIDE

Floats = npt.NDArray[np.float32]

LEVELS = 5.0    # grey levels of 255, root mean square
CONTRAST = 0.1  # share of the smaller standard deviation of the two
PLAIN = 4.0     # thumbnails with less contrast (blank pages) are compared by content only
_KEPT = 5       # frequencies per axis
_FLOATS = 8192  # thumbnails that are numbers at once
_BLOCK = 128    # thumbnails that are compared at once
_MAX_CANDIDATES = 300  # of one image: among many that are alike, any will do


def _projection() -> Floats:
    """The lowest frequencies of the 2-D cosine transform: (SIDE * SIDE, kept * kept)."""
    k, x = np.arange(_KEPT)[:, None], np.arange(SIDE)[None]
    basis = np.cos(np.pi * (2 * x + 1) * k / (2 * SIDE)) * np.sqrt(2 / SIDE)
    basis[0] /= np.sqrt(2)  # orthonormal
    products: Floats = np.einsum("iy,jx->yxij", basis, basis).astype(np.float32)
    return products.reshape(SIDE * SIDE, -1)


class Thumbnails:
    """The thumbnails of one list, SIDE * SIDE bytes each, ready for comparison."""

    def __init__(self, thumbnails: Sequence[bytes]):
        self.pixels = np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, SIDE * SIDE)
        projection, contrast, frequencies = _projection(), [], []
        for start in range(0, max(len(self.pixels), 1), _FLOATS):  # as numbers they take four times
            values = self.pixels[start:start + _FLOATS].astype(np.float32)
            mean, squares = values.mean(axis=1), np.einsum("ij,ij->i", values, values)
            contrast.append(np.sqrt(np.maximum(squares / SIDE**2 - mean**2, 0)))
            frequencies.append(values[contrast[-1] >= PLAIN] @ projection)
        self.contrast = np.concatenate(contrast)
        self.comparable = np.flatnonzero(self.contrast >= PLAIN)
        self.frequencies: Floats = np.concatenate(frequencies)


def near_duplicates(first: Thumbnails, second: Thumbnails) -> list[tuple[int, int]]:
    """(i, j) by i: thumbnail i of ``second`` is a near duplicate of j of ``first``, the closest."""
    if not len(first.comparable) or not len(second.comparable):
        return []
    pairs = []
    for row, close in _candidates(first.frequencies, second.frequencies):
        i, j = second.comparable[row], first.comparable[close]
        difference = first.pixels[j].astype(np.float32) - second.pixels[i]
        distance = np.sqrt((difference**2).mean(axis=1))
        allowed = np.minimum(LEVELS, CONTRAST * np.minimum(first.contrast[j], second.contrast[i]))
        best = int(np.argmin(distance - allowed))
        if distance[best] <= allowed[best]:
            pairs.append((int(i), int(j[best])))
    return sorted(pairs)


def _candidates(first: Floats, second: Floats) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """(row of second, rows of first within reach, at most ``_MAX_CANDIDATES``), in no order."""
    mean = first.mean(axis=0)  # small numbers: the squares below lose nothing in float32
    first, second = first - mean, second - mean
    axis = int(np.argmax(first.var(axis=0)))
    order, queue = np.argsort(first[:, axis]), np.argsort(second[:, axis])
    first, second = first[order], second[queue]
    reach = LEVELS * SIDE + 0.5
    bounds = np.searchsorted(first[:, axis],
                             np.stack([second[:, axis] - reach, second[:, axis] + reach]))
    # |a - b|^2 = |a|^2 - (2 a b - |b|^2): one product gives the bracket, whose largest values count
    bracket = np.hstack([2 * first, -(first**2).sum(axis=1, keepdims=True)]).T
    needed = (second**2).sum(axis=1) - reach**2
    factors = np.hstack([second, np.ones((len(second), 1), second.dtype)])
    for start in range(0, len(queue), _BLOCK):
        low, high = bounds[0, start], bounds[1, min(start + _BLOCK, len(queue)) - 1]
        if low == high:
            continue
        products = factors[start:start + _BLOCK] @ bracket[:, low:high]
        for hit in np.flatnonzero(products.max(axis=1) >= needed[start:start + _BLOCK]):
            rows = low + np.flatnonzero(products[hit] >= needed[start + hit])[:_MAX_CANDIDATES]
            yield int(queue[start + hit]), order[rows]
