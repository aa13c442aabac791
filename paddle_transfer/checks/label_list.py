"""The names of the classes, PaddleClas's ``label_list.txt``: ``number name`` a line.

PaddleClas shows no name at all when it cannot read one of the lines.
"""

from collections.abc import Iterator
from itertools import islice

from paddle_transfer.checks.listfile import LINE_BYTES, NUMBER
from paddle_transfer.config.load import UTF_16
from paddle_transfer.errors import one_line
from paddle_transfer.files import open_file

#: What a line must look like.
EXAMPLE = "Write a number from 0, one space and the name, such as '0 cat'."
#: Lines that are read: no network has so many classes.
LINES = 1_000_000

#: What is wrong with a line: its number (0: the whole file), and the fault in words.
Fault = tuple[int, str]


def read_label_list(file: str) -> tuple[dict[int, str], list[Fault]]:
    """The names by number, and every line that is none. OSError is passed on."""
    names: dict[int, str] = {}
    faults: list[Fault] = []
    for number, raw in enumerate(_lines(file), 1):
        if number == 1 and raw[:2] in UTF_16:
            return {}, [(0, "it is UTF-16. Save it as UTF-8 without BOM")]
        label, name, fault = _read_line(raw, number)
        if not fault and label in names:
            fault = f"the number {label} stands on a line before it already"
        if fault:
            faults.append((number, fault))
        else:
            names[label] = name
    return names, faults


def _lines(file: str) -> Iterator[bytes]:
    with open_file(file) as stream:
        yield from islice(iter(lambda: stream.readline(LINE_BYTES + 1), b""), LINES)


def _read_line(raw: bytes, line: int) -> tuple[int, str, str]:
    """Number, name and fault of a line, as PaddleClas takes it apart."""
    if line == 1 and raw.startswith(b"\xef\xbb\xbf"):
        return 0, "", ("a byte order mark (BOM) stands before the number. Save it as UTF-8 "
                       "without BOM")
    try:
        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        return 0, "", f"byte {raw[error.start]:#04x} is not UTF-8. Save it as UTF-8"
    number, _, name = text.partition(" ")
    if NUMBER.match(number) and number[0] not in "+-":
        return int(number), name, ""
    if not text.strip():
        return 0, "", "a blank line. Delete it"
    if "\t" in number and NUMBER.match(number.partition("\t")[0]):
        return 0, "", "a tab stands after the number. Write one space"
    if text[0] in "\"'":
        return 0, "", f"a quote stands before the number: {one_line(text, 60)!r}. Take it out"
    return 0, "", f"it must begin with a number, but reads {one_line(text, 60)!r}"
