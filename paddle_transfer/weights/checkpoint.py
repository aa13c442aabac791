"""The checkpoint of a training on disk: a folder with plain data, tensors, and the best weights.

``state.json`` names the other files with their checksums and comes last, so that a kill at any line
leaves the checkpoint before or this one. Nothing is read that can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer import dotpath
from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import one_line
from paddle_transfer.files import read_bytes
from paddle_transfer.weights import safetensors
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.read import read

STATE = "state.json"
TENSORS = "tensors.safetensors"
#: Bytes of ``state.json``: random states and the curve; a thousand epochs have 1 MB.
MAX_STATE = 64 << 20


class Distrusted(Exception):
    """Why a checkpoint is not gone on from, in words that follow "the checkpoint"."""


@dataclass(frozen=True)
class Checkpoint:
    """What was saved after ``epoch``; ``files`` by their names in the trial's folder."""

    epoch: int
    state: dict[str, Any]
    tensors: dict[str, np.ndarray]
    files: dict[str, Path]


class CheckpointFolder:
    """The last checkpoint of one training, and the one that is being written.

    :param made_by: a digest of all that determines the training; that of another is not read
    """

    def __init__(self, path: str | os.PathLike[str], *, made_by: str):
        self.path, self._made_by = Path(path), made_by
        self._files: dict[str, dict[str, str]] = {}

    def save(self, epoch: int, state: Mapping[str, Any], tensors: Mapping[str, np.ndarray],
             files: Mapping[str, Path]) -> None:
        """Save all of it, and delete the checkpoint before. Raises OSError.

        :param files: kept as they are now; each is a link where the file system has links, so it
            may be replaced afterwards but not written to
        """
        self.path.mkdir(exist_ok=True)
        named = {name: self._keep(epoch, name, path) for name, path in files.items()}
        pieces = safetensors.dump(tensors)
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        mine = {"file": f"{epoch}-{TENSORS}", "sha256": digest.hexdigest()}
        write_atomic(self.path / mine["file"], pieces)
        content = {"epoch": epoch, "made_by": self._made_by, "tensors": mine, "files": named,
                   "state": dict(state)}
        write_atomic(self.path / STATE, json.dumps({**content, "sha256": _digest(content)}))
        self._files = named
        kept = {STATE, *(one["file"] for one in (mine, *named.values()))}
        for path in self.path.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def load(self) -> Checkpoint | None:
        """The last checkpoint; None: there is none. Raises Distrusted."""
        try:
            content = json.loads(read_bytes(self.path / STATE, MAX_STATE))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise Distrusted(f"cannot be read ({one_line(error, 200)})") from None
        if not isinstance(content, dict) or content.pop("sha256", "") != _digest(content):
            raise Distrusted("is damaged: its checksum is another")
        if content.get("made_by") != self._made_by:
            raise Distrusted("is of another training: its config, seed or weights differ")
        try:
            tensors, named = content["tensors"], content["files"]
            found = read(self.path / tensors["file"], sha256=tensors["sha256"]).tensors
            for one in named.values():
                if _digest_of(self.path / one["file"]) != one["sha256"]:
                    raise Distrusted(f"is damaged: the checksum of {one['file']} is another")
            self._files = named
            return Checkpoint(content["epoch"], content["state"], found,
                              {name: self.path / one["file"] for name, one in named.items()})
        except (OSError, WeightsError) as error:
            raise Distrusted(f"is damaged: {one_line(error, 200)}") from None
        except (KeyError, TypeError, AttributeError):
            raise Distrusted("is of another version") from None

    def delete(self) -> None:
        """Delete all of it, as far as that is possible."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._files = {}

    def _keep(self, epoch: int, name: str, path: Path) -> dict[str, str]:
        """``path`` under a name in this folder, once for all checkpoints that have it."""
        before = self._files.get(name)
        if before is not None and os.path.samefile(self.path / before["file"], path):
            return before
        kept = {"file": f"{epoch}-{name}", "sha256": _digest_of(path)}
        link(path, self.path / kept["file"])
        return kept


def link(path: Path, to: Path) -> None:
    """Make ``to`` the same file as ``path``, or a copy of it where there are no links."""
    to.unlink(missing_ok=True)
    with suppress(OSError):
        os.link(path, to)
        return
    shutil.copyfile(path, to)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(dotpath.stable_text(content).encode()).hexdigest()


def _digest_of(path: Path) -> str:
    made = hashlib.sha256()
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 20):
            made.update(piece)
    return made.hexdigest()
