"""A search on disk, finished or not: its settings, its space and its trials."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.config.load import load_yaml, yaml_text
from paddle_transfer.config.shipped import schema_path
from paddle_transfer.errors import INPUT_FAULTS, ConfigError, StudyError
from paddle_transfer.registry import UnknownName
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Range
from paddle_transfer.space.space import Space
from paddle_transfer.stages.plan import BASE
from paddle_transfer.study.folder import UNDERSTOOD
from paddle_transfer.study.records import TrialRecord

#: The search file as it was understood, in output_dir.
SAVED = "search.yaml"


@dataclass(frozen=True)
class SavedSearch:
    """
    :param output_dir: its folder
    :param content: the search file as the search understood it
    :param space: what it searched
    """

    output_dir: str | os.PathLike[str]
    content: dict[str, Any]
    space: Space

    @property
    def in_steps(self) -> bool:
        """Whether it compares values one key at a time."""
        return _in_steps(self.content)

    def records(self) -> tuple[TrialRecord, ...]:
        """Its trials, by number. Raises StudyError when they cannot be read, or are not whole."""
        return self.study()[0]

    def study(self) -> tuple[tuple[TrialRecord, ...], dict[str, Any]]:
        """Its trials, by number, and what the study holds of the search as a whole. Raises as
        ``records``."""
        from paddle_transfer.study.leftover import has_entries, read_leftover  # Optuna
        from paddle_transfer.study.store import JOURNAL_NAME, read_store

        leftover, storage = read_leftover(self.output_dir), self.content.get("storage")
        journal = Path(self.output_dir) / JOURNAL_NAME
        if not storage and not has_entries(journal):
            leftover.check((), place=str(journal))
        store = read_store(output_dir=self.output_dir, space=self.space, storage=storage)
        try:
            records = tuple(store.records())
            leftover.check(records, place=str(storage or journal))
            return records, store.attributes()
        finally:
            store.close()


def read_saved_search(output_dir: str | os.PathLike[str]) -> SavedSearch:
    """The search in ``output_dir``; nothing is written, and the search may be running.

    Raises StudyError when no search has been there, or it cannot be read.
    """
    file = GeneratedFiles(output_dir).current(SAVED)
    if not os.path.lexists(file):
        been = (file.parent / "trials").is_dir() or (file.parent / "study.journal").exists()
        raise StudyError(f"{file}: there is no such file" + (
            ". The command of the search writes it again" if been else
            ", so no search has been here"))
    try:
        content = load_yaml(str(file))
    except ConfigError as error:
        raise StudyError(f"{error}\nThe command of the search writes it again") from error
    try:
        keys = tuple(map(_hyperparameter, content["search_dict"]))
        if _in_steps(content):  # a point may leave a key as the base config has it
            keys = tuple(Choice(key.name, (*key.values, BASE))
                         for key in keys if isinstance(key, Choice))
        return SavedSearch(output_dir, content, Space(keys))
    except (*INPUT_FAULTS, UnknownName) as error:
        raise StudyError(f"{file}: does not say what was searched ({error!r})") from error


def write_settings(settings: SearchSettings) -> None:
    """``output_dir/search.yaml``: the search file as it was understood, overrides put in."""
    folder = settings.output.output_dir
    files = GeneratedFiles(folder)
    files.write(SAVED, yaml_text(settings.to_dict(), header=(
        f"yaml-language-server: $schema={schema_path(folder)}\n{settings.file} {UNDERSTOOD}. "
        "The base config, overrides put in, is in every trial's config.yaml.")))
    for note in files.notes():
        print(note, file=sys.stderr)


def _in_steps(content: Mapping[str, Any]) -> bool:
    mode = str(content.get("search_mode"))
    return mode in SAMPLERS and SAMPLERS[mode].uses_stages


def _hyperparameter(item: Mapping[str, Any]) -> Hyperparameter:
    """An item of ``search_dict`` as a search writes it into its output_dir."""
    condition = tuple((other, tuple(values)) for other, values in item.get("when", {}).items())
    name, log = item["search_key"], item["log"]
    if "search_values" in item:
        return Choice(name, tuple(item["search_values"]), log=log, condition=condition)
    low, high = item["search_range"]
    return Range(name, low, high, log=log, integer=item["integer"], condition=condition)
