"""From what a user wrote (a name, a file, an address, none) to a local file that was read once.

A search does this once, before its first trial.
"""

from __future__ import annotations

import hashlib
import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer.config.pretrained import NAMES, fault_of_address, is_none
from paddle_transfer.errors import one_line
from paddle_transfer.weights import catalogue
from paddle_transfer.weights.cache import cache_folder
from paddle_transfer.weights.errors import NotWeights, UnknownWeights
from paddle_transfer.weights.fetch import fetch
from paddle_transfer.weights.network import Network
from paddle_transfer.weights.read import read

SUFFIXES = (".pdparams", ".pdema", ".safetensors", ".tar")
MAX_NAME = 120  # bytes


@dataclass(frozen=True)
class ResolvedWeights:
    """Weights that are here and were read through once.

    :param path: the local file
    :param sha256: of the bytes that were read; a worker must read the same
    :param source: what the user asked for: ``10w``, an address, or a file's name
    """

    path: Path
    sha256: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a job's payload."""
        return {"path": str(self.path), "sha256": self.sha256, "source": self.source}


def resolve(spec: str | os.PathLike[str] | bool | None, *, arch: str | None = None,
            ppcls: str | Path | None = None, network: Network | None = None,
            mirror: str | None = None) -> ResolvedWeights | None:
    """The local, verified file for ``spec``; None for none.

    :param spec: ``imagenet``, ``imagenet_ssld``, ``10w``, ``none``, an address, a file (its
        ``.pdparams`` may be left out, as in PaddleClas); True means imagenet, as PaddleClas's
        ``Arch.pretrained: True`` does
    :param arch: PaddleClas's name of the network, for names
    :param ppcls: PaddleClas's ``ppcls`` folder, for networks outside the catalogue
    :raises UnknownWeights, FetchError, NotWeights, UnsafeWeights: before anything is trained
    """
    if is_none(spec):
        return None
    spec = "imagenet" if spec is True else spec
    if not isinstance(spec, (str, os.PathLike)):
        raise UnknownWeights(f"weights must be a name, a file or an address; found {spec!r}")
    text = os.fspath(spec)
    if text in NAMES:
        entry = catalogue.entry(text, arch, ppcls=ppcls)
        file = fetch(entry.urls, cache_folder() / entry.filename, check=read, network=network,
                     mirror=mirror)
    elif "://" in text:
        if why := fault_of_address(text):
            raise UnknownWeights(f"{one_line(text)}: is no address, which {why}")
        file = fetch([text], cache_folder() / name_for(text), check=read, network=network)
    else:
        file = local_file(text)
        text = file.name
    return ResolvedWeights(file, _digest(file), text)


def _digest(file: Path) -> str:
    """The SHA-256 of ``file``, read through. Raises NotWeights for NaN and infinite numbers."""
    weights = read(file, digest=True)
    bad = [name for name, array in weights.tensors.items()
           if array.dtype.kind == "f" and not np.isfinite(array).all()]
    if bad:
        raise NotWeights(f"{file}: holds NaN or infinite numbers, in {', '.join(bad[:5])}")
    return weights.sha256


def local_file(text: str) -> Path:
    """The file ``text``, with or without its suffix. Raises UnknownWeights, NotWeights."""
    try:
        path = Path(text).expanduser()
        for file in (path, *(Path(f"{path}{suffix}") for suffix in SUFFIXES)):
            if file.exists() and not file.is_dir():
                return file
        if path.is_dir():
            inside = sorted(file.name for file in path.iterdir() if file.suffix in SUFFIXES)
            raise NotWeights(
                f"{path}: is a folder. {f'In it: {inside[0]}' if inside else 'Name the file'}")
    except (OSError, RuntimeError) as error:  # a name too long; ~ of nobody
        raise NotWeights(f"{text}: {getattr(error, 'strerror', None) or error}") from None
    if os.sep not in text and not path.suffix:
        catalogue.entry(text)  # a misspelt name rather than a file: its error lists the names
    raise NotWeights(f"{path}: there is no such file (nor with {', '.join(SUFFIXES)} behind it)")


def name_for(url: str) -> str:
    """The cache's file name for ``url``: its own name and, as two may share that, a hash."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1])
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).lstrip(".")
    stem, dot, suffix = (name or "weights.pdparams").rpartition(".")
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    name = f"{stem}-{mark}.{suffix}" if dot else f"{suffix}-{mark}"
    return name.encode()[-MAX_NAME:].decode(errors="ignore")
