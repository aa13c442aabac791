"""The configs that a search can reach, as far as they matter to some dotted paths.

Every value of every choice is visited, and of a range both ends and a value between them; of the
keys that touch the paths, all combinations, conditions respected. Other keys are left as the base
config has them, which by their paths makes no difference.

Bound: of keys with more than ``POINTS`` combinations, every value of each key is visited once, then
the combinations of their smallest and largest values, then those of two keys, ``POINTS`` in all
beside the single values. A config takes about 0.3 ms and is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations, islice, product
from typing import Any

from paddle_transfer.errors import ConfigError, PaddleTransferError
from paddle_transfer.rules.base import touches
from paddle_transfer.settings.kinds import Kind
from paddle_transfer.space.blocks import active_names
from paddle_transfer.space.hyperparameter import Choice, Value, is_number, value_key
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point
from paddle_transfer.stages.plan import BASE

Config = dict[str, Any]

#: Combinations that are visited at most, beside the single values of each key.
POINTS = 1000

#: A range of at most so many whole numbers is visited like a choice.
FEW = 32

#: Where in a continuous range the value between its ends lies: not at a round number.
BETWEEN = 0.382

#: What an edit raises when a value cannot be put into a config.
EDIT_ERRORS = (LookupError, TypeError, AttributeError, ValueError, AssertionError,
               ZeroDivisionError, PaddleTransferError)


def reachable(kind: Kind, paths: Sequence[str]) -> Iterator[tuple[Point, Config | Exception]]:
    """(point, config) of all combinations of the keys of ``kind`` that touch ``paths``; an error in
    the place of a config that cannot be made. A point has the active keys only."""
    return configs(kind, touching(kind.keys, paths))


def touching(keys: Sequence[SearchKey], paths: Sequence[str]) -> tuple[SearchKey, ...]:
    """Those of ``keys`` that touch ``paths``, and those on which their conditions depend."""
    return with_parents(keys, {key.name for key in keys if touches(key.edits, paths)})


def with_parents(keys: Sequence[SearchKey], wanted: set[str]) -> tuple[SearchKey, ...]:
    """Those of ``keys`` with the names ``wanted``, and those on which their conditions depend."""
    while True:
        parents = {parent for key in keys if key.name in wanted
                   for parent, _ in key.hyperparameter.condition}
        if parents <= wanted:
            return tuple(key for key in keys if key.name in wanted)
        wanted |= parents


def configs(kind: Kind, keys: Sequence[SearchKey]) -> Iterator[tuple[Point, Config | Exception]]:
    """``reachable`` for given keys."""
    stepwise = kind.stepwise
    begun = stepwise and kind.keys[:1] != tuple(keys[:1])  # others are searched before them
    for point in _points(keys, stepwise=stepwise, untouched=begun):
        try:
            yield _active(keys, point), kind.build(keys, point)
        except ConfigError as error:
            yield _active(keys, point), error
        except EDIT_ERRORS as error:
            yield _active(keys, point), error


def values_of(key: SearchKey) -> list[Value]:
    """All values of a choice, and of a range of few whole numbers; of any other both ends and one
    between them."""
    h = key.hyperparameter
    if isinstance(h, Choice):
        return list(h.values)
    if h.size is not None and h.size <= FEW:
        return [h.at(i) for i in range(h.size)]
    return list(dict.fromkeys((h.low, h.decode(BETWEEN), h.high)))


def _points(keys: Sequence[SearchKey], *, stepwise: bool, untouched: bool) -> Iterator[Point]:
    """Points of ``keys``, each once.

    :param stepwise: ``BASE`` stands for the base config's value of the keys that come later
    :param untouched: the point is among them at which all are as the base config has them
    """
    values = [values_of(key) for key in keys]
    choices: Iterable[tuple[Value, ...]] = _combinations(values)
    if stepwise and keys:
        choices = chain.from_iterable(
            _combinations([*values[:i], *([BASE] for _ in values[i:])])
            for i in range(0 if untouched else 1, len(keys) + 1))
    seen, names = set(), [key.name for key in keys]
    for chosen in choices:
        point = dict(zip(names, chosen, strict=True))
        active = _active(keys, point)
        mark = tuple((name, value_key(value)) for name, value in active.items())
        if mark not in seen:
            seen.add(mark)
            yield point


def _active(keys: Sequence[SearchKey], point: Point) -> Point:
    active = active_names([key.hyperparameter for key in keys], point)
    return {name: value for name, value in point.items() if name in active}


def _combinations(values: Sequence[Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """All of ``values``, one of each; see the bound above."""
    if math.prod(map(len, values)) <= POINTS:
        return product(*values)
    centre = [some[0] for some in values]

    def replaced(places: Sequence[int], chosen: Sequence[Value]) -> tuple[Value, ...]:
        made = dict(zip(places, chosen, strict=True))
        return tuple(made.get(i, value) for i, value in enumerate(centre))

    singles = (replaced([i], [value]) for i, some in enumerate(values) for value in some)
    ends = islice(product(*map(_ends, values)), POINTS // 2)
    pairs = (replaced((i, j), chosen) for i, j in combinations(range(len(values)), 2)
             for chosen in product(values[i], values[j]))
    return chain(singles, islice(chain(ends, pairs), POINTS))


def _ends(values: Sequence[Value]) -> list[Value]:
    if all(map(is_number, values)):
        return [min(values), max(values)] if len(values) > 1 else list(values)
    return list(values) if len(values) < 3 else [values[0], values[-1]]
