"""What is no part of a search's identity, but what a user should know has changed when it goes on:
how points are chosen, and the software and device that trials ran with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from paddle_transfer import __version__, dotpath
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.base import Store

#: The study's attribute.
CONTEXT = "context"
#: Libraries whose version may change a training, by the names of their distributions.
_LIBRARIES = {"Paddle": ("paddlepaddle", "paddlepaddle-gpu"), "NumPy": ("numpy",), "OpenCV": (
    "opencv-python", "opencv-python-headless", "opencv-contrib-python"), "Pillow": ("pillow",)}


def choosing(settings: SearchSettings) -> dict[str, Any]:
    """How points are chosen, ranked and stopped, as JSON data by the keys of the search file."""
    sampling, pruner = settings.sampling, settings.pruner
    return {"sampler": sampling.sampler.to_dict(), "fixed": settings.search_space.baseline,
            "prior": sampling.prior, "warm_start": list(sampling.warm_start) or None,
            "stop": sampling.stop, "confirm": settings.repeats.confirm,
            "de_duplication": settings.repeats.de_duplication,
            "pruner": pruner and pruner.to_dict()}


def environment(settings: SearchSettings, paddleclas: str) -> dict[str, str]:
    """The software and the device.

    :param paddleclas: version and place of the one that trains
    """
    found = {"paddle_transfer": __version__, "PaddleClas": paddleclas,
             "Python": platform.python_version(), "device": settings.devices.kind}
    for library, names in _LIBRARIES.items():
        for name in names:
            with suppress(importlib.metadata.PackageNotFoundError):
                found[library] = importlib.metadata.version(name)
    return {**found, **{name: value for name, value in sorted(os.environ.items())
                        if name.startswith("FLAGS_")}}


def commit_of(folder: str) -> str:
    """The commit of a git checkout, in short; empty where there is none."""
    root = Path(folder) / ".git"
    with suppress(OSError, UnicodeDecodeError):
        head = (root / "HEAD").read_text(encoding="utf-8").strip()
        name = head.removeprefix("ref: ")
        if name == head:
            return head[:10]
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8").strip()[:10]
        for line in (root / "packed-refs").read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {name}"):
                return line[:10]
    return ""


def describe(settings: SearchSettings) -> str:
    """A search in words, in Markdown, for whoever looks at its study."""
    keys = ", ".join(f"`{key.name}`" for key in settings.search_space.keys)
    return (f"A search of paddle_transfer: {settings.objective.metric}, highest is best\n\n"
            f"- searched: {keys}\n- sampler: {settings.sampling.sampler.name}\n"
            f"- base config: `{settings.base.file}`\n- search file: `{settings.file}`\n"
            f"- results: `{os.path.abspath(settings.output.output_dir)}` on {platform.node()}\n")


def note_context(store: Store, chosen: Mapping[str, Any], around: Mapping[str, str],
                 options: Sequence[str] = ()) -> list[str]:
    """Keep them with the study; returns a line for each of the first two in which something changed
    since.

    :param options: overrides of the base config, which the command that goes on needs again
    """
    known = store.attributes().get(CONTEXT)
    now: dict[str, Any] = {"choosing": dict(chosen), "environment": dict(around),
                           "options": list(options)}
    if known == now:
        return []
    store.set_attribute(CONTEXT, now)
    if not isinstance(known, dict):
        return []
    notes = []
    points = _changes(known.get("choosing", {}), now["choosing"])
    if points:
        notes.append(f"Going on with other settings: {points}. They change how points are chosen "
                     "and compared; the trials so far stay and count.")
    software = _changes(known.get("environment", {}), now["environment"])
    if software:
        notes.append(f"Warning: trials before and after this line had another environment: "
                     f"{software}. Their metrics may differ a little for that reason alone.")
    return notes


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {_shown(then.get(name))} -> {_shown(now.get(name))}"
        for name in dict.fromkeys((*then, *now))
        if not dotpath.same(then.get(name), now.get(name)))


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict) and "name" in value:
        options = ", ".join(f"{key}: {one}" for key, one in value.items() if key != "name")
        return f"{value['name']} ({options})" if options else str(value["name"])
    return str(value)
