"""Inspection of all images of a check: each once, unchanged ones from the cache."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from paddle_transfer.checks.config_splits import Split
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import ImageInfo, batched, file_stamp, inspect_images
from paddle_transfer.checks.scan_cache import ScanCache

#: Called with the numbers of images that are done and in total.
Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


def scan_splits(splits: list[Split], *, processes: int | None, cache_folder: Path | None,
                progress: Progress, report: Report) -> None:
    """Fill in ``images`` of all splits."""
    files: dict[str, dict[str, str]] = {root: {} for root in sorted({one.root for one in splits})}
    for split in splits:
        files[split.root].update((row.path, path) for row, path in
                                 zip(split.rows, split.paths, strict=True))
    total, before = sum(map(len, files.values())), 0
    for root, of_root in files.items():
        images = scan(of_root, root=root, processes=processes, cache_folder=cache_folder,
                      report=report, progress=partial(_add, progress, before, total))
        before += len(of_root)
        for split in splits:
            if split.root == root:
                split.images = [images.get(row.path) for row in split.rows]


def _add(progress: Progress, before: int, total: int, done: int, _of_one: int) -> None:
    progress(before + done, total)


def all_known(splits: list[Split], cache_folder: Path | None) -> bool:
    """Whether all images were inspected before and have not changed since."""
    for root in {split.root for split in splits}:
        cache = ScanCache(root, cache_folder)
        known = cache.load()
        cache.close()
        files = {row.path: path for split in splits if split.root == root
                 for row, path in zip(split.rows, split.paths, strict=True)}
        if any(name not in known or known[name][0] != file_stamp(path)
               for name, path in files.items()):
            return False
    return True


def scan(files: Mapping[str, str], *, root: str, processes: int | None = None,
         cache_folder: Path | None = None, progress: Progress = no_progress,
         report: Report | None = None) -> dict[str, ImageInfo]:
    """Inspect images; missing files are left out of the result.

    :param files: name below ``root`` -> path to open
    :param report: takes the counts of decoded and cached images
    """
    cache = ScanCache(root, cache_folder)
    cached, images = cache.load(), dict[str, ImageInfo]()
    names: dict[str, str] = {}

    def changed_files() -> Iterator[str]:
        for name, path in files.items():
            known = cached.get(name)
            if known is not None and known[0] == file_stamp(path):
                images[name] = known[1]
            else:
                names[path] = name
                yield path

    scanned = 0
    # Stored every few thousand images: a check that is interrupted goes on from there.
    for batches in batched(inspect_images(changed_files(), processes=processes), 20):
        found = [(names[path], stamp, image) for batch in batches for path, stamp, image in batch
                 if stamp is not None]
        cache.store(row for row in found if not row[2].fault.startswith("cannot be read"))
        images.update((name, image) for name, _, image in found)
        scanned += len(found)
        progress(len(images), len(files))
    progress(len(files), len(files))
    cache.close()
    if report is not None:
        report.cached += len(images) - scanned
        report.scanned += scanned
    return images
