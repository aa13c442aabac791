"""Generated files that users may edit: an edited one is kept, and the new one written beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from paddle_transfer.config.load import write_atomic

#: Hashes that are remembered of each file.
_REMEMBERED = 20


class GeneratedFiles:
    """Writes files into one folder, and remembers what it wrote by hashes in a file there.

    A file with another content than was ever written is the user's: it is not replaced, and the
    new one is ``name.new.yaml`` beside ``name.yaml``.

    :param manifest: the file with the hashes, below the folder; where it is lost, every file with
        another content than the new one counts as the user's
    """

    def __init__(self, folder: str | os.PathLike[str], manifest: str = ".written.json"):
        self.folder, self._manifest = Path(folder), Path(folder) / manifest
        self._written = _read(self._manifest)
        #: The files that were kept -> the new ones beside them.
        self.kept: dict[str, str] = {}

    def write(self, name: str, text: str) -> str:
        """Write ``text`` into ``name``, or beside it; returns the name of the file that has it."""
        data = text.encode()
        target = next(one for one in _names(name) if not os.path.lexists(self.folder / one)
                      or self._holds(one, data) or self._is_ours(one, name))
        self._remember(name, data)  # first: a kill in between must not make it the user's
        if not self._holds(target, data):
            write_atomic(str(self.folder / target), [data])
        self.kept.pop(name, None)
        if target == name:  # what an earlier call wrote beside it is out of date
            self._remove_beside(name)
        else:
            self.kept[name] = target
        return target

    def adopt(self, names: Iterable[str]) -> None:
        """Take files for written, if nothing at all is recorded: those of earlier versions."""
        if not self._written:
            for name in names:
                self._remember(name, _content(self.folder / name) or b"")

    def current(self, name: str) -> Path:
        """The file that holds what was last written for ``name``; ``name`` if there is none."""
        last = self._written.get(name, [])[-1:]
        return self.folder / next((one for one in _existing(self.folder, name)
                                   if [_digest(_content(self.folder / one) or b"")] == last), name)

    def remove(self, name: str) -> None:
        """Delete ``name`` if it is not the user's; else it is kept, with no new file."""
        path = self.folder / name
        if os.path.lexists(path) and not self._is_ours(name, name):
            self.kept[name] = ""
            return
        path.unlink(missing_ok=True)
        self._remove_beside(name)

    def write_or_remove(self, name: str, text: str) -> None:
        """Write ``text``, or nothing at all if it is empty."""
        if text:
            self.write(name, text)
        else:
            self.remove(name)

    def notes(self) -> list[str]:
        """A sentence for each file that was kept."""
        return [f"{self.folder / name} is not as it was written by this command, so it is kept; "
                + (f"the new one is {self.folder / new}: compare them, then delete one"
                   if new else "there is no new one: delete it unless you need it")
                for name, new in self.kept.items()]

    def _remove_beside(self, name: str) -> None:
        for beside in list(_existing(self.folder, name))[1:]:
            if self._is_ours(beside, name):
                (self.folder / beside).unlink()

    def _holds(self, name: str, data: bytes) -> bool:
        return _content(self.folder / name) == data

    def _is_ours(self, name: str, first: str) -> bool:
        """Whether the content of ``name`` was written for ``first``; a link is the user's."""
        data = _content(self.folder / name)
        return (data is not None and not (self.folder / name).is_symlink()
                and _digest(data) in self._written.get(first, []))

    def _remember(self, name: str, data: bytes) -> None:
        digests = self._written.setdefault(name, [])
        if digests[-1:] == [_digest(data)]:
            return
        self._written[name] = [one for one in digests if one != _digest(data)][-_REMEMBERED:]
        self._written[name].append(_digest(data))
        self._manifest.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(str(self._manifest), json.dumps(self._written, indent=1) + "\n")


def _names(name: str) -> Iterator[str]:
    """``x.yaml``, ``x.new.yaml``, ``x.new2.yaml``, ..."""
    stem, dot, suffix = name.rpartition(".")
    yield name
    for number in count(1):
        yield f"{stem}.new{number if number > 1 else ''}{dot}{suffix}"


def _existing(folder: Path, name: str) -> Iterator[str]:
    for one in _names(name):
        if not os.path.lexists(folder / one):
            return
        yield one


def _content(path: Path) -> bytes | None:
    """None for what is no readable file."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> dict[str, list[str]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {str(name): [str(one) for one in digests] for name, digests in data.items()
            if isinstance(digests, list)}
