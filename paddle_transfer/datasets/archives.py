"""Archives of data sets: found or downloaded, verified by their published md5, extracted."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import write_atomic
from paddle_transfer.datasets.base import ARCHIVES, Archive, Dataset, PrepareOptions
from paddle_transfer.datasets.extract import check_whole, extract, take_out
from paddle_transfer.errors import DataError
from paddle_transfer.files import open_file
from paddle_transfer.progress import ProgressBar
from paddle_transfer.weights import fetch as weights_fetch
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.network import Network

#: Fetches an address into a path; verifies the md5 unless it is "".
Fetch = Callable[[str, Path, str], None]
Log = Callable[[str], None]
#: The biggest file of a data set that is fetched (SUN397 has 37 GiB), unless
#: PADDLE_TRANSFER_MAX_GIB says another number.
MAX_BYTES = 64 << 30
#: Folder below the root with one file for each archive that was verified and extracted.
MARKERS = ".prepared"


@dataclass
class Obtained:
    """``official``: every archive has its published md5, or none was published; ``notes`` are for
    the user."""

    official: bool = True
    notes: list[str] = field(default_factory=list)


def fetch(url: str, path: Path, md5: str) -> None:
    """Fetch as weights are: resumed, locked, retried, at most ``MAX_BYTES``. Raises WeightsError.
    """
    def check(part: Path) -> None:
        found = md5_of(part) if md5 else ""
        if found != md5:
            raise WeightsError(f"{part}: md5 should be {md5}, but is {found}")
        if not md5 and path.name.endswith(ARCHIVES):
            try:
                check_whole(part)
            except DataError as error:
                raise WeightsError(str(error)) from None

    bar = ProgressBar(path.name, unit="bytes", lines=True)
    network = Network(progress=bar, max_bytes=MAX_BYTES)
    try:
        weights_fetch.fetch([url], path, check=check, network=network)
    finally:
        bar.close()


def obtain(dataset: Dataset, root: Path, options: PrepareOptions, *, fetch: Fetch = fetch,
           log: Log = lambda _text: None) -> Obtained:
    """Make the extracted files of ``dataset`` exist below ``root``.

    Raises DataError with all missing files at once, or the archive whose md5 is wrong.
    """
    missing = [archive for archive in dataset.archives if not _is_there(archive, root)]
    extracted = all((root / path).exists() for path in dataset.files)
    if missing and extracted and not options.download:
        return Obtained(False, ["extracted files are used as they are; their archives are not "
                                "there to be verified"])
    if missing and not (options.download and all(archive.address for archive in missing)):
        raise DataError(_missing_text(dataset, root, missing))
    result = Obtained()
    for archive in dataset.archives:
        path = _bring(archive, root, fetch=fetch, log=log, verify=not options.unverified)
        marker = root / MARKERS / f"{archive.file}.json"
        known, state = _read_marker(marker), [path.stat().st_size, path.stat().st_mtime_ns]
        unchanged = known.get("state") == state
        md5 = known["md5"] if unchanged else md5_of(path)
        _verify(archive, path, md5, options, result)
        if unchanged and extracted:
            continue
        if archive.is_extracted:
            log(f"extracting {archive.file}")
            extract(path, root / archive.folder)
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(str(marker), json.dumps({"state": state, "md5": md5}))
    absent = [path for path in dataset.files if not (root / path).exists()]
    if absent:
        raise DataError(f"{root}: the archives of {dataset.title} should hold {', '.join(absent)}, "
                        "but do not")
    return result


def _is_there(archive: Archive, root: Path) -> bool:
    return (root / archive.file).exists() or (archive.inside is not None
                                              and (root / archive.inside.file).exists())


def _missing_text(dataset: Dataset, root: Path, missing: list[Archive]) -> str:
    lines = [f"{dataset.title}: {len(missing)} of {len(dataset.archives)} files are not in {root}:"]
    for archive in missing:
        md5 = f" (md5 {archive.md5})" if archive.md5 else ""
        lines.append(f"  - {archive.file}{md5}: {archive.address or 'no working address'}")
    lines.append(dataset.note or "Put them there, or let --download fetch them.")
    return "\n".join(lines)


def _bring(archive: Archive, root: Path, *, fetch: Fetch, log: Log, verify: bool) -> Path:
    """The archive's path; it is fetched, or taken out of the one that holds it, if missing."""
    path = root / archive.file
    if path.exists():
        return path
    if archive.inside is None:
        log(f"fetching {archive.url}")
        fetch(archive.url, path, archive.md5 if verify else "")
        return path
    outer = _bring(archive.inside, root, fetch=fetch, log=log, verify=verify)
    log(f"taking {archive.file} out of {outer.name}")
    take_out(outer, archive.file, path)
    return path


def _verify(archive: Archive, path: Path, md5: str, options: PrepareOptions,
            result: Obtained) -> None:
    if not archive.md5:
        result.official = result.official and not options.unverified
        result.notes.append(f"{archive.file}: no md5 was ever published for it")
    elif md5 != archive.md5:
        if not options.unverified:
            raise DataError(f"{path}: md5 should be {archive.md5}, but is {md5}. Delete it and "
                            "fetch it again; --unverified takes it as it is")
        result.official = False
        result.notes.append(f"{archive.file} is not the published archive (md5 {md5})")


def md5_of(path: Path) -> str:
    """Of a regular file. Raises DataError when it cannot be read."""
    digest, done = hashlib.md5(), 0
    try:
        size = path.stat().st_size
        with open_file(path) as stream, ProgressBar(f"verifying {path.name}", unit="bytes") as bar:
            while block := stream.read(1 << 20):
                digest.update(block)
                done += len(block)
                bar(done, size)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    return digest.hexdigest()


def _read_marker(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) and isinstance(data.get("md5"), str) else {}
