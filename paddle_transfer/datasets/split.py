"""Seeded, stratified splits without replacement, the same on every machine: only
``random.Random`` with text seeds is used."""

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence


def draw(total: int, *, count: int, seed: str) -> set[int]:
    """``count`` different numbers of ``range(total)``."""
    return set(random.Random(seed).sample(range(total), count))


def quotas(sizes: Sequence[int], fraction: float) -> list[int]:
    """How many items each class gives, ``fraction`` of all in sum, by largest remainder.

    A class of two or more gives at least one (if ``fraction`` > 0) and keeps at least one; a class
    of one keeps it.
    """
    assert 0 <= fraction < 1, f"0 <= fraction < 1 must hold, but got {fraction}"
    if not fraction:
        return [0] * len(sizes)
    target = int(sum(sizes) * fraction + 0.5)
    exact = [size * fraction for size in sizes]
    taken = [min(max(int(share), 1), size - 1) if size > 1 else 0
             for share, size in zip(exact, sizes, strict=True)]
    # stable: of equal remainders the first class comes first
    for i in sorted(range(len(sizes)), key=lambda i: int(exact[i]) - exact[i]):
        if sum(taken) >= target:
            break
        if taken[i] == int(exact[i]) and taken[i] < sizes[i] - 1:
            taken[i] += 1
    return taken


def hold_out(labels: Sequence[int], *, fraction: float, seed: int,
             groups: Sequence[Hashable] | None = None) -> set[int]:
    """The indices that are held out, stratified by label.

    :param groups: indices of one group (copies of one image) stay together; the number of indices
        may then differ a little
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    held: set[int] = set()
    order = sorted(members)
    counts = quotas([len(members[label]) for label in order], fraction)
    for label, quota in zip(order, counts, strict=True):
        units: dict[Hashable, list[int]] = defaultdict(list)
        for index in members[label]:
            units[groups[index] if groups is not None else index].append(index)
        shuffled = list(units.values())
        random.Random(f"{seed}/{label}").shuffle(shuffled)
        taken = 0
        for unit in shuffled:
            if taken + len(unit) <= quota:
                held.update(unit)
                taken += len(unit)
    if groups is not None:  # a group that spans classes goes where its first member went
        side: dict[Hashable, bool] = {}
        for index, group in enumerate(groups):
            if side.setdefault(group, index in held) != (index in held):
                held.symmetric_difference_update({index})
    return held
