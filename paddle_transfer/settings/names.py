"""Names that a person gives: of search keys, and of the metric. They become columns of tables, tags
in VisualDL, and parts of dotted paths (``-o fixed.NAME=...``, where NAME has no dot)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import one_line
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.stages.plan import COLUMNS

#: The columns of search_results.csv: before the metric, between it and the search keys, after them.
BEFORE = ("trial", "state")
BETWEEN = ("images", "estimate", "rank", "best_epoch", "epochs")
AFTER = ("seed", "seconds", "attempts", "reused", "reason")
#: The column of the trained epochs gives way to the registered search key of its name.
YIELDING = {"epochs": "trained_epochs"}
#: Further columns: of searches that distil, and of ``SearchResult.leaderboard()``.
_OTHERS = (*YIELDING.values(), *COLUMNS, "error", "trials", "epoch", "baseline")
RESERVED = frozenset((*BEFORE, *BETWEEN, *AFTER, *_OTHERS))

#: Characters of a name at most.
LENGTH = 64
_NAME = re.compile(r"[^\W\d_](?:[\w. -]*\w)?")
_HINT = ("A name begins with a letter and goes on with letters, digits, '_', '-', '.' and "
         f"spaces, {LENGTH} characters at most.")


def header(metric: str, names: tuple[str, ...], *, estimate: bool,
           measured: tuple[str, ...] = ()) -> list[str]:
    """The columns of search_results.csv.

    :param estimate: whether a model of the results ranks
    :param measured: what ``also_measure`` adds
    """
    taken = {name.casefold() for name in names}
    between = [YIELDING.get(column, column) if column in taken else column for column in BETWEEN
               if estimate or column != "estimate"]
    return [*BEFORE, metric, *measured, *between, *names, *AFTER]


def check_key_name(name: str, where: str, metric: str, others: Sequence[str],
                   issues: ValidationIssues) -> None:
    """Add what is wrong with the name of a search key.

    :param metric: the name of the metric; empty where it is not known
    :param others: the names before it in search_dict
    """
    alike = next((other for other in others if other != name
                  and other.casefold() == name.casefold()), None)
    registered = name in HYPERPARAMETERS  # also as module:attribute
    if not registered and (len(name) > LENGTH or not _NAME.fullmatch(name)):
        issues.add(where, "must be a name that tables and -o can hold", repr(one_line(name, 100)),
                   _HINT)
    elif name.casefold() in RESERVED - YIELDING.keys():
        issues.add(where, "must not be a column that search_results.csv has anyway", repr(name),
                   f"Give it another name, such as my_{name}.")
    elif name.casefold() == metric.casefold():
        issues.add(where, "must not be the name of the metric", repr(name),
                   f"Give it another name, such as my_{name}.")
    elif alike is not None:
        issues.add(where, "must differ from other names in more than upper and lower case",
                   f"{name!r} and {alike!r}", "Give one of them another name.")


def check_metric_name(metric: str, issues: ValidationIssues) -> None:
    """Add what is wrong with the name of the metric; PaddleClas's and a user's own are free in it
    otherwise."""
    if len(metric) > LENGTH or not metric.isprintable() or metric != metric.strip():
        issues.add("metric", f"must be a printable name of {LENGTH} characters at most",
                   repr(one_line(metric, 100)))
    elif metric.casefold() in RESERVED:
        issues.add("metric", "must not be a column that search_results.csv has anyway",
                   repr(metric), "Give the metric another name where it is defined.")
