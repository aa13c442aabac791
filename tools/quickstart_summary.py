"""What the quickstart shows at its end."""

from __future__ import annotations

from collections.abc import Sequence

from paddle_transfer.loop.saved_ranking import RankedPoint
from paddle_transfer.loop.saved_search import read_saved_search
from paddle_transfer.report.formatting import columns, show_point
from paddle_transfer.result import SearchResult, load_search
from paddle_transfer.space.blocks import active_names
from tools.quickstart_steps import Start

#: The strategies of the comparison, in words.
WAYS = {"scratch": "from scratch", "feature_extraction": "feature extraction", "head": "head only"}


def summary(start: Start) -> list[str]:
    """A table of the ways to transfer: means over seeds with the lowest and the highest."""
    rates, search = (load_search(start.folder(name)) for name in ("rates", "strategies"))
    rows = [["", "top-1", "lowest to highest", "seeds", "settings"]]
    for name, words in WAYS.items():
        own = [row for row in rates.ranking if row.point["strategy"] == name]
        if own:
            best = max(own, key=lambda row: row.value)
            rows.append(_row(words, rates, best, f"the best of {len(own)} rates: "
                             if len(own) > 1 else ""))
    rows += [_row("all layers, fixed point", search, row) for row in search.ranking
             if row.is_baseline]
    if search.best is not None:
        rows.append(_row("found by the search", search, search.best))
    images = search.best.images if search.best else None
    return [f"From {start.name} to the digits 5 to 9: 20 training images of each, {images} images "
            "for validation,", "which also chose the best rates and the point found:", "",
            *columns(rows, indent="  ")]


def _row(words: str, result: SearchResult, row: RankedPoint, note: str = "") -> list[str]:
    """:param note: stands before the settings, of which those are left out that did nothing"""
    values = _values(result, row.trials)
    active = active_names(read_saved_search(result.output_dir).space.hyperparameters, row.point)
    used = {name: value for name, value in row.point.items() if name in active}
    return [words, f"{sum(values) / len(values):.4f}", f"{min(values):.4f} to {max(values):.4f}",
            str(len(values)), note + show_point(used)]


def _values(result: SearchResult, numbers: Sequence[int]) -> list[float]:
    return [trial.value for trial in result.trials
            if trial.number in numbers and trial.value is not None]
