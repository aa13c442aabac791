"""What can be wrong with images: not there, broken, not what they say, in two places."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from paddle_transfer.checks.config_splits import Row, Split
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import SUFFIXES, Look, batched, look_at, stamp_of
from paddle_transfer.checks.near_duplicates import Thumbs, copies
from paddle_transfer.checks.scan_cache import ScanCache

TINY = 8  # px; smaller pictures are most likely placeholders
Progress = Callable[[int, int], None]


def look_at_splits(splits: list[Split], *, processes: int | None, cache_folder: Path | None,
                   progress: Progress, report: Report) -> None:
    """Fill in ``looks`` of all splits: each image once, known ones from the cache."""
    for root in sorted({split.root for split in splits}):
        mine = [split for split in splits if split.root == root]
        names = {row.path: path for split in mine for row, path in zip(split.rows, split.paths)}
        looks = scan(names, root=root, processes=processes, cache_folder=cache_folder,
                     progress=progress, report=report)
        for split in mine:
            split.looks = [looks.get(row.path) for row in split.rows]


def scan(names: dict[str, str], *, root: str, processes: int | None = None,
         cache_folder: Path | None = None, progress: Progress = lambda done, total: None,
         report: Report | None = None) -> dict[str, Look]:
    """name -> Look for those that are files. ``names``: the name below the root -> the path to open."""
    report = report if report is not None else Report()
    cache = ScanCache(root, cache_folder)
    known, looks, new = cache.known(), {}, {}

    def unknown() -> Iterator[str]:
        for name, path in names.items():
            old = known.get(name)
            if old is not None and old[0] == stamp_of(path):
                looks[name] = old[1]
            else:
                new[path] = name
                yield path

    done = 0
    # Kept every few thousand images: a check that is broken off goes on from there.
    for batches in batched(look_at(unknown(), processes=processes), 20):
        found = [(new[path], stamp, look)
                 for batch in batches
                 for path, stamp, look in batch
                 if stamp is not None]
        cache.keep(row for row in found if not row[2].fault.startswith("cannot be read"))
        looks.update((name, look) for name, _, look in found)
        done += len(found)
        progress(len(looks), len(names))
    progress(len(names), len(names))
    cache.close()
    report.cached += len(looks) - done
    report.scanned += done
    return looks


def check_images(split: Split, report: Report) -> None:
    """Missing, broken, wrongly named, tiny and blank images of one list."""
    for row, path, look in zip(split.rows, split.paths, split.looks):
        if look is None:
            report.add("image-missing", split.file, row.line, f"{path} is not there",
                       hint=_advice(split.root, row.path, path))
        elif look.fault:
            report.add(_kind(look.fault), split.file, row.line, f"{path} {look.fault}",
                       hint="PaddleClas would train on a random other image instead.")
        else:
            _check_good(split, row, path, look=look, report=report)


def _kind(fault: str) -> str:
    return ("image-truncated" if "is truncated" in fault else "image-empty" if "0 bytes" in fault
            else "image-unreadable")


def _check_good(split: Split, row: Row, path: str, *, look: Look, report: Report) -> None:
    if look.kind and not path.lower().endswith(SUFFIXES[look.kind]):
        report.add("wrong-suffix", split.file, row.line, f"{path} is a {look.kind.upper()} file",
                   error=False)
    if look.kind == "gif":
        report.add("gif", split.file, row.line, f"{path} is a GIF, which not every OpenCV reads",
                   error=False)
    if min(look.width, look.height) < TINY:
        report.add("tiny", split.file, row.line, f"{path} has {look.width} x {look.height} px",
                   error=False)
    if look.thumb == look.thumb[:1] * len(look.thumb):
        report.add("blank", split.file, row.line, f"{path} is of one colour all over", error=False)


def _advice(root: str, listed: str, path: str) -> str:
    if "\\" in listed:
        return "Write forward slashes."
    if os.path.exists(listed):
        return f"image_root ({root}) is put in front of every path; this one is there without it."
    folder, name = os.path.split(path)
    try:
        close = [other for other in os.listdir(folder) if other.lower() == name.lower()]
    except OSError:
        return f"The folder {folder} is not there." if folder and not os.path.isdir(folder) else ""
    return f"There is a {close[0]}: upper and lower case matter." if close else ""


def check_duplicates(split: Split, report: Report) -> None:
    """The same path, or the same content under two paths, within one list."""
    seen: dict[str, Row] = {}
    for row in split.rows:
        first = seen.setdefault(row.path, row)
        if first is row:
            continue
        if first.label == row.label:
            report.add("duplicate-line", split.file, row.line,
                       f"{row.path} stands on line {first.line} already", error=False)
        else:
            report.add(
                "two-labels", split.file, row.line,
                f"{row.path} has label {row.label} here and {first.label} on line {first.line}")
    content: dict[bytes, Row] = {}
    for row, look in split.good():
        first = content.setdefault(look.sha, row)
        if first.path == row.path:
            continue
        kind = "duplicate-image" if first.label == row.label else "duplicate-two-labels"
        labels = "" if first.label == row.label else f", with label {row.label} here and {first.label} there"
        report.add(kind, split.file, row.line,
                   f"{row.path} has the content of {first.path} (line {first.line}){labels}",
                   error=False)


def check_leaks(splits: list[Split], *, max_leak: float, report: Report) -> None:
    """Images that stand in two splits: by content, and to the eye.

    They are errors when more than the share ``max_leak`` of the later split is concerned, else warnings.
    """
    sides = [_Side(split) for split in splits]
    for i, later in enumerate(sides):
        for earlier in sides[:i]:
            file, name, other = later.split.file, later.split.name, earlier.split.name
            if os.path.realpath(file) == os.path.realpath(earlier.split.file):
                report.add("same-list", file, 0, f"the {name} list is the {other} list",
                           error=other == "train" or name == "test")
                continue
            leaks = _leaks(earlier, later)
            many = len(leaks) > max_leak * len(later.split.rows)
            for row, source, how in leaks:
                report.add(
                    "leak", file, row.line, f"{row.path} {how} {source.path} of "
                    f"{earlier.split.file}:{source.line}", error=many,
                    hint=f"It is in {name} and in {other}.")


class _Side:
    """One split made ready for being compared with the others."""

    def __init__(self, split: Split):
        self.split = split
        self.good = split.good()
        self.thumbs = Thumbs([look.thumb for _, look in self.good])
        self.content: dict[bytes, Row] = {}
        for row, look in self.good:
            self.content.setdefault(look.sha, row)


def _leaks(earlier: _Side, later: _Side) -> list[tuple[Row, Row, str]]:
    """(row of later, row of earlier, how they are alike), in the order of lines; each row of later once."""
    leaks = {}
    for i, j in copies(earlier.thumbs, later.thumbs):
        leaks[later.good[i][0].line] = (later.good[i][0], earlier.good[j][0], "looks the same as")
    for row, look in later.good:
        source = earlier.content.get(look.sha)
        if source is not None:
            same = os.path.realpath(os.path.join(later.split.root, row.path)) == os.path.realpath(
                os.path.join(earlier.split.root, source.path))
            leaks[row.line] = (row, source, "is" if same else "has the content of")
    return [leaks[line] for line in sorted(leaks)]
