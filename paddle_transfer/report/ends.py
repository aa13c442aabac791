"""Settings whose best value is the first or the last of those that were searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from paddle_transfer.report.formatting import show_value
from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.space import Point

#: Values below which the ends of an axis say nothing, and the share of a range that is its end.
FEWEST, EDGE = 3, 0.02


@dataclass(frozen=True)
class End:
    """:param key: of the search file that the values stand in, beside ``search_key: name``"""

    name: str
    value: Value
    largest: bool
    key: str

    @property
    def text(self) -> str:
        """For the terminal: two sentences."""
        side, more = ("largest", "larger") if self.largest else ("smallest", "smaller")
        return (f"{self.name} {show_value(self.value)} is the {side} that was searched: {more} "
                f"values may be better. Add some to {self.key} of {self.name}")


def ends_of(hyperparameters: Iterable[Hyperparameter], used: Point) -> tuple[End, ...]:
    """Of the best point ``used``, without the settings that it switches off.

    Not of names and switches, of what hardly matters (``DimensionPrior.weak``), and of 0: nothing
    is below it.
    """
    return tuple(_ends(hyperparameters, used))


def _ends(hyperparameters: Iterable[Hyperparameter], used: Point) -> Iterator[End]:
    for h in hyperparameters:
        if h.name not in used or not h.ordered or axis_of(h).prior.weak:
            continue
        value, listed = used[h.name], isinstance(h, Choice)
        if not h.contains(value) or (h.size is not None and h.size < FEWEST):
            continue
        place, edge = h.encode(value)[0], 0.0 if listed else EDGE
        if place >= 1.0 - edge or (place <= edge and value != 0):
            yield End(h.name, value, place >= 1.0 - edge,
                      "search_values" if listed else "search_range")
