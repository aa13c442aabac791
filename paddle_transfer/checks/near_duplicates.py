"""Pictures that are the same to the eye: saved again, in another format, quality or size.

Two images are copies when their 16 x 16 grey thumbnails differ by at most 5 grey levels (root mean square) and by
at most a tenth of their own contrast. Measured on Fashion-MNIST (28 px, plain pictures of ten kinds, the hardest
case that we found): of the 6e8 pairs between its train and test split 9 qualify, and to the eye each of them is
one picture twice; of copies saved again as JPEG at quality 75 to 95 at least 999 of 1,000 are found, at 50 950. Of
32 px digits saved at 60, all. Larger pictures average more pixels, so they differ less.

Candidates are near in the low cosine frequencies of the thumbnails. Distances there are never larger than between
the thumbnails (the transform keeps lengths, leaving out coefficients shortens them), so no pair is lost; sorted
along the frequency in which they differ most (brightness), most pairs need no look at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from paddle_transfer.checks.images import SIDE

LEVELS = 5.0      # grey levels of 255, root mean square
CONTRAST = 0.1    # share of the smaller standard deviation of the two
PLAIN = 4.0  # thumbnails with less contrast than this (blank pages) are compared by content only
_KEPT = 5         # frequencies per axis
_BLOCK = 128      # thumbnails that are compared at once
_MOST = 300  # candidates of one picture that are looked at: in a heap of alike ones, any will do


def _projection():
    """(SIDE * SIDE, kept * kept): the lowest frequencies of the orthonormal 2-D cosine transform."""
    import numpy as np

    k, x = np.arange(_KEPT)[:, None], np.arange(SIDE)[None]
    basis = np.cos(np.pi * (2 * x + 1) * k / (2 * SIDE)) * np.sqrt(2 / SIDE)
    basis[0] /= np.sqrt(2)
    return np.einsum("iy,jx->yxij", basis, basis).reshape(SIDE * SIDE, -1).astype(np.float32)


class Thumbs:
    """The thumbnails of one list, SIDE * SIDE bytes each, made ready for comparing."""

    def __init__(self, thumbs: Sequence[bytes]):
        import numpy as np

        self.pixels = np.frombuffer(b"".join(thumbs), np.uint8).reshape(-1, SIDE * SIDE)
        values = self.pixels.astype(np.float32)
        middle = values.mean(axis=1)
        self.contrast = np.sqrt(
            np.maximum(np.einsum("ij,ij->i", values, values) / SIDE ** 2 - middle ** 2, 0))
        self.usable = np.flatnonzero(self.contrast >= PLAIN)
        self.low = values[self.usable] @ _projection()


def copies(first: Thumbs, second: Thumbs) -> list[tuple[int, int]]:
    """(i, j): thumbnail i of ``second`` looks like j of ``first``; the most alike j for each i, in the order of i."""
    import numpy as np

    pairs = []
    if not len(first.usable) or not len(second.usable):
        return pairs
    for row, near in _candidates(first.low, second.low):
        i, j = second.usable[row], first.usable[near]
        difference = first.pixels[j].astype(np.float32) - second.pixels[i]
        distance = np.sqrt((difference**2).mean(axis=1))
        allowed = np.minimum(LEVELS, CONTRAST * np.minimum(first.contrast[j], second.contrast[i]))
        best = int(np.argmin(distance - allowed))
        if distance[best] <= allowed[best]:
            pairs.append((int(i), int(j[best])))
    return sorted(pairs)


def _candidates(first, second):
    """(row of second, the rows of first that are within reach, at most a few hundred), in no order."""
    import numpy as np

    middle = first.mean(axis=0)  # small numbers: the squares below lose nothing in float32
    first, second = first - middle, second - middle
    axis = int(np.argmax(first.var(axis=0)))  # along it, the fewest are near one another
    order, queue = np.argsort(first[:, axis]), np.argsort(second[:, axis])
    first, second = first[order], second[queue]
    reach = LEVELS * SIDE + 0.5
    bounds = np.searchsorted(first[:, axis],
                             np.stack([second[:, axis] - reach, second[:, axis] + reach]))
    # |a - b|^2 = |a|^2 - (2 a b - |b|^2); one product gives the bracket, so that only its largest values are looked at
    bracket = np.hstack([2 * first, -(first**2).sum(axis=1, keepdims=True)]).T
    needed = (second**2).sum(axis=1) - reach**2
    factors = np.hstack([second, np.ones((len(second), 1), second.dtype)])
    for start in range(0, len(queue), _BLOCK):
        low, high = bounds[0, start], bounds[1, min(start + _BLOCK, len(queue)) - 1]
        if low == high:
            continue
        near = factors[start:start + _BLOCK] @ bracket[:, low:high]
        for hit in np.flatnonzero(near.max(axis=1) >= needed[start:start + _BLOCK]):
            rows = low + np.flatnonzero(near[hit] >= needed[start + hit])[:_MOST]
            yield queue[start + hit], order[rows]
