"""Archives: found or fetched, checked against their published md5, extracted so that nothing escapes the folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from paddle_transfer.config.load import write_atomic
from paddle_transfer.datasets.catalogue import Archive, DataSet
from paddle_transfer.errors import DataError

Fetch = Callable[[str, str, str], None]
MARKERS = ".prepared"  # folder below the root: one file per archive that was verified and extracted completely


@dataclass
class Obtained:
    """What ``obtain`` found: ``official`` when every archive has its published md5 (or none was published);
    ``notes`` for the user."""

    official: bool = True
    notes: list[str] = field(default_factory=list)


def obtain(dataset: DataSet, root: Path, *, download: bool = False, unverified: bool = False,
           fetch: Fetch | None = None, tell: Callable[[str], None] = lambda text: None) -> Obtained:
    """Bring ``dataset``'s extracted files below ``root``.

    ``download`` fetches missing archives; ``unverified`` takes archives with another md5 than the published one.
    Raises DataError that names all missing files at once, or the archive whose md5 is wrong.
    """
    missing = [archive for archive in dataset.archives if not _findable(archive, root)]
    if missing and not download and all((root / path).exists() for path in dataset.layout):
        return Obtained(
            False,
            ["extracted files are used as they are; their archives are not there to be verified"])
    if missing and (not download or any(not _address(archive) for archive in missing)):
        raise DataError(_what_is_missing(dataset, root, missing))
    result = Obtained()
    complete = all((root / path).exists() for path in dataset.layout)
    for archive in dataset.archives:
        path = _bring(archive, root, fetch=fetch or _fetch, tell=tell, verify=not unverified)
        state = _state(path)
        marker = root / MARKERS / f"{archive.file}.json"
        done = _read_marker(marker)
        md5 = done["md5"] if done.get("state") == state else md5_of(path)
        if archive.md5 and md5 != archive.md5:
            if not unverified:
                raise DataError(
                    f"{path}: md5 should be {archive.md5}, but is {md5}. Delete it and fetch it again; "
                    "--unverified takes it as it is")
            result.official = False
            result.notes.append(f"{archive.file} is not the published archive (md5 {md5})")
        elif not archive.md5:
            result.official = result.official and not unverified
            result.notes.append(f"{archive.file}: no md5 was ever published for it")
        if done.get("state") == state and complete:
            continue
        if archive.extracts:
            tell(f"extracting {archive.file}")
            extract(path, root / archive.folder)
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(str(marker), json.dumps({"state": state, "md5": md5}))
    absent = [path for path in dataset.layout if not (root / path).exists()]
    if absent:
        raise DataError(
            f"{root}: the archives of {dataset.title} should hold {', '.join(absent)}, but do not")
    return result


def _findable(archive: Archive, root: Path) -> bool:
    return (root / archive.file).exists() or bool(archive.inside and
                                                  (root / archive.inside.file).exists())


def _address(archive: Archive) -> str:
    return archive.url or (archive.inside.url if archive.inside else "")


def _what_is_missing(dataset: DataSet, root: Path, missing: list[Archive]) -> str:
    lines = [f"{dataset.title}: {len(missing)} of {len(dataset.archives)} files are not in {root}:"]
    for archive in missing:
        md5 = f" (md5 {archive.md5})" if archive.md5 else ""
        lines.append(f"  - {archive.file}{md5}: {_address(archive) or 'no working address'}")
    lines.append(dataset.note or "Put them there, or let --download fetch them.")
    return "\n".join(lines)


def _bring(archive: Archive, root: Path, *, fetch: Fetch, tell: Callable[[str], None],
           verify: bool) -> Path:
    path = root / archive.file
    if path.exists():
        return path
    if archive.inside is None:
        tell(f"fetching {archive.url}")
        fetch(archive.url, str(path), archive.md5 if verify else "")
        return path
    outer = _bring(archive.inside, root, fetch=fetch, tell=tell, verify=verify)
    tell(f"taking {archive.file} out of {outer.name}")
    with zipfile.ZipFile(outer) as bundle:
        names = [name for name in bundle.namelist() if PurePosixPath(name).name == archive.file]
        if not names:
            raise DataError(f"{outer}: should hold {archive.file}, but does not")
        with bundle.open(names[0]) as source:
            _copy(source, path)
    return path


def _fetch(url: str, path: str, md5: str) -> None:
    from paddle_transfer.weights.download import Network
    from paddle_transfer.weights.errors import WeightsError
    from paddle_transfer.weights.fetch import fetch  # resumes, locks, retries
    from paddle_transfer.progress import ProgressBar

    def check(part: Path) -> None:
        found = md5_of(part) if md5 else ""
        if found != md5:
            raise WeightsError(f"{part}: md5 should be {md5}, but is {found}")

    bar = ProgressBar(Path(path).name, unit="bytes", lines=True)
    try:
        fetch([url], Path(path), check=check, network=Network(progress=bar))
    finally:
        bar.close()


def md5_of(path: Path) -> str:
    digest = hashlib.md5()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def extract(archive: Path, folder: Path) -> None:
    """Extract a tar (gz) or zip archive into ``folder``: regular files only, none outside of it.

    The whole list is looked at before the first file is written. Raises DataError: a path that leads out of the
    folder, a link or device, a broken archive, not enough room on the disk.
    """
    opener = _zip if zipfile.is_zipfile(archive) else _tar
    try:
        total = 0
        for name, size, kind, _ in opener(archive):
            _check_member(archive, name, kind)
            total += size
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if total > free:
            raise DataError(
                f"{archive}: needs {total / 2**30:.1f} GiB in {folder}, but {free / 2**30:.1f} are free"
            )
        for name, _, kind, read in opener(archive):
            target = folder / PurePosixPath(name)
            if kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink(
            ):  # left by somebody else: writing would follow it out of the folder
                target.unlink()
            with read() as source:
                _copy(source, target)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
            NotImplementedError) as error:
        # gzip's own OSErrors have no number; with one it is the disk, and not the archive
        broken = getattr(error, "errno", None) is None
        raise DataError(f"{archive}: cannot be extracted ({error})" +
                        (". Fetch it again" if broken else "")) from None


def _check_member(archive: Path, name: str, kind: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts and kind == "folder":
        return
    if not parts or name.startswith(
        ("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise DataError(f"{archive}: refused, its entry {name!r} leads out of the folder")
    if kind not in ("file", "folder"):
        raise DataError(
            f"{archive}: refused, its entry {name!r} is a {kind}; only files and folders are extracted"
        )


def _tar(archive: Path) -> Iterator[tuple[str, int, str, Callable]]:
    with tarfile.open(archive) as bundle:
        for member in bundle:
            kind = ("file" if member.isreg() else "folder"
                    if member.isdir() else "link" if member.issym() or member.islnk() else "device")
            yield member.name, member.size, kind, lambda member=member: bundle.extractfile(member)


def _zip(archive: Path) -> Iterator[tuple[str, int, str, Callable]]:
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            link = (member.external_attr >> 16) & 0o170000 == 0o120000
            kind = "folder" if member.is_dir() else "link" if link else "file"
            yield member.filename, member.file_size, kind, lambda member=member: bundle.open(member)


def _copy(source, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.part")
    with open(temporary, "wb") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)
    os.replace(temporary, target)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _read_marker(path: Path) -> dict:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and isinstance(data.get("md5"), str) else {}
