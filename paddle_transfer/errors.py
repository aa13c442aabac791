"""The error tree.

Every error that a user can cause names the place, the rule that was broken, what was found and
what to do. A command line tool ends with the error's ``exit_code``.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_KINDS = {str: "a string", int: "an integer", float: "a number", bool: "a boolean",
          list: "a list", dict: "a mapping"}


@dataclass(frozen=True)
class ValidationIssue:
    """One broken rule in a file that the user wrote. Empty parts are left out of the text.

    :param where: dotted path in the file, such as ``search_dict.0.search_values``
    :param found: a short rendering of the value there
    :param hint: what to do about it
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
    """Base class of all errors of this package that are meant for a user."""

    exit_code = 2


class ConfigError(PaddleTransferError):
    """A config or search file has mistakes. The error lists all of them, not just the first.

    :param file: the file with the mistakes
    :param issues: at least one
    """

    def __init__(self, file: str, issues: Iterable[ValidationIssue]):
        self.file, self.issues = str(file), tuple(issues)
        assert self.issues, "a ConfigError needs at least one mistake"
        count = len(self.issues)
        head = f"{self.file}: {count} mistake{'s' if count > 1 else ''}"
        super().__init__("\n".join([head, *(f"  - {issue}" for issue in self.issues)]))

    def __reduce__(self) -> tuple[Any, ...]:  # an exception is pickled by its text otherwise
        return type(self), (self.file, self.issues)


class SetupError(PaddleTransferError):
    """The machine lacks something: PaddleClas's engine, Paddle, a GPU, an optional library."""


class StudyError(PaddleTransferError):
    """The files on disk do not fit the request: a changed space, a second search that is running
    in the same folder, a broken file."""


class DiskFull(StudyError):
    """The disk that the search writes to is full. All files written before are complete, so the
    same command continues later.

    :param place: the file, folder or worker without space
    """

    exit_code = 1

    def __init__(self, place: object):
        super().__init__(f"{place}: disk full. Nothing that was finished is lost; "
                         "make room and give the same command again")


class DataError(PaddleTransferError):
    """Unusable data: a missing or wrong archive, a broken list, images that do not decode."""


class TrialError(PaddleTransferError):
    """A trial can never succeed, however often it is repeated: its config or data is wrong."""


class SearchFailed(PaddleTransferError):
    """The search ended without a single finished trial."""

    exit_code = 1


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` reports a full disk or an exhausted quota."""
    return isinstance(error, DiskFull) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))


def did_you_mean(word: object, known: Sequence[object]) -> str:
    """A hint with the closest known word, or all of them if there are at most 30, or nothing."""
    close = difflib.get_close_matches(str(word), list(map(str, known)), n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(map(str, known))}." if 0 < len(known) <= 30 else ""


def show(value: object, limit: int = 80) -> str:
    """``value`` and its type for the part "found" of an error, such as ``'x' (a string)``."""
    if value is None:
        return "nothing"
    text = repr(value)
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return f"{text} ({_KINDS.get(type(value), type(value).__name__)})"
