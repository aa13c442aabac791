"""List files as people have them: other encodings, delimiters and ends of lines, too much."""

import os
import re
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from paddle_transfer.checks import findings
from paddle_transfer.checks.checker import check_config
from paddle_transfer.checks.findings import KEPT, Report
from paddle_transfer.checks.images import PIXELS, inspect_image
from paddle_transfer.checks.label_list import read_label_list
from paddle_transfer.checks.listfile import LINE_BYTES, read_list
from paddle_transfer.files import open_file
from tests.helpers.configs import base_config
from tests.helpers.datasets import picture


def read(folder, content, delimiter=" "):
    (folder / "list.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    report = Report()
    rows = read_list(str(folder / "list.txt"), delimiter=delimiter, report=report)
    return [(row.path, row.label) for row in rows], report


@pytest.mark.parametrize(("content", "kind", "told"), [
    ("a.jpg 0\n".encode("utf-16"), "not-utf8", "the list is UTF-16.*Save it as UTF-8 without BOM"),
    (b"\xef\xbb\xbfa.jpg 0\n", "byte-order-mark", r"byte order mark \(BOM\)"),
    ("a.jpg " + "1" * 5000, "label-not-a-number", "a label should be a whole number"),
    ("a.jpg 9223372036854775808", "label-not-a-number", "a label should be a whole number"),
    ("a\0.jpg 0", "control-character", r"got 'a\\x00.jpg 0'"),
    ("a.jpg 0\rb.jpg 1\rc.jpg 2", "control-character", "End lines with a line feed"),
    ("x" * (LINE_BYTES + 1), "line-too-long", "has more than 65536 bytes"),
    ("\n", "blank-line", "Delete it"),
    ("", "list-empty", "Write one image a line, its path and its number, such as 'images/cat.jpg"),
    ("a.jpg", "label-missing", "such as 'images/cat.jpg 0'"),
    ("'my cat.jpg' 0", "space-in-name", 'write the list with a tab and set delimiter: "\\\\t"'),
    ("a.jpg\t0", "wrong-delimiter", "the delimiter is a tab, but the config says a space"),
    ("a.jpg 0 # the cat", "extra-columns", "Write a path and a number, nothing else"),
])
def test_a_line_that_is_none_says_what_to_write(tmp_path, content, kind, told):
    _, report = read(tmp_path, content)
    finding = next(finding for finding in report.findings if finding.kind == kind)
    assert finding.line == (0 if kind == "list-empty" else 1)
    assert re.search(told, str(finding))
    assert len(str(finding)) < 1200
    assert str(finding).isprintable()


def test_windows_lines_and_paths_with_spaces_are_read(tmp_path):
    rows, report = read(tmp_path, "my cats/a b.jpg\t0\r\nc.jpg\t1\r\n", delimiter="\t")
    assert rows == [("my cats/a b.jpg", 0), ("c.jpg", 1)]
    assert report.findings == []


def test_a_line_without_end_is_not_read_on(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_bytes(b"a.jpg 0\n" + b"x" * (10 * LINE_BYTES))
    asked = []

    class Stream:
        def __init__(self, stream):
            self.stream = stream

        def readline(self, size):
            asked.append(size)
            return self.stream.readline(size)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

    monkeypatch.setattr("paddle_transfer.checks.listfile.open_file",
                        lambda path: Stream(open_file(path)))
    report = Report()
    rows = read_list(str(tmp_path / "list.txt"), delimiter=" ", report=report)
    assert [row.path for row in rows] == ["a.jpg"]
    assert asked == [LINE_BYTES + 1] * 2
    assert [finding.line for finding in report.errors] == [2]


@pytest.mark.parametrize(("content", "line", "told"), [
    (b"\xef\xbb\xbf0 cat\n1 dog\n", 1, r"byte order mark \(BOM\)"),
    ("0 cat\n1 dog\n".encode("utf-16"), 0, "it is UTF-16"),
    (b"0 cat\n\n1 dog\n", 2, "a blank line"), (b"0 cat\n1\tdog\n", 2, "a tab stands after"),
    (b"cat\ndog\n", 1, "must begin with a number, but reads 'cat'"),
    (b'0 cat\n"1 dog"\n', 2, "a quote stands before the number"),
    (b"0 cat\n0 dog\n", 2, "the number 0 stands on a line before it"),
    (b"0 cat\n1 d\xe4g\n", 2, "byte 0xe4 is not UTF-8"),
    (b"1" * 5000 + b" cat\n", 1, "must begin with a number"),
])
def test_names_of_classes_that_paddleclas_cannot_read_are_named_with_their_line(
        tmp_path, content, line, told):
    (tmp_path / "label_list.txt").write_bytes(content)
    _, faults = read_label_list(str(tmp_path / "label_list.txt"))
    assert faults[0][0] == line
    assert re.search(told, faults[0][1])


def test_names_in_windows_lines_with_spaces_are_read(tmp_path):
    (tmp_path / "names").write_bytes(b"0 big cat\r\n1 \xe7\x8c\xab\r\n")
    assert read_label_list(str(tmp_path / "names")) == ({0: "big cat", 1: "猫"}, [])


def checked(folder, **lists):
    config = base_config(folder)
    for part in ("train", "val"):
        (folder / f"{part}_list.txt").write_text(lists.get(part, "a.jpg 0\n"))
    config["Infer"] = {"PostProcess": {"class_id_map_file": str(folder / "label_list.txt")}}
    return config, check_config(config, processes=1, cache_folder=folder / "cache")


def test_a_list_of_names_says_what_a_line_must_look_like(tmp_path):
    (tmp_path / "label_list.txt").write_bytes(b"\xef\xbb\xbfcat\ndog\n")
    (tmp_path / "a.jpg").write_bytes(picture(1))
    told = [str(finding) for finding in checked(tmp_path)[1].findings
            if finding.kind == "label-list"]
    assert len(told) == 3
    assert "label_list.txt:1: [label-list] PaddleClas shows no class by its name" in told[1]
    assert "BOM" in told[1]
    assert "it names 0 classes, but Arch.class_num is 5: 0 to 4. " in told[0]
    assert all("such as '0 cat'" in text for text in told)


def test_a_pipe_is_no_list_of_names(tmp_path):
    os.mkfifo(tmp_path / "label_list.txt")
    (tmp_path / "a.jpg").write_bytes(picture(1))
    told, = [str(finding) for finding in checked(tmp_path)[1].findings
             if finding.kind == "label-list"]
    assert told.endswith("label_list.txt: [label-list] it cannot be read: is a named pipe, not a "
                         "file")


def test_a_class_count_of_any_size_is_compared_by_arithmetic(tmp_path):
    (tmp_path / "a.jpg").write_bytes(picture(1))
    config, _ = checked(tmp_path)
    config["Arch"]["class_num"] = 10**15
    report = check_config(config, processes=1, cache_folder=tmp_path / "cache")
    assert f"but {10**15 - 1} of these classes have no image at all: 1, 2, 3, " in report.text()


def test_every_finding_says_what_to_do(tmp_path):
    (tmp_path / "a.jpg").write_bytes(picture(1))
    _, report = checked(tmp_path, train="a.jpg 0\na.jpg 0\na.jpg 1\nb.jpg 2\na.jpg -1\na.jpg 9\n",
                        val="a.jpg 0\na.jpg 3\n")
    assert len({finding.kind for finding in report.findings}) >= 8
    assert [finding.kind for finding in report.findings if not finding.hint] == []


def test_what_is_no_file_is_no_image_and_no_list(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket.jpg"))
    names = ("pipe.jpg", "folder.jpg", "socket.jpg", "/dev/zero", "a\x00b.jpg")
    _, report = checked(tmp_path, train="".join(f"{name} 0\n" for name in names))
    told = {finding.line: str(finding) for finding in report.errors
            if finding.file.endswith("train_list.txt")}
    assert list(told) == [1, 2, 3, 4, 5]
    assert "pipe.jpg cannot be read: is a named pipe, not a file" in told[1]
    for name in ("pipe.jpg", "/dev/zero"):
        report = Report()
        assert read_list(str(tmp_path / name), delimiter=" ", report=report) == []
        assert [finding.kind for finding in report.findings] == ["list-missing"]


def test_a_device_is_no_image():
    assert inspect_image("/dev/null").fault == "cannot be read: is a device, not a file"


def test_a_small_file_with_a_huge_picture_is_not_decoded(tmp_path):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(
            ">I", zlib.crc32(name + content))

    side = int((PIXELS + 1) ** 0.5) + 1
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    assert f"is not decoded: it has {side} x {side} px" in inspect_image(
        str(tmp_path / "bomb.png")).fault


def test_findings_beyond_a_bound_are_counted_only(monkeypatch):
    monkeypatch.setattr(findings, "KEPT", 3)
    report = Report()
    for line in range(10):
        report.add("leak", "a", line, "x\n" * 1000)
    assert len(report.findings) == 3
    assert report.as_dict()["errors"] == report.number(error=True) == 10
    assert "... and 8 more of kind [leak] (" in report.text(limit=2)
    assert "... and 7 more of kind [leak]" in report.text(limit=0)
    assert KEPT >= 1000


#: Reads two lists of equal lines with little more memory than before.
MEMORY = """
import resource, sys
from pathlib import Path
from paddle_transfer.checks.checker import check_config
from paddle_transfer.files import open_file
from tests.helpers.configs import base_config
folder, most = Path(sys.argv[1]), int(sys.argv[2])
config = base_config(folder)
check_config(config, processes=1, cache_folder=folder / "cache")
for part in ("train", "val"):
    (folder / f"{part}_list.txt").write_text("a.jpg 0\\n" * int(sys.argv[3]))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + most, used + most))
print(check_config(config, processes=1, cache_folder=folder / "cache").counts["val"]["images"])
"""


def test_a_list_takes_memory_by_its_lines_and_no_more(tmp_path):
    lines = 80_000
    (tmp_path / "a.jpg").write_bytes(picture(1))
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").write_text("a.jpg 0\n")
    done = subprocess.run(  # at most 400 bytes for a line of either list
        [sys.executable, "-c", MEMORY, tmp_path, str(2 * 400 * lines), str(lines)],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False)
    assert done.stdout == f"{lines}\n", done.stderr[-2000:]
