"""Which point a trial trained, by the files that it left."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import comparable
from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import ConfigError, StudyError
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.space.space import Point
from paddle_transfer.stages.distillation import NO_TEACHER
from paddle_transfer.stages.plan import COLUMNS
from paddle_transfer.study.records import Proposal, Stage, TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder

#: Points that are tried for one trial.
LIMIT = 20_000


class PointFinder:
    """Finds the points of trials of the search of ``settings``."""

    def __init__(self, settings: SearchSettings):
        self._settings = settings
        self._keys = {key.name: key for key in settings.search_space.keys}

    def find(self, folder: TrialFolder, row: Mapping[str, str],
             records: Sequence[TrialRecord]) -> tuple[Proposal, int]:
        """The proposal and the seed of a trial.

        :param row: its row of ``search_results.csv``; may be empty
        :param records: the trials before it
        Raises StudyError when they cannot be known.
        """
        config = _read(folder)
        seed = dotpath.find(config, "Global.seed") if config else row.get("seed")
        try:
            proposals = iter([self._of_row(row)]) if row else iter(())
        except (KeyError, ValueError):
            proposals = iter(())
        if config is None:
            found = next(proposals, None)
        else:
            wanted = _training(config)
            tried = (one for source in (proposals, self._candidates(config)) for one in source)
            found = next((one for one in tried if dotpath.same(
                _training(self._settings.stages.config(one, records)), wanted)), None)
        if found is None or seed is None:
            raise StudyError(
                f"{folder.path}: what this trial trained cannot be known: neither "
                "search_results.csv nor its config.yaml belong to a point of this search. Name the "
                "search file and base config of then, or start anew with --fresh (the old run is "
                "moved aside)")
        return found, int(seed)

    def _of_row(self, row: Mapping[str, str]) -> Proposal:
        """Raises KeyError or ValueError when the row is none of this search."""
        space = self._settings.search_space.space
        point: Point = {h.name: _value_of_cell(h, row[h.name]) for h in space.hyperparameters}
        teacher, stage = (row.get(column, "") for column in COLUMNS)
        if self._settings.distillation is None or not stage:
            return Proposal(point)
        return Proposal(point, Stage(stage), None if teacher == NO_TEACHER else teacher)

    def _candidates(self, config: Mapping[str, Any]) -> Iterator[Proposal]:
        """The points that a config may have been made of, ``LIMIT`` at most."""
        space, distillation = self._settings.search_space.space, self._settings.distillation
        values = [self._values(h, config) for h in space.hyperparameters]
        for drawn in islice(product(*values), LIMIT):
            point: Point = space.canonical(dict(zip(space.names, drawn, strict=True)))
            yield Proposal(point)
            if distillation is not None:
                for teacher in distillation.teachers:
                    yield Proposal(point, Stage.TEACHER, teacher)
                for student in (*distillation.teachers, None):
                    yield Proposal(point, Stage.FINAL, student)

    def _values(self, h: Hyperparameter, config: Mapping[str, Any]) -> list[Value]:
        """The values that ``h`` may have in ``config``: of a choice all, those first that stand in
        it; of a range the numbers at the places that it edits, and the inactive one."""
        there = [value for path in _places(self._keys.get(h.name))
                 if (value := dotpath.find(config, path)) is not None]
        if isinstance(h, Choice):
            first = [value for value in h.values if any(dotpath.same(value, one) for one in there)]
            return [*first, *(value for value in h.values if value not in first)]
        inside = [float(value) if not h.integer else int(value)
                  for value in there if h.contains(value)]
        return list(dict.fromkeys([*inside, h.inactive_value]))


def _training(config: dict[str, Any]) -> dict[str, Any]:
    """What two configs of the same training share, whichever version wrote them and wherever the
    search's folder is now."""
    made = comparable(for_trial(config, output_dir="", seed=0, device="cpu"))
    weights = made["Global"].get("pretrained_model")
    made["Global"]["pretrained_model"] = weights and os.path.basename(str(weights))
    return made


def _places(key: SearchKey | None) -> tuple[str, ...]:
    return key.edits if key is not None else ()


def _read(folder: TrialFolder) -> dict[str, Any] | None:
    try:
        return load_yaml(str(folder.config))
    except ConfigError:
        return None


def _value_of_cell(h: Hyperparameter, cell: str) -> Value:
    """The value that ``search_results.csv`` shows as ``cell``. Raises ValueError."""
    if not isinstance(h, Choice):
        return h.at(h.index(float(cell))) if h.integer else float(cell)
    for value in h.values:
        if _cell(value) == cell:
            return value
    raise ValueError(f"{h.name}: {cell!r}")


def _cell(value: Value) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([value, ""])
    return next(iter(csv.reader([out.getvalue().strip("\r\n")])))[0]


