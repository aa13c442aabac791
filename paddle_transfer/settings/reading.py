"""A search file while it is read: what it says, what is wrong with it, and the configs it names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paddle_transfer.config.check import check_base
from paddle_transfer.config.load import apply_overrides, load_yaml
from paddle_transfer.config.override_rules import elsewhere
from paddle_transfer.config.plain import check_plain
from paddle_transfer.config.shape import check_shape
from paddle_transfer.config.shipped import shipped_file
from paddle_transfer.config.validation import ValidationIssues, read
from paddle_transfer.errors import ConfigError, ValidationIssue
from paddle_transfer.samplers.base import RegisteredSampler
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.schema import DEFAULT_MODE, SearchFile
from paddle_transfer.settings.training_config import refuse_training_config
from paddle_transfer.space.registry import registered_as

#: Without these sections nothing can be checked against a config.
_SECTIONS = ("Global", "Arch", "Loss", "Optimizer", "DataLoader", "Metric")


#: What errors call a search file that a program gives as a mapping.
UNNAMED = "search"


@dataclass(frozen=True)
class Reading:
    """A search file, and what has been found so far.

    :param file: its path; files that it names may lie beside it
    :param data: its content, overrides put in
    :param given: the same with types; keys with a mistake have their defaults
    :param options: the overrides of the training config
    :param roots: PaddleClas checkouts, the last places to look for configs
    :param issues: mistakes
    :param lacking: files of data sets and GPUs that are not there; mistakes, except in a dry run
    :param notes: remarks for the user
    :param ppcls: PaddleClas's folder of that name; None: it is not known what its parts take
    """

    file: str
    data: dict[str, Any]
    given: SearchFile
    options: tuple[str, ...]
    roots: tuple[str, ...]
    issues: ValidationIssues
    lacking: ValidationIssues
    notes: list[str]
    ppcls: Path | None = None

    @property
    def sampler(self) -> type[RegisteredSampler] | None:
        """The registered sampler; None when there is a mistake in its name."""
        written = self.data.get("sampler")
        if any(issue.where in ("search_mode", "sampler", "sampler.name") for issue in self.issues):
            return None
        if written is None:
            return SAMPLERS[self.given.search_mode or DEFAULT_MODE]
        return SAMPLERS[written["name"] if isinstance(written, dict) else written.strip()]

    @property
    def uses_stages(self) -> bool:
        """Whether the search goes through stages, as PaddleClas's own."""
        return self.sampler is not None and self.sampler.uses_stages

    def spoilt(self, where: str) -> bool:
        """Whether ``where``, or something below it, has a mistake."""
        return any(issue.where == where or issue.where.startswith(f"{where}.")
                   for issue in self.issues)

    def explain_unknown(self, base: dict[str, Any] | None) -> None:
        """Say of unknown keys where they belong, if it is in the training config or search_dict."""
        for i, issue in enumerate(self.issues):
            key = issue.where
            if issue.rule != "unknown key" or "." in key:
                continue
            name = registered_as(key)
            hint = " ".join(filter(None, [
                elsewhere(base or {}, key),
                f"To search it, write search_key: {name} in search_dict." if name else ""]))
            self.issues[i] = replace(issue, hint=hint or issue.hint)

    def find(self, name: str) -> tuple[str, list[str]]:
        """The file that ``name`` means, and the places where it was looked for. A file of the same
        name beside the search file will do, with a note: PaddleClas moved some of its configs."""
        folder = os.path.dirname(self.file)
        places = [os.path.join(place, name) for place in ("", folder, *self.roots)]
        places += filter(None, [shipped_file(name)])
        namesake = os.path.join(folder, os.path.basename(name))
        found = next((place for place in [*places, namesake] if os.path.isfile(place)), name)
        if found == namesake and namesake not in places:
            self.notes.append(f"There is no {name}; the {os.path.basename(name)} beside the search "
                              "file is taken.")
        return found, [os.getcwd(), f"beside {self.file}", *self.roots]

    def config(self, key: str, value: str | dict[str, Any], options: Sequence[str]
               ) -> tuple[str, dict[str, Any] | None]:
        """Path and content of the training config that ``key`` names (or is); None when it cannot
        be read or lacks whole sections.

        :param options: overrides, put in
        """
        file, config = key, value
        if isinstance(config, str):
            file, places = self.find(config)
            if not os.path.isfile(file):
                self.issues.add(key, "must be a file that exists", repr(config),
                                f"Looked in {' and '.join(places)}.")
                return file, None
            try:
                config = load_yaml(file)
            except ConfigError as error:
                self.issues.extend(
                    ValidationIssue(f"{file}: {one.where}".rstrip(": "), one.rule, one.found,
                                    one.hint) for one in error.issues)
                return file, None
        config = override(config, options, self.issues)
        check_base(config, self.issues, prefix=file, lacking=self.lacking,
                   tested=key == "base_config_file" and self.data.get("final") is not None)
        usable = all(map(config.get, _SECTIONS)) and not check_shape(config)
        return file, config if usable else None


def open_search_file(source: str | Mapping[str, Any], overrides: Sequence[str], *, dry_run: bool,
                     paddleclas: str | None) -> Reading:
    """``source``, a file or its content, read with ``overrides``; see ``load_search_file``."""
    issues, file = ValidationIssues(), source if isinstance(source, str) else UNNAMED
    data = load_yaml(source) if isinstance(source, str) else dict(source)
    if check_plain(data):  # of a program; a YAML text has been checked
        raise ConfigError(file, check_plain(data))
    if isinstance(source, str):
        refuse_training_config(file, data)
    own = [option for option in overrides if not option[:1].isupper()]
    data = override(data, own, issues)
    return Reading(
        file, data, read(SearchFile, data, issues),
        tuple(option for option in overrides if option[:1].isupper()),
        checkouts(file, paddleclas), issues, ValidationIssues() if dry_run else issues, [])


def override(data: dict[str, Any], options: Sequence[str], issues: ValidationIssues
             ) -> dict[str, Any]:
    """``data`` with the ``key=value`` options put in; as it is when one of them cannot be."""
    try:
        return apply_overrides(data, options)
    except ConfigError as error:
        issues += error.issues
        return data


def checkouts(file: str, explicit: str | None) -> tuple[str, ...]:
    """PaddleClas checkouts: ``explicit``, PADDLECLAS_HOME, and those that ``file`` lies in."""
    folders = [explicit, os.environ.get("PADDLECLAS_HOME")]
    parent = os.path.dirname(os.path.abspath(file))
    while os.path.dirname(parent) != parent:
        parent = os.path.dirname(parent)
        if os.path.isdir(os.path.join(parent, "ppcls", "configs")):
            folders.append(parent)
    return tuple(dict.fromkeys(os.path.expanduser(folder) for folder in folders if folder))
