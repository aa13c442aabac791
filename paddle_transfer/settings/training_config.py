"""A training config in the place of a search file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.shipped import shipped_configs, shipped_file
from paddle_transfer.errors import ConfigError, ValidationIssue

#: What shows a training config, and a search file.
_SECTIONS, _KEYS = ("Arch", "DataLoader"), ("base_config_file", "search_dict")


def refuse_training_config(file: str, data: Mapping[str, Any]) -> None:
    """Raises ConfigError if ``data``, the content of ``file``, is a training config; it names the
    search files over it that lie beside it or are shipped."""
    if any(key in data for key in _KEYS) or not all(key in data for key in _SECTIONS):
        return
    found = sorted(_searches_over(Path(file)))[:3]
    raise ConfigError(file, [ValidationIssue(
        "", f"is a training config (it has {' and '.join(_SECTIONS)}), but a search file is wanted "
        "here, which names it as base_config_file", "",
        f"Take -c {' or '.join(map(shlex.quote, found))}." if found else
        "paddle-transfer prepare writes one; docs/own_images.md shows how to write it.")])


def _searches_over(config: Path) -> Iterator[str]:
    for folder in {config.parent, shipped_configs() / "search"}:
        for file in folder.glob("*.yaml"):
            try:
                base = load_yaml(str(file)).get("base_config_file")
            except ConfigError:
                continue
            places = [base, str(folder / base), shipped_file(base)] if isinstance(
                base, str) and config.name == os.path.basename(base) else []
            if any(place and os.path.isfile(place) and os.path.samefile(place, config)
                   for place in places):
                yield str(file)
