"""The error tree.

Every error that a user can cause says where it is, which rule was broken, what was found and what to do.
``exit_code`` is what a command line tool ends with.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ValidationIssue:
    """One broken rule in a file that the user wrote.

    ``where`` is a dotted path in the file (``search_dict.0.search_values``), ``found`` a short rendering of
    what stands there, ``hint`` what to do about it. Empty parts are left out of the text.
    """

    where: str
    rule: str
    found: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.rule}" if self.where else self.rule
        if self.found:
            text += f"; found {self.found}"
        return f"{text}. {self.hint}" if self.hint else text


class PaddleTransferError(Exception):
    """The root of all errors of this package that are meant for a user."""

    exit_code = 2


class ConfigError(PaddleTransferError):
    """A config or search file with mistakes; all of them, not just the first.

    :param file: the file the mistakes are in
    :param issues: at least one
    """

    def __init__(self, file: str, issues: Iterable[ValidationIssue]):
        self.file = str(file)
        self.issues: tuple[ValidationIssue, ...] = tuple(issues)
        assert self.issues, "a ConfigError needs at least one mistake"
        count = len(self.issues)
        head = f"{self.file}: {count} mistake{'s' if count > 1 else ''}"
        super().__init__("\n".join([head, *(f"  - {mistake}" for mistake in self.issues)]))


class SetupError(PaddleTransferError):
    """The machine lacks something: PaddleClas's engine, Paddle, a GPU, an optional library."""


class StudyError(PaddleTransferError):
    """What is on disk does not go with what was asked (a changed space, a second search at work, a broken file)."""


class DiskFull(StudyError):
    """No space is left where the search writes. What was written before is whole, so the same command goes on later.

    :param place: the file, folder or worker that has none
    """

    exit_code = 1

    def __init__(self, place: object):
        super().__init__(f"{place}: disk full. Nothing that was finished is lost; "
                         "make room and give the same command again")


class DataError(PaddleTransferError):
    """Data that cannot be used: a missing or wrong archive, a broken list, images that do not decode."""


class TrialError(PaddleTransferError):
    """A trial that can never work, however often it is tried: its config or data is wrong."""


class SearchFailed(PaddleTransferError):
    """The search ended without a single finished trial."""

    exit_code = 1


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` says that the disk, or the user's share of it, is full."""
    return isinstance(error, DiskFull) or (isinstance(error, OSError)
                                           and error.errno in (errno.ENOSPC, errno.EDQUOT))


def did_you_mean(word: object, known: Sequence[str]) -> str:
    """A hint that names the closest known word, or all of them when they are few; empty when there is nothing to say."""
    close = difflib.get_close_matches(str(word), [str(item) for item in known], n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(map(str, known))}." if 0 < len(known) <= 30 else ""


def show(value: object, limit: int = 80) -> str:
    """``value`` and its type, as it should stand behind "found" in an error."""
    text = repr(value)
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    kind = {
        "str": "a string", "int": "an integer", "float": "a number", "bool": "a boolean",
        "list": "a list", "dict": "a mapping", "NoneType": "nothing"
    }.get(type(value).__name__,
          type(value).__name__)
    return kind if value is None else f"{text} ({kind})"
