"""Summaries of many tables, together: means, the worst against the best peer, what it costs to have
many workers or a wrong prior."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy

from benchmarks.report import AFTER, Summary
from paddle_transfer.errors import PaddleTransferError

#: Methods that are compared with the first of them in trials to within reach.
_COSTS = ("bayes", "bayes_prior", "bayes_turned")


def read_summaries(paths: Iterable[str]) -> list[Summary]:
    """The lines that ``replay --json`` wrote. Raises PaddleTransferError naming file and line."""
    found = []
    for path in paths:
        try:
            lines = Path(path).read_text().splitlines()
        except OSError as error:
            raise PaddleTransferError(f"{path}: cannot be read ({error.strerror})") from None
        for number, line in enumerate(lines, start=1):
            try:
                found.append(Summary(**json.loads(line)))
            except (ValueError, TypeError):
                raise PaddleTransferError(
                    f"{path}, line {number}: is no line of 'replay --json'. Run it again with this "
                    "version and keep what it prints") from None
    return found


def report_lines(summaries: Sequence[Summary]) -> list[str]:
    """Everything below, with blank lines between the parts; parts that have nothing to say are left
    out."""
    parts = [mean_lines(summaries), verdict_lines(summaries), cost_lines(summaries)]
    return [line for part in parts if part for line in ["", *part]]


def mean_lines(summaries: Sequence[Summary]) -> list[str]:
    """A line per method: mean over tables and its standard error (over tables) of the share of the
    gap that is closed; then that of the whole grid, trained once."""
    head = (f"{'mean over tables':<24}{'tables':>7}" + "".join(
        f"{kind + str(after):>13}" for kind in ("closed ", "raw ") for after in AFTER) + "".join(
            f"{'true ' + str(after):>9}" for after in AFTER) + f"{'below %':>9}")
    lines = [head]
    for name, mine in _by_variant(summaries).items():
        shares = [[getattr(one, f"{kind}closed_{after}") for one in mine]
                  for kind in ("", "raw_") for after in AFTER]
        regrets = [[getattr(one, f"true_{after}") for one in mine] for after in AFTER]
        lines.append(f"{name:<24}{len(mine):>7}" + "".join(f"{_share(one):>13}" for one in shares) +
                     "".join(f"{_number(one):>9}" for one in regrets) +
                     f"{_number([one.below_fixed for one in mine], 100):>9}")
    tables = list({one.table: one for one in summaries}.values())
    for title, name, raw in (("whole grid, once", "closed_grid", "raw_closed_grid"),
                             ("  and means over L2", "closed_grid_smoothed", None)):
        shares = [[getattr(one, key) for one in tables] if key else [] for key in (name, raw)]
        lines.append(f"{title:<24}{len(tables):>7}{'':>26}{_share(shares[0]):>13}{'':>26}"
                     f"{_share(shares[1]):>13}")
    return lines


def verdict_lines(summaries: Sequence[Summary]) -> list[str]:
    """Per table and method of ours: whether its true regret is larger than that of the best peer by
    more than one standard error of their difference, which is the root of the sum of the squared
    standard errors over searches. A method with one search on a table has none: 0."""
    lines = []
    for table in dict.fromkeys(one.table for one in summaries):
        single = [one for one in summaries if one.table == table and one.workers == 1]
        peers = [one for one in single if not _is_ours(one)]
        for mine in filter(_is_ours, single if peers else []):
            cells = [_verdict(mine, peers, after) for after in AFTER]
            lines.append(f"{table:<26}{mine.method:<16}" + "   ".join(filter(None, cells)))
    return lines and ["true regret less that of the best peer, in points", *lines]


def cost_lines(summaries: Sequence[Summary]) -> list[str]:
    """Per table, trials to within reach (median) of ``bayes``, and what each variant takes more."""
    variants = {name: {one.table: one.trials_median for one in mine}
                for name, mine in _by_variant(summaries).items()
                if name.split(",")[0] in _COSTS}
    base = variants.pop(_COSTS[0], {})
    if not base or not variants:
        return []
    lines = [f"{'trials to within reach':<26}{_COSTS[0]:>8}" + "".join(
        f"{name:>24}" for name in variants)]
    for table, trials in base.items():
        others = [found.get(table) for found in variants.values()]
        lines.append(f"{table:<26}{trials:>8.1f}" + "".join(
            f"{'' if one is None else f'{one:.1f} ({one - trials:+.1f})':>24}" for one in others))
    more = [numpy.median([found[table] - trials for table, trials in base.items()
                          if table in found]) for found in variants.values()]
    return [*lines, f"{'median difference':<34}" + "".join(f"{one:>+24.1f}" for one in more)]


def _is_ours(summary: Summary) -> bool:
    return summary.method.startswith("bayes")


def _by_variant(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    found: dict[str, list[Summary]] = {}
    for one in summaries:
        name = one.method + (f", {one.workers} workers" if one.workers > 1 else "")
        found.setdefault(name, []).append(one)
    return found


def _verdict(mine: Summary, peers: Sequence[Summary], after: int) -> str:
    own = getattr(mine, f"true_{after}")
    known = [peer for peer in peers if getattr(peer, f"true_{after}") is not None]
    if own is None or not known:
        return ""
    best = min(known, key=lambda peer: float(getattr(peer, f"true_{after}")))
    more = own - getattr(best, f"true_{after}")
    error = math.hypot(*(getattr(one, f"error_{after}") or 0.0 for one in (mine, best)))
    return (f"{after:>2}: {more:+.2f} ± {error:.2f} ({best.method})"
            f"{' WORSE' if more > error else ''}")


def _share(values: Sequence[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return "-"
    error = numpy.std(known, ddof=1) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return f"{numpy.mean(known):.1f} ± {error:.1f}"


def _number(values: Sequence[float | None], times: float = 1) -> str:
    known = [times * value for value in values if value is not None]
    return f"{numpy.mean(known):.2f}" if known else "-"
