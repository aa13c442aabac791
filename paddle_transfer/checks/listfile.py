"""PaddleClas's list files, one ``path label`` a line: reading with all faults, and writing.

A list is read line by line: one of ``LINE_BYTES`` at most is in memory beside what is kept of
those before it, a ``Row`` each and their paths (equal ones once).
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from paddle_transfer.checks.findings import Report
from paddle_transfer.config.load import UTF_16, write_atomic
from paddle_transfer.files import open_file

Entry = tuple[str, int]  # path below the root with forward slashes, 0-based label

DELIMITER_NAMES = {" ": "a space", "\t": "a tab", ",": "a comma", ";": "a semicolon"}
#: A label is a number of 64 bits; a longer one is none.
NUMBER = re.compile(r"[+-]?\d{1,18}$", re.ASCII)
#: The longest line that is read, several times as long as a path may be.
LINE_BYTES = 2**16
#: What a line must look like.
EXAMPLE = "Write one image a line, its path and its number, such as 'images/cat.jpg 0'."


@dataclass(slots=True)
class Row:
    """One usable line: ``path`` as written, ``label`` None if it is not a number."""

    line: int
    path: str
    label: int | None


def write_list(path: Path, entries: Iterable[Entry], *, delimiter: str = " ") -> None:
    """Write ``entries`` as a list file, atomically."""
    write_atomic(str(path), list_text(entries, delimiter=delimiter))


def list_text(entries: Iterable[Entry], *, delimiter: str = " ") -> str:
    """The content of a list file."""
    return "".join(f"{name}{delimiter}{label}\n" for name, label in entries)


def delimiter_for(entries: Iterable[Entry]) -> str:
    """A space as in PaddleClas; a tab if any path holds a space."""
    return "\t" if any(" " in path for path, _ in entries) else " "


def read_list(file: str, *, delimiter: str, report: Report, labelled: bool = True) -> list[Row]:
    """Read a list as ``ImageNetDataset`` does; lines that would break it are added to ``report``.

    Lines with another delimiter are understood, so that their images and labels are checked too.

    :param labelled: False: a line may be a path alone, and what follows it is not read
    """
    reader = _Reader(file, delimiter, report, labelled)
    try:
        with open_file(file) as stream:
            found = (reader.row(raw, i) for i, raw in enumerate(reader.lines(stream), 1))
            rows = [row for row in found if row is not None]
    except OSError as error:
        report.add("list-missing", file, 0, f"the list cannot be read: {error.strerror}",
                   hint="Paths are relative to the folder the command is started in.")
        return []
    reader.report_delimiters(total=len(rows))
    if not rows and not reader.unreadable:
        report.add("list-empty", file, 0, "the list names no image", hint=EXAMPLE)
    return rows


class _Reader:
    """Reads the lines of one list; ``other_delimiters[d]`` are the lines delimited by ``d``."""

    def __init__(self, file: str, delimiter: str, report: Report, labelled: bool):
        self.file, self.delimiter, self.report = file, delimiter, report
        self._labelled = labelled
        self.other_delimiters: dict[str, list[int]] = defaultdict(list)
        self.unreadable = False

    def lines(self, stream: BinaryIO) -> Iterator[bytes]:
        """The lines of a list, without their ends, up to the first that is none of a list."""
        for number, raw in enumerate(iter(lambda: stream.readline(LINE_BYTES + 1), b""), 1):
            if number == 1 and raw[:2] in UTF_16:
                self._stop(1, "not-utf8", "the list is UTF-16, which PaddleClas does not read",
                           "Save it as UTF-8 without BOM.")
                return
            if number == 1 and raw.startswith(b"\xef\xbb\xbf"):
                self.report.add("byte-order-mark", self.file, 1, "the list starts with a byte "
                                "order mark (BOM), which becomes part of the first path",
                                hint="Save it as UTF-8 without BOM.")
                raw = raw[3:]
            if len(raw) > LINE_BYTES:
                ends = " (carriage returns alone end no line)" if b"\r" in raw else ""
                self._stop(number, "line-too-long", f"the line has more than {LINE_BYTES} bytes"
                           f"{ends}; the list is not read on from here", EXAMPLE)
                return
            yield raw.removesuffix(b"\n")

    def _stop(self, line: int, kind: str, message: str, hint: str) -> None:
        self.unreadable = True
        self.report.add(kind, self.file, line, message, hint=hint)

    def row(self, raw: bytes, line: int) -> Row | None:
        """The row of one line; None for a blank one."""
        try:
            text = raw.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            self.report.add("not-utf8", self.file, line, f"byte {raw[error.start]:#04x} is not "
                            "UTF-8", hint="Save it as UTF-8.")
            text = raw.decode("latin1").strip()
        if not text:
            self.report.add("blank-line", self.file, line, "a blank line stops PaddleClas from "
                            "reading the list", hint="Delete it.")
            return None
        if "\0" in text or "\r" in text:
            self.report.add("control-character", self.file, line,
                            f"a line holds no control characters, but got {text!r}",
                            hint="End lines with a line feed, and take them out of names.")
            return None
        parts = text.split(self.delimiter)
        if not self._labelled:
            return Row(line, sys.intern(parts[0]), None)
        if len(parts) < 2 or not NUMBER.match(parts[1]):
            return self._other_row(text, parts, line)
        if len(parts) > 2:
            self.report.add("extra-columns", self.file, line, "PaddleClas ignores what follows the "
                            f"label: {self.delimiter.join(parts[2:])!r}", error=False,
                            hint="Write a path and a number, nothing else.")
        return Row(line, sys.intern(parts[0]), int(parts[1]))

    def _other_row(self, text: str, parts: list[str], line: int) -> Row:
        """A line that is not ``path label``: by the first delimiter that has a label behind it."""
        for other in DELIMITER_NAMES:
            path, found, label = text.rpartition(other)
            if found and NUMBER.match(label.strip()) and path.strip():
                self._report_path(path, other, line)
                return Row(line, path.strip(), int(label))
        if len(parts) < 2:
            self.report.add("label-missing", self.file, line,
                            f"a line should read 'path{self.delimiter}label', but got {text!r}",
                            hint=EXAMPLE)
            return Row(line, text, None)
        self.report.add("label-not-a-number", self.file, line,
                        f"a label should be a whole number, but got {parts[1]!r}",
                        hint="Labels are 0-based numbers; names belong into label_list.txt.")
        return Row(line, parts[0], None)

    def _report_path(self, path: str, delimiter: str, line: int) -> None:
        name = DELIMITER_NAMES[delimiter]
        if delimiter != self.delimiter:
            self.other_delimiters[delimiter].append(line)
        elif path.endswith(delimiter):
            self.report.add("doubled-delimiter", self.file, line,
                            f"more than one of {name} before the label", hint="Keep one.")
        else:
            kind = "space-in-name" if delimiter == " " else "delimiter-in-name"
            self.report.add(kind, self.file, line,
                            f"the path {path!r} holds the delimiter ({name})",
                            hint="Rename the file, or write the list with a tab and set "
                            'delimiter: "\\t" in the config.')

    def report_delimiters(self, *, total: int) -> None:
        """Report other delimiters: once if all ``total`` lines have it, else each line."""
        said = DELIMITER_NAMES.get(self.delimiter, repr(self.delimiter))
        for other, lines in self.other_delimiters.items():
            hint = f"Set delimiter: {other!r} in the config, or rewrite the list.".replace("'", '"')
            message = f"the delimiter is {DELIMITER_NAMES[other]}, but the config says {said}"
            if len(lines) == total and total > 3:
                message, lines = f"{message}; so in all {total} lines", lines[:1]
            for line in lines:
                self.report.add("wrong-delimiter", self.file, line, message, hint=hint)
