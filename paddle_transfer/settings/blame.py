"""Which searched values are the cause of what is wrong at some points."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

from paddle_transfer.space.hyperparameter import value_key
from paddle_transfer.space.space import Point


def causes(points: Sequence[Point], wrong: Collection[int], *, from_base: bool = False
           ) -> list[Point]:
    """The smallest combinations of values with which all of ``points`` are wrong, so that together
    they explain all that is wrong.

    :param points: with the keys that are active in each
    :param wrong: the indices of those that are wrong
    :param from_base: the base config is wrong without any value, so that where all points are wrong
        no value is the cause: the only one is then the empty combination
    """
    found: list[Point] = []
    left = set(wrong)
    if from_base and len(left) == len(points):
        return [{}]
    names = list(dict.fromkeys(name for i in sorted(left) for name in points[i]))
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            total: dict[tuple[str, ...], int] = {}
            bad: dict[tuple[str, ...], list[int]] = {}
            for i, point in enumerate(points):
                if all(name in point for name in chosen):
                    mark = tuple(value_key(point[name]) for name in chosen)
                    total[mark] = total.get(mark, 0) + 1
                    if i in wrong:
                        bad.setdefault(mark, []).append(i)
            for mark, indices in bad.items():
                if len(indices) == total[mark] and left & set(indices):
                    left -= set(indices)
                    found.append({name: points[indices[0]][name] for name in chosen})
        if not left:
            break
    return [*found, *(dict(points[i]) for i in sorted(left))]
