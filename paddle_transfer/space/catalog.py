"""The hyperparameters that are known by name, and how a point edits a PaddleClas config.

An entry is an intent ("mixup, alpha 0.2"); ``apply_point`` carries out all of a point and then sees to what follows
from them together (``edits.finalise``). To add one, see ``entries/``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paddle_transfer import dotpath
from paddle_transfer.errors import ValidationIssue
from paddle_transfer.space import edits
from paddle_transfer.space.entries import CATALOG
from paddle_transfer.space.entry import Entry, older
from paddle_transfer.space.hyperparameter import Choice, Hyperparameter, Value
from paddle_transfer.space.space import active_names


@dataclass(frozen=True)
class SearchKey:
    """One ``search_key`` of a search file: its values, and the dotted paths that it sets (``replace_config``);
    without any the catalogue's entry of that name does the edit."""

    hyperparameter: Hyperparameter
    replace_config: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.hyperparameter.name

    @property
    def entry(self) -> Entry | None:
        return None if self.replace_config else CATALOG[self.name]

    @property
    def edits(self) -> tuple[str, ...]:
        """The dotted paths that may change."""
        return self.replace_config or CATALOG[self.name].edits

    @property
    def stage(self) -> int:
        """See ``Entry.stage``."""
        return 0 if self.replace_config else CATALOG[self.name].stage

    def apply(self, config: dict, value: Value) -> None:
        """Edit ``config`` in place. Raises PathError when a path of ``replace_config`` is not there (any more)."""
        for path in self.replace_config:
            dotpath.set_(config, path, dotpath.clone(value))
        if not self.replace_config:
            CATALOG[self.name].apply(config, value)


def apply_point(base_config: dict, keys: Sequence[SearchKey], point: dict[str, Value]) -> dict:
    """The config of one point: a deep copy of ``base_config``, edited by every active key, then made consistent.

    Keys go by their stage, and in their order within one; an inactive key (``when``) leaves the base config's value.
    """
    config = dotpath.clone(base_config)
    active = active_names([key.hyperparameter for key in keys], point)
    for key in sorted(keys, key=lambda key: key.stage):
        if key.name in active:
            key.apply(config, point[key.name])
    edits.finalise(config)
    return config


def unsupported(keys: Sequence[SearchKey], version: str, *,
                device: str = "gpu") -> list[ValidationIssue]:
    """What of ``keys`` PaddleClas ``version`` (``2.4.2``; one that is not known can do all) cannot do, by name, and
    what changes nothing on ``device`` (``cpu`` or ``gpu``)."""
    issues = []
    for i, key in enumerate(keys):
        if key.entry is None:
            continue
        where, h = f"search_dict.{i}.search_key", key.hyperparameter
        values = h.values if isinstance(h, Choice) else (h.low, h.high)
        beyond = [(str(value), key.entry.since_value(value)) for value in values]
        beyond = [(value, since) for value, since in beyond if older(version, since)]
        if beyond:
            named = f"{key.name} {', '.join(value for value, _ in beyond)}"
            issues.append(
                ValidationIssue(
                    where, f"{named} needs PaddleClas {max(since for _, since in beyond)} or newer",
                    f"PaddleClas {version}",
                    "Name a newer checkout with PADDLECLAS_HOME or --paddleclas, or take it out."))
        if key.entry.device not in (None,
                                    device) and not all(key.entry.off(value) for value in values):
            issues.append(
                ValidationIssue(where, f"{key.name} works on a {key.entry.device} only",
                                f"device {device}", "Take it out."))
    return issues


__all__ = ["CATALOG", "Entry", "SearchKey", "apply_point", "unsupported"]
