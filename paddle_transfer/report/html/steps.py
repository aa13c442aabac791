"""How to go on from a search, and what it takes to do it again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.config.shipped import command, path_argument
from paddle_transfer.loop.callbacks import is_over
from paddle_transfer.loop.context import CONTEXT
from paddle_transfer.loop.saved_search import SAVED
from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.next_steps import commands
from paddle_transfer.study.identity import INPUTS


def next_steps(data: SearchData) -> list[tuple[str, str]]:
    """(text of what it does, command)."""
    out = path_argument(os.fspath(data.output_dir))
    again = [*_search(data), ("step_report", command("report", out))]
    if not GeneratedFiles(out).current("best_config.yaml").is_file():
        return again
    weights = os.path.exists(f"{out}/best_model.pdparams")
    content = data.saved.content
    executor = content.get("executor")
    options = executor if isinstance(executor, dict) else {}
    processes = options.get("gpus_per_trial" if content.get("gpus") else "processes_per_trial", 1)
    made = commands(out, weights=weights, processes=processes)
    return [*((f"step_{name}", line) for name, line in made.items()), *again]


def _search(data: SearchData) -> list[tuple[str, str]]:
    """The command that searches on, where there is more to search."""
    file = path_argument(os.fspath(GeneratedFiles(data.output_dir).current(SAVED)))
    options = [text for option in _context(data, "options") or () for text in ("-o", str(option))]
    line = command("search", "-c", file, *options)
    if data.ended is None or not is_over(data.ended):
        return [("step_search", line)]
    if data.ended.startswith("max_iter "):  # twice as many points
        return [("step_search", f"{line} -o max_iter={2 * int(data.saved.content['max_iter'])}")]
    return []


def environment(data: SearchData) -> dict[str, str]:
    """The software that the trials ran with."""
    known = _context(data, "environment") or {}
    return {str(name): str(value) for name, value in known.items()}


def _context(data: SearchData, name: str) -> Any:
    """What ``note_context`` has kept; None: an earlier version did not."""
    found = data.attributes.get(CONTEXT)
    return found.get(name) if isinstance(found, dict) else None


def seeds(data: SearchData) -> dict[str, Any]:
    """Of the search, and of the training that gave the best weights."""
    content = data.saved.content
    return {"search": content.get("seed", 0),
            "best": data.best.best_trial.seed if data.best else None}


def hashes(data: SearchData) -> list[tuple[str, str]]:
    """(file, SHA-256) of the lists and of the pretrained weights."""
    return list(dict.fromkeys((*_lists(data), *_weights(data))))


def _lists(data: SearchData) -> Iterator[tuple[str, str]]:
    inputs = data.attributes.get(INPUTS)
    for entry in (inputs.values() if isinstance(inputs, dict) else ()):
        if isinstance(entry, list) and len(entry) == 3:
            yield str(entry[0]), str(entry[2])


def _weights(data: SearchData) -> Iterator[tuple[str, str]]:
    for record in data.trainings:
        loaded = record.info.get("pretrained")
        if isinstance(loaded, dict) and loaded.get("sha256"):
            yield str(loaded.get("source") or loaded.get("file")), str(loaded["sha256"])


def files(data: SearchData) -> dict[str, str]:
    """Name -> content of the config that was found, and of the search file."""
    made = {}
    for name in ("best_config.yaml", "search.yaml"):
        file = GeneratedFiles(data.output_dir).current(name)
        if file.is_file():
            made[file.name] = file.read_text(encoding="utf-8", errors="replace")
    return made
