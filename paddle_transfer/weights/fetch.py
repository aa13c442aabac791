"""Fetches weights into the cache: once, complete, and with the checksum of the first time."""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from paddle_transfer.config.pretrained import fault_of_address
from paddle_transfer.errors import one_line
from paddle_transfer.weights import cache
from paddle_transfer.weights.download import discard, download
from paddle_transfer.weights.errors import FetchError, Unavailable, Unreachable, WeightsError
from paddle_transfer.weights.network import Limit, Network

MIRROR = "PADDLE_TRANSFER_MIRROR"
#: The most GiB of a file that is fetched, unless its record has its size.
MAX_GIB, DEFAULT_GIB = "PADDLE_TRANSFER_MAX_GIB", 16
LOCK_POLL_SECONDS = 0.2
Check = Callable[[Path], object]


def fetch(urls: Sequence[str], file: Path, *, check: Check, network: Network | None = None,
          mirror: str | None = None) -> Path:
    """``file``, fetched from the first of ``urls`` that has it unless it is there already.

    Many processes may ask at once: one downloads, the others wait and find it. The download is made
    beside the file, checked, and moved into place. Its size and SHA-256 must be those of the first
    time.

    :param check: reads a finished download and raises WeightsError when it is not weights; then the
        next address is tried
    :param network: its ``max_bytes`` are 16 GiB unless PADDLE_TRANSFER_MAX_GIB has another number
    :param mirror: a base address used instead of the servers' (default: the variable
        PADDLE_TRANSFER_MIRROR)
    :raises FetchError: with every address's reason, and what to put where by hand
    """
    network = network or Network()
    try:
        if file.exists():
            return _verified(file, check)
        with _locked(file, network):
            if file.exists():
                return _verified(file, check)
            return _fetch(mirrored(urls, mirror), file, check=check, network=network)
    except OSError as error:
        raise FetchError(
            f"{error.filename or file}: {error.strerror or error}. The folder for weights can be "
            "set with PADDLE_TRANSFER_HOME") from None


@contextlib.contextmanager
def _locked(file: Path, network: Network) -> Iterator[None]:
    """One process at a time: ``file``.lock tells its holder's id, and dies with it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    path, told = file.with_name(file.name + ".lock"), False
    lock = FileLock(path, on_acquired=_write_holder)
    while not lock.is_locked:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not told:
                pid = one_line(path.read_text(errors="replace"), 20) or "?"
                network.log(f"{file.name}: process {pid} is fetching it; waiting")
            told = True
            network.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _write_holder(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _verified(file: Path, check: Check) -> Path:
    """``file`` as recorded; checked before it gets a record, so that a bad file gets none."""
    if cache.read_record(file) is None:
        check(file)
    cache.verify_checksum(file)
    return file


def mirrored(urls: Sequence[str], mirror: str | None = None) -> list[str]:
    """The addresses to try: with a mirror, its copies by path and by name, else ``urls``."""
    base = (mirror or os.environ.get(MIRROR, "")).rstrip("/")
    if not base:
        return list(urls)
    paths = [urllib.parse.urlsplit(url).path for url in urls]
    names = [f"/{path.rsplit('/', 1)[-1]}" for path in paths]
    return list(dict.fromkeys(base + path for path in [*paths, *names]))


def _fetch(urls: Sequence[str], file: Path, *, check: Check, network: Network) -> Path:
    part = file.with_name(file.name + ".part")
    limit = _limit(file, network)
    reasons: list[str] = []
    unreachable: set[str] = set()
    for url in urls:
        if why := fault_of_address(url):
            reasons.append(f"{one_line(url)}: is no address, which {why}")
            continue
        host = urllib.parse.urlsplit(url).netloc
        if host in unreachable:
            reasons.append(f"{url}: the same host")
            continue
        try:
            network.log(f"fetching {url} to {file}")
            download(url, part, network, limit)
            check(part)
        except Unavailable as error:
            reasons.append(f"{url}: {error}")
            unreachable |= {host} if isinstance(error, Unreachable) else set()
        except WeightsError as error:
            discard(part)
            reasons.append(f"{url}: what it sent: {str(error).replace(f'{part}: ', '')}")
        else:
            _accept(part, file, url)
            return file
    raise FetchError(_by_hand(urls, file, reasons))


def _limit(file: Path, network: Network) -> Limit:
    """How much may be sent for ``file``: its recorded size, else what ``network`` or the user says.
    """
    known = cache.read_record(file)
    if known is not None:
        return Limit(known.size, f"what was recorded on {known.first_seen}. If another file is "
                                 f"right, delete {cache.record_path(file)}")
    text = os.environ.get(MAX_GIB, "")
    try:
        size = int(float(text) * 2**30) if text else network.max_bytes or DEFAULT_GIB << 30
    except (ValueError, OverflowError):
        raise FetchError(f"{MAX_GIB}: must be a number of GiB; found {text!r}") from None
    return Limit(size, f"the most that is fetched; {MAX_GIB} sets another number of GiB")


def _accept(part: Path, file: Path, url: str) -> None:
    """Move ``part`` into place if it is what was recorded at first, or nothing was."""
    found, known = cache.make_record(part, url), cache.read_record(file)
    if known is None:
        cache.write_record(file, found)  # first: a file in its place always has its record
    elif known != found:
        discard(part)
        raise FetchError(
            f"{url}: sends another file than on {known.first_seen}: then {known}; now {found}. It "
            f"was not kept. If the new one is right, delete {cache.record_path(file)} and fetch "
            "again")
    os.replace(part, file)
    discard(part)


def _by_hand(urls: Sequence[str], file: Path, reasons: Sequence[str]) -> str:
    return "\n".join([
        f"{file.name} could not be fetched:", *(f"  {reason}" for reason in reasons),
        "  Without a connection, get it elsewhere from one of these addresses:",
        *(f"    {url}" for url in urls), f"  and put it here: {file}",
        f"  Behind a proxy set https_proxy; a mirror's address goes into {MIRROR}; a file of your "
        "own may be named instead."])
