"""Weights from the internet into the cache: once, whole, checked, and held to what they were at first sight."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from paddle_transfer.weights.cache import hold, keep_record, measure, record_path, recorded
from paddle_transfer.weights.download import Network, NotThere, forget, transfer
from paddle_transfer.weights.errors import FetchError, WeightsError
from paddle_transfer.weights.lock import locked

MIRROR = "PADDLE_TRANSFER_MIRROR"


def fetch(urls: Sequence[str], file: Path, *, check: Callable[[Path], object],
          network: Network | None = None, mirror: str | None = None, refresh: bool = False) -> Path:
    """``file``, fetched from the first of ``urls`` that has it unless it is there already.

    Many processes may ask at once: one downloads, the others wait and find it. The download is made beside the file,
    checked, and moved into place. What is there is held to the size and SHA-256 of its first sight.

    :param check: reads a finished download and raises WeightsError when it is not weights; then the next address
        is tried
    :param mirror: a base address used instead of the servers' (default: the PADDLE_TRANSFER_MIRROR variable)
    :param refresh: fetch even if the file is there; the new one is held to the record, too
    :raises FetchError: with every address's reason, and what to put where by hand
    """
    network = network or Network()
    if file.exists() and not refresh:
        return _held(file, check)
    try:
        with locked(
                file.with_name(file.name + ".lock"), sleep=network.sleep, waiting=lambda pid:
                network.say(f"{file.name}: process {pid} is fetching it; waiting")):
            if file.exists() and not refresh:
                return _held(file, check)
            return _download(mirrored(urls, mirror), file, check=check, network=network)
    except OSError as error:
        raise FetchError(
            f"{error.filename or file}: {error.strerror or error}. The folder for weights can be set "
            "with PADDLE_TRANSFER_HOME") from None


def _held(file: Path, check: Callable[[Path], object]) -> Path:
    """``file``, which is there: held to its record, or read through before it gets one (a bad file gets none)."""
    if recorded(file) is None:
        check(file)
    hold(file)
    return file


def mirrored(urls: Sequence[str], mirror: str | None = None) -> list[str]:
    """The addresses to try: with a mirror, its copies by path and by name, else ``urls``."""
    base = (mirror or os.environ.get(MIRROR, "")).rstrip("/")
    if not base:
        return list(urls)
    paths = [urllib.parse.urlsplit(url).path for url in urls]
    tries = [base + path
             for path in paths] + [f"{base}/{path.rsplit('/', 1)[-1]}" for path in paths]
    return list(dict.fromkeys(tries))


def _download(urls: Sequence[str], file: Path, *, check: Callable[[Path], object],
              network: Network) -> Path:
    reasons: list[str] = []
    unreachable: set[str] = set()
    for url in urls:
        host = urllib.parse.urlsplit(url).netloc
        if host in unreachable:
            reasons.append(f"{url}: the same host")
            continue
        part = file.with_name(file.name + ".part")
        try:
            network.say(f"fetching {url} to {file}")
            transfer(url, part, network)
            check(part)
        except NotThere as error:
            reasons.append(f"{url}: {error}")
            unreachable.update(filter(None, [error.host]))
            continue
        except WeightsError as error:
            forget(part)
            reasons.append(f"{url}: what it sent: {str(error).replace(f'{part}: ', '')}")
            continue
        _accept(part, file, url)
        return file
    raise FetchError(_by_hand(urls, file, reasons))


def _accept(part: Path, file: Path, url: str) -> None:
    """Move ``part`` into place if it is what was recorded at first sight, or nothing was."""
    found, known = measure(part, url), recorded(file)
    if known is not None and (known.size, known.sha256) != (found.size, found.sha256):
        forget(part)
        raise FetchError(
            f"{url}: sends another file than on {known.first_seen or 'an earlier day'}: then {known.size:,} bytes, "
            f"SHA-256 {known.sha256}; now {found.size:,} bytes, SHA-256 {found.sha256}. It was not kept. If the new "
            f"one is right, delete {record_path(file)} and fetch again")
    if known is None:
        keep_record(file, found)  # first: a file in its place always has its record
    os.replace(part, file)
    forget(part)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _by_hand(urls: Sequence[str], file: Path, reasons: Sequence[str]) -> str:
    lines = [
        f"{file.name} could not be fetched:", *(f"  {reason}" for reason in reasons),
        "  Without a connection, get it elsewhere from one of these addresses:",
        *(f"    {url}" for url in urls), f"  and put it here: {file}",
        f"  Behind a proxy set https_proxy; a mirror's address goes into {MIRROR}; a file of your own may be "
        "named instead."
    ]
    return "\n".join(lines)
