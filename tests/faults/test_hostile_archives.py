"""Archives and files of data sets that are cut, damaged or hostile."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

from paddle_transfer.datasets import archives, entries
from paddle_transfer.datasets.archives import obtain
from paddle_transfer.datasets.base import Archive, PrepareOptions
from paddle_transfer.datasets.extract import check_whole, extract, take_out
from paddle_transfer.datasets.files import read_json_lists, read_lines
from paddle_transfer.datasets.mat_files import read_mat
from paddle_transfer.datasets.pickles import load_arrays
from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.datasets.voc2012 import read_label
from paddle_transfer.errors import DataError
from paddle_transfer.weights.errors import WeightsError
from tests.helpers.datasets import tar, zipped
from tests.helpers.evil_weights import bombs
from tests.helpers.paddle1 import tar_of
from tests.helpers.weights_server import WeightsServer

FILES = {"a.txt": b"first", "b.txt": b"second"}
TAR = tar_of(FILES)


def put(folder, data, name="a.tar"):
    (folder / name).write_bytes(data)
    return folder / name


def refused(archive, words):
    into = archive.parent / "into"
    for use in (lambda: extract(archive, into), lambda: check_whole(archive)):
        with pytest.raises(DataError, match=words) as caught:
            use()
        assert str(archive) in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not into.exists()


# a part taken for the whole

@pytest.mark.parametrize("packed", [False, True], ids=["tar", "tar.gz"])
def test_a_tar_without_its_end_is_not_extracted(tmp_path, packed):
    for data in (TAR[:1024], TAR[:2048], TAR[:1030],
                 TAR[:1024 + 3] + b"\xff" + TAR[1024 + 4:]):
        refused(put(tmp_path, gzip.compress(data) if packed else data),
                "cannot be extracted .*Fetch it again")
    extract(put(tmp_path, gzip.compress(TAR) if packed else TAR), tmp_path / "good")
    assert sorted(os.listdir(tmp_path / "good")) == ["a.txt", "b.txt"]


def test_a_gzip_that_is_cut_or_has_a_wrong_checksum_is_not_extracted(tmp_path):
    data = gzip.compress(TAR)
    for cut in (data[:-8], data[:-1], data[:-8] + bytes(8), data + b"garbage"):
        refused(put(tmp_path, cut), "cannot be extracted")


def test_a_zip_with_a_wrong_checksum_is_not_whole(tmp_path):
    zipped(tmp_path / "a.zip", FILES)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"first")] ^= 1
    put(tmp_path, data, "a.zip")
    with pytest.raises(DataError, match="Bad CRC-32"):
        check_whole(tmp_path / "a.zip")
    with pytest.raises(DataError, match="Bad CRC-32"):
        extract(tmp_path / "a.zip", tmp_path / "into")
    assert not os.listdir(tmp_path / "into")  # and no temporary file is left


def test_two_files_of_one_name_are_refused(tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "a.tar", "w") as bundle:
        for name in ("x/a", "x/./a"):
            bundle.addfile(tarfile.TarInfo(name))
    refused(tmp_path / "a.tar", "stands there twice")
    zipped(tmp_path / "a.zip", {"x/A": b"1", "x/a": b"2"})
    check_whole(tmp_path / "a.zip")
    monkeypatch.setattr(entries, "_folds_case", lambda _: True)
    refused(tmp_path / "a.zip", "stands there twice")


def test_a_download_without_a_published_md5_must_be_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with WeightsServer({"/a.tar": TAR[:1030], "/page.tgz": b"<html>log in</html>"}) as server:
        for name, words in (("a.tar", "cut short"), ("page.tgz", "cannot be extracted")):
            with pytest.raises(WeightsError, match=words):
                archives.fetch(f"{server.address}/{name}", tmp_path / name, "")
            assert not (tmp_path / name).exists()
        server.files["/a.tar"] = TAR
        archives.fetch(f"{server.address}/a.tar", tmp_path / "a.tar", "")
    assert (tmp_path / "a.tar").read_bytes() == TAR


# small input, unbounded work

def test_bombs_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "SLACK", 1 << 20)
    zeros = bytes(4 << 20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("zeros", zeros)
    refused(tmp_path / "a.zip", "unfolds to more than 100 times its size")
    refused(put(tmp_path, gzip.compress(tar_of({"zeros": zeros}))), "unfolds to more than 100")
    monkeypatch.setattr(entries, "MAX_ENTRIES", 2)
    refused(put(tmp_path, tar_of({str(i): b"" for i in range(3)})), "more than 2 files")


def header(name, kind, size):
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def negative(name, kind):
    data = bytearray(header(name, kind, 0))
    data[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data)


@pytest.mark.parametrize(("data", "words"), [
    (header("x", tarfile.XHDTYPE, 1 << 40) + bytes(2048), "a header of 1,099,511,627,776 bytes"),
    (header("x", tarfile.GNUTYPE_LONGNAME, 1 << 33) + bytes(2048), "a header of 8,589,934,592"),
    (negative("x", tarfile.REGTYPE) + bytes(2048), "negative size"),
    (negative("x", tarfile.XHDTYPE) + bytes(2048), "a header of -1,024 bytes"),
    (header("x", tarfile.XHDTYPE, 0) * 3000 + bytes(1024), "cannot be extracted"),
], ids=["pax", "long name", "negative", "negative pax", "nested"])
def test_headers_that_claim_too_much_are_refused(tmp_path, data, words):
    refused(put(tmp_path, gzip.compress(data)), words)


def test_entries_of_a_zip_that_overlap_or_are_packed_otherwise_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("0", bytes(5000))
        for i in range(1, 10):  # all of them are the first file's bytes
            info = zipfile.ZipInfo(str(i))
            info.CRC, info.compress_size, info.file_size = zlib.crc32(bytes(5000)), 5000, 5000
            info.header_offset = 0
            bundle.filelist.append(info)
    refused(tmp_path / "a.zip", "overlap")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_LZMA) as bundle:
        bundle.writestr("x", b"1")
    refused(tmp_path / "b.zip", "another method than deflate")


def test_pickles_of_a_data_set_are_bounded_as_weights_are(tmp_path):
    for title, data in bombs():
        if len(data) < 1_000_000 and "safetensors" not in title:
            with pytest.raises(DataError):
                load_arrays(put(tmp_path, data, "data_batch_1"))
    data = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1, 2], b"name": b"x"}
    for protocol in range(6):
        found = load_arrays(put(tmp_path, pickle.dumps(data, protocol), "data_batch_1"))
        assert np.array_equal(found.pop(b"data"), data[b"data"])
        assert found == {b"labels": [1, 2], b"name": b"x"}


def test_a_mat_file_that_unfolds_to_gigabytes_is_refused(tmp_path):
    packed = zlib.compress(bytes(20 << 20), 9)
    head = bytes(124) + b"\x00\x01IM"
    bomb = head + struct.pack("<II", 15, len(packed)) + packed
    for data, words in ((bomb, "unfolds to more than 100 times its size"),
                        (head[:60], "should be a .mat file"), (b"", "should be a .mat file")):
        with pytest.raises(DataError, match=words):
            read_mat(put(tmp_path, data, "a.mat"))


# what is no file

def test_a_pipe_is_refused_at_once(tmp_path):
    pipe = tmp_path / "a.tgz"
    os.mkfifo(pipe)
    archive = Archive("a.tgz", "0" * 32, "http://x/a.tgz")
    for use in (lambda: extract(pipe, tmp_path / "into"), lambda: read_lines(pipe),
                lambda: read_json_lists(pipe), lambda: read_mat(pipe), lambda: load_arrays(pipe),
                lambda: read_label(pipe), lambda: take_out(pipe, "x", tmp_path / "x"),
                lambda: obtain(DATASETS["dtd"].__class__(
                    "a", "A", read=None, archives=(archive,), files=("b",)), tmp_path,
                    PrepareOptions())):
        with pytest.raises(DataError, match="is a named pipe, not a file"):
            use()


# raw tracebacks

def test_damaged_archives_are_extracted_or_told_in_a_line(tmp_path):
    zipped(tmp_path / "a.zip", {"x/a.txt": b"hello" * 20, "b": b"1"})
    seeds = [(tmp_path / "a.zip").read_bytes(), TAR[:3072], gzip.compress(TAR)]
    rng, seen = random.Random(0), set()
    for number in range(400):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 2, 4))):
            at = rng.randrange(len(data) - 8)
            data[at:at + rng.randrange(5)] = rng.choice((b"", b"\0", b"\xff" * 4, data[:64]))
        try:
            check_whole(put(tmp_path, data))
            seen.add("whole")
        except DataError as error:
            seen.add("refused" if "\n" not in str(error) else number)
    assert seen == {"whole", "refused"}


def test_an_entry_without_a_name_is_told_in_a_line(tmp_path):
    zipped(tmp_path / "a.zip", {"x": b"1"})
    data = (tmp_path / "a.zip").read_bytes()
    head, tail = data.split(b"PK\x01\x02")
    entry, end = tail.split(b"PK\x05\x06")
    entry = entry[:24] + b"\0\0" + entry[26:42] + entry[43:]  # the length of the name; the name
    end = bytearray(end)
    end[8:12] = struct.pack("<I", 46)
    refused(put(tmp_path, head + b"PK\x01\x02" + entry + b"PK\x05\x06" + end, "a.zip"),
            "cannot be extracted")


def test_a_broken_outer_archive_is_told_in_a_line(tmp_path):
    for data in (b"PK\x03\x04 no zip", b"", b"<html>"):
        with pytest.raises(DataError, match=r"outer\.zip: cannot be extracted"):
            take_out(put(tmp_path, data, "outer.zip"), "x", tmp_path / "x")
    zipped(tmp_path / "outer.zip", {"deep/x": b"1"})
    take_out(tmp_path / "outer.zip", "x", tmp_path / "x")
    with pytest.raises(DataError, match="should hold y, but does not"):
        take_out(tmp_path / "outer.zip", "y", tmp_path / "y")


@pytest.mark.parametrize("data", [
    b"", b"<a>" * 10, b"<a/>" + b"x", b"\xff\xfe", b'<?xml version="1.0" encoding="nonsense"?><a/>',
    b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (c, b"&%c;" % (c - 1) * 10) for c in range(98, 108))
    + b"]><a>&k;</a>", bytes(2 << 20)], ids=["empty", "cut", "trailing", "UTF-16", "encoding",
                                            "entities", "long"])
def test_a_broken_annotation_is_told_in_a_line(tmp_path, data):
    with pytest.raises(DataError, match=r"a\.xml: should"):
        read_label(put(tmp_path, data, "a.xml"))


def test_names_in_archives_are_shown_in_a_printable_line(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as bundle:
        bundle.addfile(tarfile.TarInfo("../\x1b[2J" + "x" * 5000), io.BytesIO())
    with pytest.raises(DataError, match="leads out of the folder") as caught:
        extract(tmp_path / "a.tar", tmp_path / "into")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1100
    tar(tmp_path / "b.tar", {"x" * 300: b"1"})
    with pytest.raises(DataError, match="File name too long"):
        extract(tmp_path / "b.tar", tmp_path / "into")
