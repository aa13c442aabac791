"""Which recorded tables have weights or data in common.

What is learnt from tables, or set with them in view, is judged on tables that share neither.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.recorded import Table

#: Tables are named NETWORK_DATA..., those of ImageNet weights; or DATA_..., each with weights of
#: its own, trained on other classes of the same set.
DATA = ("digits", "fashion", "openclipart", "tuxpaint")
WEIGHTS = ("squeezenet", "mobilenetv2")


def akin(one: str, other: str) -> bool:
    """Whether the tables of these names share weights or data."""
    return one == other or bool(_parts(one) & _parts(other))


def unlike(tables: Sequence[Table], table: Table) -> list[Table]:
    """Those of ``tables`` that share neither weights nor data with ``table``."""
    return [one for one in tables if not akin(one.name, table.name)]


def _parts(name: str) -> set[str]:
    return {word for word in name.split("_") if word in DATA + WEIGHTS}
