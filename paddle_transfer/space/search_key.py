"""The keys of a search, and how a point edits a PaddleClas config.

A hyperparameter's entry is an intent ("mixup, alpha 0.2"); ``apply_point`` applies all values of a
point and then makes the config consistent (``edits.finalise``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.versions import NEWER, SINCE, older
from paddle_transfer.errors import ValidationIssue
from paddle_transfer.space import edits
from paddle_transfer.space.blocks import Point, active_names
from paddle_transfer.space.entry import Entry
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.registry import HYPERPARAMETERS


@dataclass(frozen=True)
class SearchKey:
    """One ``search_key`` of a search file.

    :param replace_config: the dotted paths that are set to the value; without any the registered
        hyperparameter of that name edits the config
    :param added: those of them that the base config does not have: arguments of parts that it has
    """

    hyperparameter: Hyperparameter
    replace_config: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.hyperparameter.name

    @property
    def entry(self) -> Entry | None:
        """The registered hyperparameter; None with ``replace_config``."""
        return None if self.replace_config else HYPERPARAMETERS[self.name]

    @property
    def edits(self) -> tuple[str, ...]:
        """The dotted paths that may change."""
        return self.entry.edits if self.entry else self.replace_config

    @property
    def stage(self) -> int:
        """See ``Entry.stage``."""
        return self.entry.stage if self.entry else 0

    def apply(self, config: dict[str, Any], value: Value) -> None:
        """Edit ``config`` in place. Raises PathError if a path of ``replace_config`` is missing."""
        if self.entry:
            self.entry.apply(config, self.entry.canonical(value))
        for path in self.replace_config:
            new = path in self.added and isinstance(dotpath.get(config, path.rpartition(".")[0]),
                                                    dict)
            dotpath.set_(config, path, dotpath.clone(value), create=new)


def apply_point(base_config: dict[str, Any], keys: Sequence[SearchKey], point: Point
                ) -> dict[str, Any]:
    """The config of one point: a deep copy of ``base_config``, edited by every active key.

    Keys are applied by their stage, and in their order within one. An inactive key leaves the base
    config's value.
    """
    config: dict[str, Any] = dotpath.clone(base_config)
    active = active_names([key.hyperparameter for key in keys], point)
    for key in sorted(keys, key=lambda key: key.stage):
        if key.name in active:
            key.apply(config, point[key.name])
    edits.finalise(config)
    return config


def unsupported(keys: Sequence[SearchKey], version: str, *, device: str = "gpu"
                ) -> list[ValidationIssue]:
    """The values of ``keys`` that PaddleClas ``version`` or the device does not support.

    :param version: such as ``2.4.2``; an unknown version supports all
    :param device: ``cpu`` or ``gpu``; a key that has no effect on it is an issue
    """
    issues = []
    for i, key in enumerate(keys):
        ignored = [first for path in key.replace_config for place, first in SINCE.items()
                   if f"{path}.".startswith(f"{place}.") and older(version, first)]
        if ignored and len(ignored) == len(key.replace_config):
            issues.append(ValidationIssue(
                f"search_dict.{i}.replace_config", f"{', '.join(key.replace_config)} needs "
                f"PaddleClas {max(ignored)} or newer: older ones ignore it",
                f"PaddleClas {version}", NEWER))
        if key.entry is None:
            continue
        where, h = f"search_dict.{i}.search_key", key.hyperparameter
        values = h.values if isinstance(h, Choice) else (h.low, h.high)
        since = {str(value): key.entry.since_value(value) for value in values}
        missing = {value: first for value, first in since.items() if older(version, first)}
        if missing:
            issues.append(ValidationIssue(
                where, f"{key.name} {', '.join(missing)} needs PaddleClas {max(missing.values())} "
                "or newer", f"PaddleClas {version}", NEWER))
        if key.entry.device not in (None, device) and not all(map(key.entry.is_disabled, values)):
            issues.append(ValidationIssue(where, f"{key.name} works on a {key.entry.device} only",
                                          f"device {device}", "Take it out."))
    return issues
