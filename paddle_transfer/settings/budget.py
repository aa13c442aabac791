"""How a search spends its trainings: when it ends (``stop``, budgets), what it tries again (``confirm``), what it
breaks off (``pruner``), and what it knows beforehand (``prior``, ``warm_start``)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import fields as validation
from paddle_transfer.config.fields import Fields
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.pruners.options import pruner_issues
from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.hyperparameter import Choice

KEYS = ("stop", "time_budget", "epoch_budget", "confirm", "warm_start", "prior", "pruner")

STOPS = ("none", "auto")
PRIORS = ("none", "shipped")

#: The prior of a Bayesian search whose file does not name one.
DEFAULT_PRIOR = "shipped"

#: The pruner of a Bayesian search whose file does not name one (docs/benchmarks.md). Searches that are there to see
#: every point, or to compare with, finish all they begin.
DEFAULT_PRUNER = "auto"

#: What goes by the model of a Bayesian search.
BAYES_ONLY = ("stop", "warm_start", "prior")

#: How many of the best points ``confirm`` trains again, beside the fixed point.
CONFIRMED = 3

_PRUNER = "For example pruner: auto, or pruner: {name: MedianPruner}."


def read_budget(fields: Fields, mode: str, *, base: dict | None, keys: Sequence[SearchKey],
                  file: str) -> dict[str, Any]:
    """The fields of ``KEYS`` by name, as ``SearchSettings`` has them; their defaults where there is a mistake.

    :param file: the search file; folders and tables of ``warm_start`` may lie beside it
    """
    _check_mode(fields, mode)
    values = {
        "stop": str(fields.take("stop", "none", validation.one_of(*STOPS), empty=True)).lower(),
        "prior": str(
            fields.take("prior", DEFAULT_PRIOR if mode == "bayes" else "none",
                        validation.one_of(*PRIORS), empty=True)).lower(),
        "time_budget": fields.take("time_budget", None, _hours, empty=True),
        "epoch_budget": fields.take("epoch_budget", None, validation.whole(1), empty=True),
        "confirm": fields.take(
            "confirm", None, validation.whole(2), empty=True,
            hint="It is the number of trainings, each with another seed; for example confirm: 3."),
        "warm_start": _read_warm_start(fields, file),
        "pruner": _read_pruner(fields, mode),
    }
    times = fields.data.get("search_times", 1)
    if values["confirm"] is not None and isinstance(times, int) and values["confirm"] <= times:
        fields.issues.add("confirm",
                          "must be more than search_times: it is the number of trainings in all",
                          show(values["confirm"]), f"search_times is {times} already.")
    most = most_epochs(base, keys) if base is not None else None
    if None not in (values["epoch_budget"], most) and values["epoch_budget"] < most:
        fields.issues.add(
            "epoch_budget", "must be enough for one training", show(values["epoch_budget"]),
            f"One takes {most} epochs (Global.epochs of the base config, or a searched value of it)."
        )
    return values


def _check_mode(fields: Fields, mode: str) -> None:
    for key in BAYES_ONLY:
        value = fields.data.get(key)
        if mode != "bayes" and value is not None and str(value).lower() != "none":
            fields.issues.add(key,
                              "is only for search_mode bayes: it goes by the model of the results",
                              hint="Take it out, or write search_mode: bayes.")
    for key in ("time_budget", "epoch_budget", "confirm", "pruner"):
        value = fields.data.get(key)
        if mode == "greedy" and value is not None and str(value).lower() != "none":
            fields.issues.add(key,
                              "is not for a greedy search, whose steps all have to be finished",
                              hint="Take it out, or choose search_mode grid, bayes or random.")


def most_epochs(base: dict, keys: Sequence[SearchKey]) -> int | None:
    """The epochs of the longest training of the space; None when the configs do not say."""
    config = dotpath.clone(base)
    found = [
        dotpath.get(config, "Global.epochs") if dotpath.exists(config, "Global.epochs") else None
    ]
    for key in keys:
        if searches_epochs(key):
            h = key.hyperparameter
            for value in h.values if isinstance(h, Choice) else (h.high,):
                key.apply(config, value)
                found.append(dotpath.get(config, "Global.epochs"))
    if any(isinstance(epochs, bool) or not isinstance(epochs, int) for epochs in found):
        return None
    always = [key for key in keys if searches_epochs(key) and not key.hyperparameter.condition]
    return max(found[1:] if always else found)


def searches_epochs(key: SearchKey) -> bool:
    """Whether how long a training is depends on ``key``."""
    return any(path in ("Global", "Global.epochs") for path in key.edits)


def _hours(value: Any) -> str | None:
    return validation.seconds(value) and "must be a number of hours above 0"


def _read_warm_start(fields: Fields, file: str) -> tuple[str, ...]:
    """The paths, found here or beside the search file. What is in them is read later (``search.warm_start``)."""
    hint = "List output_dirs of earlier searches, or recorded tables (.csv, .csv.gz)."
    given = fields.data.get("warm_start")
    if isinstance(given, str) and given.lower() == "none":
        return ()
    one = isinstance(given, str)
    items = [given] if one else fields.take("warm_start", [], validation.a_list, empty=True,
                                            hint=hint)
    found = []
    for i, item in enumerate(items):
        where = "warm_start" if one else f"warm_start.{i}"
        if not isinstance(item, str) or not item.strip():
            fields.issues.add(where, "must be a path", show(item), hint)
            continue
        name = os.path.expanduser(item)
        places = [name, os.path.join(os.path.dirname(file), name)]
        path = next((place for place in places if os.path.exists(place)), None)
        if path is None:
            fields.issues.add(where, "must be a folder or a table that exists", repr(item),
                                f"Looked in {os.getcwd()} and beside {file}.")
        elif os.path.isfile(path) and not path.endswith((".csv", ".csv.gz")):
            fields.issues.add(where, "must be the output_dir of a search, or a table", repr(item),
                              hint)
        else:
            found.append(path)
    return tuple(found)


def _read_pruner(fields: Fields, mode: str) -> dict[str, Any] | None:
    """A mapping with ``name``, checked; None without a pruner."""
    given = fields.data.get("pruner")
    if given is None and mode == "bayes":
        given = DEFAULT_PRUNER
    if given is None or isinstance(given, str) and given.lower() == "none":
        return None
    if isinstance(given, str) and given.strip():
        given = {"name": given.strip()}
    if not isinstance(given, dict) or not given:
        fields.issues.add("pruner", "must be auto, none, or a mapping with a name", show(given),
                          _PRUNER)
        return None
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        strange = did_you_mean("name", [str(key) for key in given if key != "name"])
        fields.issues.add("pruner.name", "is needed" if name is None else "must be a text",
                            "nothing there" if name is None else show(name),
                            strange if name is None and strange.startswith("Did") else _PRUNER)
        return None
    issues = pruner_issues(given)
    fields.issues += issues
    return None if issues else dotpath.clone(given)
