"""A stratified split that moves no image when images are added or removed.

New images are drawn by a hash of their content, so the first split is the same on every machine,
and hardly differs for folders that differ by a few images.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from paddle_transfer.datasets.split import quotas

TRAIN = "train"


def stable_split(labels: Sequence[int], groups: Sequence[str], *, shares: Mapping[str, float],
                 seed: int, known: Sequence[str | None]) -> list[str]:
    """The list of each image: one of ``shares``, or train.

    Stratified by label, with the quotas of ``split.quotas``. Images of one group (copies) come to
    one list, unless they are known to be in several.

    :param groups: of each image: its content
    :param shares: of the images that the lists before it in the mapping leave
    :param known: the list that each image was in before; None for a new one
    """
    places = [place if place in shares or place == TRAIN else None for place in known]
    members = defaultdict[str, list[int]](list)
    for index, group in enumerate(groups):
        members[group].append(index)
    for indices in members.values():
        before = next((places[index] for index in indices if places[index]), None)
        for index in indices:
            places[index] = places[index] or before
    order = sorted(members, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    taken: set[str] = set()  # lists that are filled already
    for split, share in shares.items():
        left = [index for index, place in enumerate(places) if place not in taken]
        if share:
            _fill(split, share, labels, left, places, [members[group] for group in order])
        taken.add(split)
    return [place or TRAIN for place in places]


def _fill(split: str, share: float, labels: Sequence[int], left: Sequence[int],
          places: list[str | None], units: Sequence[Sequence[int]]) -> None:
    """Put new units into ``split`` until every class has its quota there.

    :param left: the images that are in no list before this one
    :param units: indices of the same content, in the order in which they are drawn
    """
    of_class, fresh = defaultdict[int, list[int]](list), defaultdict[int, list[Sequence[int]]](list)
    for index in left:
        of_class[labels[index]].append(index)
    for unit in units:
        if places[unit[0]] is None:
            fresh[labels[unit[0]]].append(unit)
    classes = sorted(of_class)
    quota = dict(zip(classes, quotas([len(of_class[label]) for label in classes], share),
                     strict=True))
    for label in classes:
        have = sum(places[index] == split for index in of_class[label])
        for unit in fresh[label]:
            if have + len(unit) <= quota[label]:
                have += len(unit)
                _place(unit, split, places)
        if quota[label] and not have:  # copies only: better too many than none
            smallest = min(fresh[label], key=len, default=())
            if smallest and len(smallest) < len(of_class[label]):
                _place(smallest, split, places)


def _place(unit: Sequence[int], split: str, places: list[str | None]) -> None:
    for index in unit:
        places[index] = split
