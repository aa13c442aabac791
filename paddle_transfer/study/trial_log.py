"""What a trial's log says: its end, and the first error in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from paddle_transfer.errors import one_line

#: Bytes of a line, and of a log, that are looked at.
_LINE, _LOG = 4000, 64 << 20

#: Lines that name a fault whatever follows: of Paddle's handler of signals in data workers, of
#: PaddleClas's logger, and what the system says.
_ERRORS = re.compile(r"^ERROR: (?P<text>.+)| ppcls ERROR: (?P<logged>.+)"
                     r"|(?P<system>Out of memory error on .+|.*No space left on device.*)")
#: PaddleClas goes on with another image; so this is the cause only where nothing else is.
_IMAGE = re.compile(r"Exception occured when parse line: (?P<file>.+?) with msg: (?P<why>.*)")
#: How Python ends: a native fault and the first place after it, or the last line of a traceback.
_FATAL = re.compile(r"^Fatal Python error: (?P<text>.+)")
_PLACE = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)')
_RAISED = re.compile(r"^(?P<text>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning)\b.*)")
_TRACEBACK = "Traceback (most recent call last):"

#: Messages that say how a training ended, not why.
_SYMPTOM = re.compile(r"Blocking queue is killed|exit(ed)? unexpectedly|died of|exit code"
                      r"|SystemExit|killed by signal|no valid result|DataLoader worker")


def log_tail(path: str | os.PathLike[str], *, lines: int = 20, limit: int = 8000) -> str:
    """The last ``lines`` lines of a log, at most ``limit`` bytes; empty when it is unreadable."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.replace("\r", "\n").splitlines()[-lines:])


def told_by(log: Path) -> str:
    """What the log of a process says of its end: the first error in it, else its last line."""
    found = first_error(log)
    lines = [found[0]] if found else log_tail(log).strip().splitlines() or ["nothing"]
    return f"Its log, {log}, says: {one_line(lines[-1], 400)}"


def explained(message: str, log: Path) -> str:
    """``message``, how a training ended, with its cause: the first error of ``log``, when that is
    another one: ``ERROR (train.log, line 131); the end: MESSAGE``."""
    found = first_error(log, any_kind=_SYMPTOM.search(message) is not None)
    if found is None or found[0] in message or message.partition(" (")[0] in found[0]:
        return message
    text, number = found
    return f"{text} ({log.name}, line {number}); the end: {message}"


def first_error(log: Path, *, any_kind: bool = True) -> tuple[str, int] | None:
    """(text, line) of the first error in a log; None when there is none.

    :param any_kind: whether an image that was replaced, and a traceback, count as one
    """
    weak: tuple[str, int] | None = None
    traceback, fatal = False, ""
    for number, line in enumerate(_lines(log), start=1):
        image, error, fault = _IMAGE.search(line), _ERRORS.search(line), _FATAL.match(line)
        if error is not None and image is None:
            return _text(next(filter(None, error.groups()))), number
        raised, place = _RAISED.match(line) if traceback else None, _PLACE.match(line)
        traceback = line.startswith(_TRACEBACK) or (traceback and line[:1] in (" ", "\n", ""))
        fatal = fault["text"] if fault else fatal
        if weak is not None:
            continue
        if image is not None:
            weak = _text(f"{image['file']}: {image['why']}"), number
        elif raised is not None:
            weak = _text(raised["text"]), number
        elif fatal and place is not None:
            where = f"{os.path.basename(place['file'])}, line {place['line']}"
            weak = _text(f"{fatal} in {place['function']} ({where})"), number
    return weak if any_kind else None


def _text(found: str) -> str:
    return one_line(found, 400).rstrip(". ")


def _lines(log: Path) -> Iterator[str]:
    """The lines of a log, cut where they are long; of its first part, where it is."""
    try:
        with open(log, encoding="utf-8", errors="replace") as stream:
            seen, begins = 0, True
            while seen < _LOG and (part := stream.readline(_LINE)):
                seen += len(part)
                if begins:
                    yield part
                begins = part.endswith("\n")
    except OSError:
        return
