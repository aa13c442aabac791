"""PaddleClas's list files, one ``path label`` a line: reading with all faults, and writing."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from paddle_transfer.checks.findings import Report
from paddle_transfer.config.load import write_atomic

Entry = tuple[str, int]  # path below the root with forward slashes, 0-based label

DELIMITER_NAMES = {" ": "a space", "\t": "a tab", ",": "a comma", ";": "a semicolon"}
NUMBER = re.compile(r"[+-]?\d+$", re.ASCII)


@dataclass(slots=True)
class Row:
    """One usable line: ``path`` as written, ``label`` None if it is not a number."""

    line: int
    path: str
    label: int | None


def write_list(path: Path, entries: Iterable[Entry], *, delimiter: str = " ") -> None:
    """Write ``entries`` as a list file, atomically."""
    write_atomic(str(path), "".join(f"{name}{delimiter}{label}\n" for name, label in entries))


def delimiter_for(entries: Iterable[Entry]) -> str:
    """A space as in PaddleClas; a tab if any path holds a space."""
    return "\t" if any(" " in path for path, _ in entries) else " "


def read_list(file: str, *, delimiter: str, report: Report) -> list[Row]:
    """Read a list as ``ImageNetDataset`` does; lines that would break it are added to ``report``.

    Lines with another delimiter are understood, so that their images and labels are checked too.
    """
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        report.add("list-missing", file, 0, f"the list cannot be read: {error.strerror}",
                   hint="Paths are relative to the folder the command is started in.")
        return []
    if data.startswith(b"\xef\xbb\xbf"):
        report.add("byte-order-mark", file, 1, "the list starts with a byte order mark, which "
                   "becomes part of the first path", hint="Save it as UTF-8 without BOM.")
        data = data[3:]
    reader = _Reader(file, delimiter, report)
    found = (reader.row(raw, i) for i, raw in enumerate(data.removesuffix(b"\n").split(b"\n"), 1))
    rows = [row for row in found if row is not None]
    reader.report_delimiters(total=len(rows))
    if not rows:
        report.add("list-empty", file, 0, "the list names no image")
    return rows


class _Reader:
    """Reads the lines of one list; ``other_delimiters[d]`` are the lines delimited by ``d``."""

    def __init__(self, file: str, delimiter: str, report: Report):
        self.file, self.delimiter, self.report = file, delimiter, report
        self.other_delimiters: dict[str, list[int]] = defaultdict(list)

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
        parts = text.split(self.delimiter)
        if len(parts) < 2 or not NUMBER.match(parts[1]):
            return self._other_row(text, parts, line)
        if len(parts) > 2:
            self.report.add("extra-columns", self.file, line, "PaddleClas ignores what follows the "
                            f"label: {self.delimiter.join(parts[2:])!r}", error=False)
        return Row(line, parts[0], int(parts[1]))

    def _other_row(self, text: str, parts: list[str], line: int) -> Row:
        """A line that is not ``path label``: by the first delimiter that has a label behind it."""
        for other in DELIMITER_NAMES:
            path, found, label = text.rpartition(other)
            if found and NUMBER.match(label.strip()) and path.strip():
                self._report_path(path, other, line)
                return Row(line, path.strip(), int(label))
        if len(parts) < 2:
            self.report.add("label-missing", self.file, line,
                            f"a line should read 'path{self.delimiter}label', but got {text!r}")
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


def read_label_list(file: str) -> dict[int, str]:
    """The names of ``label_list.txt`` (number, a space, the name) by number; other lines are
    skipped. OSError is passed on."""
    names = {}
    with open(file, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            number, _, name = line.rstrip("\r\n").partition(" ")
            if NUMBER.match(number):
                names[int(number)] = name
    return names
