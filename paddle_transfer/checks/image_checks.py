"""Faults of images: missing, broken, of another kind, in a list twice, in two lists."""

import os
from collections.abc import Iterator

from paddle_transfer.checks.config_splits import TRAINED, Split, SplitKey
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import SUFFIXES, ImageInfo
from paddle_transfer.checks.listfile import Row
from paddle_transfer.checks.near_duplicates import Thumbnails, near_duplicates

#: What to do about an image that should not be in a list.
_DELETE = "Take its line out of the list."

TINY = 8  # px; smaller images are most likely placeholders


def check_images(split: Split, report: Report) -> None:
    """Missing, broken, wrongly named, tiny and blank images of one list."""
    folders: dict[str, dict[str, str] | None] = {}
    for row, path, image in zip(split.rows, split.paths, split.images, strict=True):
        if image is None:
            report.add("image-missing", split.file, row.line, f"{path} is not there",
                       hint=_hint_missing(split.root, row.path, path, folders))
        elif image.fault:
            report.add(_fault_kind(image.fault), split.file, row.line, f"{path} {image.fault}",
                       hint="PaddleClas would train on a random other image instead.")
        else:
            for kind, message, hint in _warnings(path, image):
                report.add(kind, split.file, row.line, f"{path} {message}", error=False, hint=hint)


def _fault_kind(fault: str) -> str:
    if "is truncated" in fault:
        return "image-truncated"
    return "image-empty" if "0 bytes" in fault else "image-unreadable"


def _warnings(path: str, image: ImageInfo) -> Iterator[tuple[str, str, str]]:
    """(kind, message, hint) of an image that was decoded."""
    if image.kind and not path.lower().endswith(SUFFIXES[image.kind]):
        yield ("wrong-suffix", f"is a {image.kind.upper()} file",
               f"Name it {SUFFIXES[image.kind][0]}, here and in the list.")
    if image.kind == "gif":
        yield "gif", "is a GIF, which not every OpenCV reads", "Save it as PNG."
    if min(image.width, image.height) < TINY:
        yield "tiny", f"has {image.width} x {image.height} px", "Is it a placeholder? " + _DELETE
    if image.thumbnail == image.thumbnail[:1] * len(image.thumbnail):
        yield "blank", "is of one colour all over", "Is it a placeholder? " + _DELETE


def _hint_missing(root: str, listed: str, path: str,
                  folders: dict[str, dict[str, str] | None]) -> str:
    """:param folders: the names in each folder by their lower case, None for one that is not there;
        what has been looked at is added
    """
    if "\\" in listed:
        return "Write forward slashes."
    if os.path.exists(listed):
        return f"image_root ({root}) is put in front of every path; this one is there without it."
    folder, name = os.path.split(path)
    if folder not in folders:
        try:
            folders[folder] = {other.lower(): other for other in os.listdir(folder)}
        except OSError:
            folders[folder] = {} if os.path.isdir(folder) or not folder else None
    names = folders[folder]
    if names is None:
        return f"The folder {folder} is not there."
    close = names.get(name.lower())
    return (f"There is a {close}: upper and lower case matter." if close else
            "Correct its line, or take it out.")


def check_duplicates(split: Split, report: Report) -> None:
    """The same path, or the same content under two paths, within one list."""
    by_path: dict[str, Row] = {}
    for row in split.rows:
        first = by_path.setdefault(row.path, row)
        if first is row:
            continue
        if first.label == row.label:
            report.add("duplicate-line", split.file, row.line,
                       f"{row.path} stands on line {first.line} already", error=False,
                       hint="Delete one of the two lines.")
        else:
            report.add("two-labels", split.file, row.line, f"{row.path} has label {row.label} here "
                       f"and {first.label} on line {first.line}", hint="Delete the wrong line.")
    by_content: dict[bytes, Row] = {}
    for row, image in split.decoded():
        first = by_content.setdefault(image.digest, row)
        if first.path == row.path:
            continue
        message = f"{row.path} has the content of {first.path} (line {first.line})"
        if first.label == row.label:
            report.add("duplicate-image", split.file, row.line, message, error=False, hint=_DELETE)
        else:
            report.add("duplicate-two-labels", split.file, row.line, f"{message}, with label "
                       f"{row.label} here and {first.label} there", error=False,
                       hint="Delete the wrong line.")


class LeakCheck:
    """Finds images that are in two splits, by content or as near duplicates.

    They are errors if they are more than the share ``max_leak`` of the later split, else warnings.
    What was found of two lists is kept for other configs that have both.
    """

    def __init__(self, max_leak: float):
        self._max_leak = max_leak
        self._indexed: dict[SplitKey, _IndexedSplit] = {}
        self._leaks: dict[tuple[SplitKey, SplitKey], list[tuple[Row, Row, str]]] = {}

    def check(self, splits: list[Split], report: Report) -> None:
        """Add the leaks between every two of ``splits`` to ``report``."""
        for i, later in enumerate(splits):
            for earlier in splits[:i]:
                file, name, other = later.file, later.name, earlier.name
                if name in TRAINED:
                    continue  # an image may be in two lists that are trained on
                learnt = other != "unlabeled"  # its label is never seen there
                if os.path.realpath(file) == os.path.realpath(earlier.file):
                    report.add("same-list", file, 0, f"the {name} list is the {other} list",
                               error=learnt and (other in TRAINED or name == "test"),
                               hint="Hold images out: name a list of its own.")
                    continue
                leaks = self._between(earlier, later)
                too_many = learnt and len(leaks) > self._max_leak * len(later.rows)
                for row, source, relation in leaks:
                    report.add("leak", file, row.line, f"{row.path} {relation} {source.path} of "
                               f"{earlier.file}:{source.line}", error=too_many,
                               hint=f"It is in {name} and in {other}: {_DELETE.lower()}")

    def _between(self, earlier: Split, later: Split) -> list[tuple[Row, Row, str]]:
        key = earlier.key, later.key
        if key not in self._leaks:
            self._leaks[key] = _find_leaks(self._index(earlier), self._index(later))
        return self._leaks[key]

    def _index(self, split: Split) -> "_IndexedSplit":
        if split.key not in self._indexed:
            self._indexed[split.key] = _IndexedSplit(split)
        return self._indexed[split.key]


class _IndexedSplit:
    """One split, with the first row of each content and its thumbnail."""

    def __init__(self, split: Split):
        self.split = split
        self.first: dict[bytes, tuple[Row, ImageInfo]] = {}
        for row, image in split.decoded():
            self.first.setdefault(image.digest, (row, image))
        self.digests = list(self.first)
        self.thumbnails = Thumbnails([image.thumbnail for _, image in self.first.values()])


def _find_leaks(earlier: _IndexedSplit, later: _IndexedSplit) -> list[tuple[Row, Row, str]]:
    """(row of later, row of earlier, relation) by line; each row of later once."""
    alike = {later.digests[i]: earlier.digests[j]
             for i, j in near_duplicates(earlier.thumbnails, later.thumbnails)}
    places: dict[tuple[str, str], bool] = {}
    leaks = []
    for row, image in later.split.decoded():
        same = image.digest in earlier.first
        digest = image.digest if same else alike.get(image.digest)
        if digest is None:
            continue
        source, relation = earlier.first[digest][0], "looks the same as"
        if same:
            pair = row.path, source.path
            if pair not in places:
                places[pair] = (os.path.realpath(os.path.join(later.split.root, row.path))
                                == os.path.realpath(os.path.join(earlier.split.root, source.path)))
            relation = "is" if places[pair] else "has the content of"
        leaks.append((row, source, relation))
    return leaks
