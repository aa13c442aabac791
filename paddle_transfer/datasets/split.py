"""Seeded, stratified splits without replacement, the same on every machine: only
``random.Random`` with text seeds is used."""

import random
from collections import defaultdict
from collections.abc import Sequence


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


def hold_out(labels: Sequence[int], *, fraction: float, seed: int) -> set[int]:
    """The indices that are held out, stratified by label. For published data sets, whose images do
    not change; ``stable_split`` is for others."""
    members: dict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    held: set[int] = set()
    order = sorted(members)
    counts = quotas([len(members[label]) for label in order], fraction)
    for label, quota in zip(order, counts, strict=True):
        shuffled = list(members[label])
        random.Random(f"{seed}/{label}").shuffle(shuffled)
        held.update(shuffled[:quota])
    return held
