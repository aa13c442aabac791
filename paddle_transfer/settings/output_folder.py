"""``output_dir`` must be a folder of the search's own: it writes there, and ``--fresh`` moves what
it wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import comparable
from paddle_transfer.settings.reading import Reading
from paddle_transfer.study.folder import (
    UNDERSTOOD,
    is_own,
    is_search_folder,
    is_written_by_search,
    search_around,
)

_RULE = "must be a folder of its own: a search writes there, and --fresh moves what it wrote"
_HINT = "Choose another, for example -o output_dir=output/search."


def check_output_folder(reading: Reading, folder: str,
                        configs: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Add an issue when ``folder`` is, or holds, what belongs to others.

    :param configs: training configs by their files; None: not readable
    """
    if reading.spoilt("output_dir"):
        return  # it is no path at all
    real = os.path.realpath(folder)
    for where, path in _of_others(reading, folder, configs):
        other = os.path.realpath(os.path.expanduser(path))
        if other == real:
            reading.issues.add("output_dir", _RULE, f"{folder!r}, which is {where}", _HINT)
            return
        below = os.path.relpath(other, real)
        if not below.startswith(os.pardir) and not _is_its_own(real, below):
            reading.issues.add("output_dir", _RULE, f"{folder!r}, which holds {where} ({path})",
                               _HINT)
            return
    owner = search_around(real)
    if owner:
        reading.issues.add("output_dir", "must not lie among the files of another search, which "
                           "moves, reads and counts them", f"{folder!r}, in the search {owner!r}",
                           _HINT)
        return
    copy = os.path.join(real, "search.yaml")
    if os.path.lexists(copy) and not is_written_by_search(copy):
        reading.issues.add(
            "output_dir", "must not hold a search.yaml that a person wrote: the search writes its "
            "own there", f"{copy!r} without the comment '{UNDERSTOOD}'", _HINT)


def _of_others(reading: Reading, folder: str, configs: Mapping[str, Mapping[str, Any] | None]
               ) -> Iterator[tuple[str, str]]:
    """(what it is, path) of everything that is not the search's own."""
    yield "the root of all files", os.sep
    yield "the home folder", "~"
    if not (os.path.isabs(folder) and is_search_folder(folder)):  # one may stand in it to go on
        yield "the current folder", os.getcwd()
    if os.path.isfile(reading.file):
        yield "the search file", reading.file
    for file, config in configs.items():
        if os.path.isfile(file):
            yield "the training config", file
        for place, value in dotpath.walk(comparable(dict(config)) if config else {}):
            if isinstance(value, str) and _exists(value):
                yield place, value
    for place, value in dotpath.walk(reading.data.get("search_dict"), "search_dict"):
        if isinstance(value, str) and _exists(value):
            yield place, value


def _exists(text: str) -> bool:
    return (os.sep in text or "." in text) and os.path.exists(text)


def _is_its_own(folder: str, below: str) -> bool:
    """Whether a search wrote ``folder``/``below``."""
    return is_own(below.partition(os.sep)[0]) and is_search_folder(folder)
