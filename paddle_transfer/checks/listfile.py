"""PaddleClas's list files, ``path label`` a line: reading with every fault named, and writing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from paddle_transfer.checks.findings import Report
from paddle_transfer.config.load import write_atomic

Entry = tuple[str, int]  # path below the root with forward slashes, 0-based label

NAMES = {" ": "a space", "\t": "a tab", ",": "a comma", ";": "a semicolon"}
NUMBER = re.compile(r"[+-]?\d+$", re.ASCII)


@dataclass(slots=True)
class Row:
    """One usable line: ``path`` as it stands, ``label`` None when it is not a number."""

    line: int
    path: str
    label: int | None


@dataclass
class ListFile:
    """``rows`` are the lines an image could be found in, the faulty ones included as far as they can be read."""

    file: str
    rows: list[Row] = field(default_factory=list)


def write_list(path: object, entries: Iterable[Entry], *, delimiter: str = " ") -> None:
    """Write ``entries`` as a list file, atomically."""
    write_atomic(str(path), "".join(f"{name}{delimiter}{label}\n" for name, label in entries))


def delimiter_for(entries: Iterable[Entry]) -> str:
    """A space as in PaddleClas; a tab as soon as one path has a space."""
    return "\t" if any(" " in path for path, _ in entries) else " "


def read_list(file: str, *, delimiter: str, report: Report) -> ListFile | None:
    """Read a list as ``ImageNetDataset`` does, and report each line that would break it.

    None when there is nothing to read. Lines with the wrong delimiter are still understood, so that their images
    and labels are checked in the same run.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except OSError as error:
        report.add("list-missing", file, 0, f"the list cannot be read: {error.strerror}",
                   hint="Paths are relative to the folder the command is started in.")
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        report.add(
            "byte-order-mark", file, 1,
            "the list starts with a byte order mark, which becomes part of the "
            "first path", hint="Save it as UTF-8 without BOM.")
        data = data[3:]
    result = ListFile(file)
    wrong: dict[str, list[int]] = {}
    for number, raw in enumerate(
            data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n"), 1):
        row = _row(raw, number, file=file, delimiter=delimiter, report=report, wrong=wrong)
        if row is not None:
            result.rows.append(row)
    for other, lines in wrong.items():
        _report_delimiter(lines, other, total=len(result.rows), delimiter=delimiter, file=file,
                          report=report)
    if not result.rows:
        report.add("list-empty", file, 0, "the list names no image")
        return None
    return result


def _row(raw: bytes, number: int, *, file: str, delimiter: str, report: Report,
         wrong: dict) -> Row | None:
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        report.add("not-utf8", file, number, f"byte {raw[error.start]:#04x} is not UTF-8",
                   hint="Save it as UTF-8.")
        text = raw.decode("latin1").strip()
    if not text:
        report.add("blank-line", file, number,
                   "a blank line stops PaddleClas from reading the list", hint="Delete it.")
        return None
    parts = text.split(delimiter)
    if len(parts) >= 2 and NUMBER.match(parts[1]):
        if len(parts) > 2:
            report.add("extra-columns", file, number, f"PaddleClas ignores what follows the label: "
                       f"{delimiter.join(parts[2:])!r}", error=False)
        return Row(number, parts[0], int(parts[1]))
    return _odd_row(text, parts, number, file=file, delimiter=delimiter, report=report, wrong=wrong)


def _odd_row(text: str, parts: list[str], number: int, *, file: str, delimiter: str, report: Report,
             wrong: dict) -> Row | None:
    for other in NAMES:
        path, found, label = text.rpartition(other)
        if not found or not NUMBER.match(label.strip()) or not path.strip():
            continue
        if other != delimiter:
            wrong.setdefault(other, []).append(number)
        elif path.endswith(delimiter):
            report.add("doubled-delimiter", file, number,
                       f"more than one of {NAMES[other]} before the label", hint="Keep one.")
        else:
            report.add(
                "space-in-name" if other == " " else "delimiter-in-name", file, number,
                f"the path {path!r} holds the delimiter ({NAMES[other]})", hint=
                "Rename the file, or write the list with a tab and set delimiter: \"\\t\" in the config."
            )
        return Row(number, path.strip(), int(label))
    if len(parts) < 2:
        report.add("label-missing", file, number,
                   f"a line should read 'path{delimiter}label', but got {text!r}")
        return Row(number, text, None)
    report.add("label-not-a-number", file, number,
               f"a label should be a whole number, but got {parts[1]!r}",
               hint="Labels are 0-based numbers; names belong into label_list.txt.")
    return Row(number, parts[0], None)


def _report_delimiter(lines: list[int], other: str, *, total: int, delimiter: str, file: str,
                      report: Report) -> None:
    hint = f"Set delimiter: {other!r} in the config, or rewrite the list.".replace("'", '"')
    message = f"the delimiter is {NAMES[other]}, but the config says {NAMES.get(delimiter, repr(delimiter))}"
    if len(lines) == total and total > 3:  # the whole file: once is enough
        report.add("wrong-delimiter", file, lines[0], f"{message}; so in all {total} lines",
                   hint=hint)
        return
    for line in lines:
        report.add("wrong-delimiter", file, line, message, hint=hint)


def read_label_list(file: str) -> dict[int, str]:
    """``label_list.txt``: number, a space, the name. Lines that are not so are left out; OSError is passed on."""
    names = {}
    with open(file, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            number, _, name = line.rstrip("\r\n").partition(" ")
            if NUMBER.match(number):
                names[int(number)] = name
    return names
