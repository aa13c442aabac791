"""Files below a data set's root that are left alone: counted by reason, the first one named."""

from __future__ import annotations

import os
import stat
from collections import defaultdict

from paddle_transfer.checks.images import IMAGE_SUFFIXES
from paddle_transfer.errors import one_line

#: What file managers and operating systems leave behind, in lower case.
_LITTER = frozenset((
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
    ".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", ".ipynb_checkpoints",
    ".appledouble", ".trashes", ".spotlight-v100", ".fseventsd"))
#: Images that need a converter first: of phones and cameras, drawings, scans.
_OTHER_IMAGES = frozenset((
    ".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".psd", ".svg", ".eps",
    ".ai", ".pdf", ".ico", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".exr", ".hdr", ".dcm", ".raw",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".npy"))
_CONVERT = "Convert them to JPEG or PNG to use them"

HIDDEN, LITTER = "hidden", "of file managers"
NO_CLASS, LINKS, UNREADABLE = ("in no class's folder", "links to folders, which are not followed",
                               "folders that cannot be read")
#: What to do about each reason; nothing about what has no hint.
_HINTS = {HIDDEN: "Rename them without the dot to use them",
          NO_CLASS: "Move them into the folder of their class",
          LINKS: "Put a copy, or links to the single images, in their place",
          UNREADABLE: "Change their mode",
          "no ending": f"An image ends in {', '.join(sorted(IMAGE_SUFFIXES))}",
          "names that no list file can hold": "Rename them"}


class Skipped:
    """Collects what is skipped."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = defaultdict(list)

    def add(self, path: str, reason: str) -> None:
        """Count ``path``, which is shown as it is."""
        self._found[reason].append(path)

    def notes(self) -> list[str]:
        """A sentence for each reason, such as ``6 files skipped: .HEIC (a/x.HEIC and 5 more).
        Convert them to JPEG or PNG to use them``."""
        return [self._note(reason, paths) for reason, paths in self._found.items()]

    def _note(self, reason: str, paths: list[str]) -> str:
        count = len(paths)
        more = f" and {count - 1} more" if count > 1 else ""
        first = min(paths)
        first = one_line(first if first.isprintable() else ascii(first), 200)
        hint = _HINTS.get(reason) or (_CONVERT if reason.lower() in _OTHER_IMAGES else "")
        return (f"{count} {'file' if count == 1 else 'files'} skipped: {one_line(reason, 40)} "
                f"({first}{more})" + (f". {hint}" if hint else ""))


def is_litter(name: str) -> bool:
    """Whether a file or folder is no user's, such as ``__MACOSX`` or ``._x.jpg``."""
    return name.lower() in _LITTER or name.startswith("._")


def is_image(name: str, *, convertible: bool = False) -> bool:
    """Whether the ending of ``name`` is that of an image.

    :param convertible: also those that PaddleClas does not read
    """
    suffix = os.path.splitext(name)[1].lower()
    return suffix in IMAGE_SUFFIXES or (convertible and suffix in _OTHER_IMAGES)


def why_skipped(path: str, *, listed: str) -> str:
    """Why a file in a class's folder is no image of the class; "" if it is one.

    :param listed: its path in a list file
    """
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1]
    if is_litter(name):
        return LITTER
    if name.startswith("."):
        return HIDDEN
    if suffix.lower() not in IMAGE_SUFFIXES:
        return suffix or "no ending"
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "links to nothing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not stat.S_ISREG(mode):
        return "no regular files"
    return "names that no list file can hold" if why_unlistable(listed) else ""


def why_unlistable(path: str) -> str:
    """What keeps a path from standing in a list file, as PaddleClas reads it; "" if nothing."""
    for characters, text in (("\t", "a tab"), ("\r\n", "a line break")):
        if any(character in path for character in characters):
            return f"{text} in its name"
    if path.strip() != path:
        return "a blank at its beginning or end"
    return "" if path.isascii() or _is_utf8(path) else "a name that is not UTF-8"


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
