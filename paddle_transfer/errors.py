"""The error tree, and the one way in which texts of files get into it.

Every error that a user can cause names the place, the rule that was broken, what was found and
what to do. A command line tool ends with the error's ``exit_code``. Whatever an error quotes, its
text is of bounded length and free of control characters.
"""

from __future__ import annotations

import csv
import difflib
import errno
import os
import re
import traceback
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: Characters of a line of an error at most, lines of a text, and mistakes of a list.
LINE, LINES, LISTED = 1000, 400, 40

#: What broken input makes Python and its libraries raise; see ``reading``.
INPUT_FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError,
                EOFError, MemoryError, RecursionError, AssertionError, csv.Error, zlib.error)

#: Categories of characters that a terminal acts on or does not show: controls, formats (marks of
#: direction among them), surrogates, unassigned ones, line and paragraph separators.
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))

_BREAKS = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")

#: A password in an address, ``user:password@host`` or ``?password=...``.
_PASSWORD = re.compile(r"(://[^\s/:@]*):\S*@|([?&](?:password|passwd|sslpassword)=)[^\s&#'\"]*")

#: Where this package lies, and what is in the paths of libraries.
_HERE = os.path.dirname(os.path.abspath(__file__)).replace(os.sep, "/")
_LIBRARIES = ("/site-packages/", "/dist-packages/", "<frozen ",
              os.path.dirname(os.__file__).replace(os.sep, "/") + "/")

_KINDS = {str: "a string", int: "an integer", float: "a number", bool: "a boolean",
          list: "a list", dict: "a mapping"}


def without_passwords(text: str) -> str:
    """``text`` without the passwords of addresses (``postgresql://user:password@host``) in it."""
    return _PASSWORD.sub(lambda found: f"{found[1]}@" if found[2] is None else found[2], text)


def printable(text: object) -> str:
    """``text`` with what a terminal would act on escaped as in a Python literal (``\\x1b``); line
    breaks and tabs stay."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in _UNPRINTABLE
                   else c.encode("unicode_escape").decode() for c in text)


def one_line(text: object, limit: int = LINE) -> str:
    """``text`` as one printable line of at most ``limit`` characters: a longer one is cut in its
    middle."""
    text = _cut(without_passwords(str(text)), 8 * limit)  # a bound on the work as well
    return _cut(printable(_BREAKS.sub(" ", text.strip())).replace("\t", " "), limit)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[:limit - tail - 5]} ... {text[-tail:]}"


def _bounded(text: str) -> str:
    """``text`` in lines that are short and printable, without passwords, and not too many."""
    text = without_passwords(text)
    if len(text) <= LINE and text.isprintable():
        return text
    lines = [_cut(printable(_cut(line, 8 * LINE)), LINE) for line in text.split("\n", 2 * LINES)]
    if len(lines) > LINES:
        lines[LINES - 1:] = ["..."]
    return "\n".join(lines)


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
        where, rule = one_line(self.where, 400), one_line(self.rule, 600)
        text = f"{where}: {rule}" if where else rule
        if self.found:
            text += f"; found {one_line(self.found, 300)}"
        return one_line(f"{text}. {self.hint}" if self.hint else text, LINE - 8)


class PaddleTransferError(Exception):
    """Base class of all errors of this package that are meant for a user."""

    exit_code = 2

    def __str__(self) -> str:
        return _bounded(super().__str__())


class ConfigError(PaddleTransferError):
    """A config or search file has mistakes. The error lists them all, not just the first; its text
    the first ``LISTED``.

    :param file: the file with the mistakes
    :param issues: at least one
    """

    def __init__(self, file: str, issues: Iterable[ValidationIssue]):
        self.file, self.issues = str(file), tuple(issues)
        assert self.issues, "a ConfigError needs at least one mistake"
        count = len(self.issues)
        head = f"{one_line(self.file, 400)}: {count} mistake{'s' if count > 1 else ''}"
        lines = [f"  - {issue}" for issue in self.issues[:LISTED]]
        if count > LISTED:
            lines.append(f"  ... and {count - LISTED} more")
        super().__init__("\n".join([head, *lines]))

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


@contextmanager
def reading(file: object, where: str = "", *, error: type[PaddleTransferError] = ConfigError,
            hint: str = "") -> Iterator[None]:
    """A phase that reads input: whatever goes wrong in it becomes one line that names ``file``.

    For what no rule foresaw. A rule says more, and its PaddleTransferError passes unchanged.

    :param file: what is read: a path, or ``command line``
    :param where: the key in it, if it is known
    :param error: the kind that is raised, from the original: ConfigError, or one that takes a text
    Raises DiskFull where that is the cause.
    """
    try:
        yield
    except INPUT_FAULTS as fault:
        if is_disk_full(fault):
            raise DiskFull(file) from fault
        reason = (fault.strerror if isinstance(fault, OSError) else "") or str(fault)
        issue = ValidationIssue(where, "cannot be read", one_line(
            f"{type(fault).__name__}: {reason}".removesuffix(": "), 300), hint)
        raise (error(str(file), [issue]) if issubclass(error, ConfigError)
               else error(f"{file}: {issue}")) from fault


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` reports a full disk or an exhausted quota."""
    return isinstance(error, DiskFull) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))


def cause(error: BaseException, limit: int = 500) -> str:
    """``error`` in one line, without a full stop at its end, for a fault that nobody foresaw:
    ``AttributeError: 'Cutout' object has no attribute 'length' (ppcls/data/.../cutout.py, line 40,
    in PaddleClas)``.

    The place is the last one outside of libraries, PaddleClas excepted. An error meant
    for the user, and one of the system, which names its file, come without one.
    """
    text = _gist(str(error), limit)
    if not isinstance(error, PaddleTransferError):
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    if isinstance(error, (PaddleTransferError, OSError)) or error.__traceback__ is None:
        return text.rstrip(". ")
    return f"{text.rstrip('. ')} ({_place(error)})"


def _gist(text: str, limit: int) -> str:
    """The part of an error's text that a person reads. Paddle's begin with pages of native calls;
    those that a data worker sends, with its traceback, which ends with the error itself."""
    text = text.rpartition("Error Message Summary:")[2]
    if "Traceback (most recent call last):" in text:
        text = text.strip().rpartition("\n")[2]
    text = re.sub(r"\s*\[Hint: Expected .*|-{4,}", "", text, flags=re.DOTALL)
    return one_line(text, limit)


def _place(error: BaseException) -> str:
    """The innermost frame that is no library's, other than PaddleClas's."""
    frames = [(frame.filename.replace(os.sep, "/"), frame.lineno)
              for frame in traceback.extract_tb(error.__traceback__)]
    for file, line in reversed(frames):
        if "/ppcls/" in file:
            return f"ppcls/{file.rpartition('/ppcls/')[2]}, line {line}, in PaddleClas"
        if file.startswith(_HERE):
            return f"paddle_transfer{file[len(_HERE):]}, line {line}"
        if not any(part in file for part in _LIBRARIES):
            return f"{os.path.basename(file)}, line {line}"
    return f"{os.path.basename(frames[-1][0])}, line {frames[-1][1]}"


def did_you_mean(word: object, known: Sequence[object]) -> str:
    """A hint with the closest known word, or all of them if there are at most 30, or nothing."""
    close = difflib.get_close_matches(str(word)[:200], list(map(str, known)), n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(map(str, known))}." if 0 < len(known) <= 30 else ""


def counted(count: int, noun: str) -> str:
    """``1 point``, ``2 points``: for nouns whose plural has an s."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def show(value: object, limit: int = 80) -> str:
    """``value`` and its type for the part "found" of an error, such as ``'x' (a string)``."""
    if value is None:
        return "nothing"
    try:
        text = repr(value)
    except (ValueError, RecursionError) as error:  # thousands of digits, a list in itself
        text = f"({one_line(error, limit)})"
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return f"{text} ({_KINDS.get(type(value), type(value).__name__)})"
