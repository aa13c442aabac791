import io
import os
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from paddle_transfer.datasets.archives import md5_of, obtain
from paddle_transfer.datasets.base import Archive, PrepareOptions
from paddle_transfer.datasets.extract import extract
from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.errors import DataError
from tests.helpers.datasets import build, tar, zipped


def member(path, name, **fields):
    with tarfile.open(path, "w:gz") as bundle:
        info = tarfile.TarInfo(name)
        for key, value in fields.items():
            setattr(info, key, value)
        info.size = 4 if info.isreg() else 0
        bundle.addfile(info, io.BytesIO(b"evil") if info.isreg() else None)


@pytest.mark.parametrize(
    "name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "a\\..\\..\\out.txt", "c:/out.txt"])
def test_paths_that_lead_out_are_refused_before_anything_is_written(tmp_path, name):
    archive = tmp_path / "a.tgz"
    with tarfile.open(archive, "w:gz") as bundle:
        for each in ("good.txt", name):
            info = tarfile.TarInfo(each)
            info.size = 4
            bundle.addfile(info, io.BytesIO(b"data"))
    with pytest.raises(DataError, match="leads out of the folder"):
        extract(archive, tmp_path / "into")
    assert not (tmp_path / "into").exists()
    assert not (tmp_path / "out.txt").exists()
    zipped(tmp_path / "a.zip", {"good.txt": b"data", name: b"data"})
    with pytest.raises(DataError, match="leads out of the folder"):
        extract(tmp_path / "a.zip", tmp_path / "into")
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(("kind", "word"), [(tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "link"),
                                        (tarfile.CHRTYPE, "device"), (tarfile.FIFOTYPE, "device")])
def test_links_and_devices_are_refused(tmp_path, kind, word):
    member(tmp_path / "a.tgz", "x", type=kind, linkname="/etc/passwd")
    with pytest.raises(DataError, match=f"'x' is a {word}"):
        extract(tmp_path / "a.tgz", tmp_path / "into")


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        info = zipfile.ZipInfo("x")
        info.external_attr = 0o120777 << 16
        bundle.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="'x' is a link"):
        extract(tmp_path / "a.zip", tmp_path / "into")


def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path):
    tar(tmp_path / "a.tgz", {"x.txt": b"new"})
    outside = tmp_path / "outside.txt"
    outside.write_text("old")
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "x.txt").symlink_to(outside)
    extract(tmp_path / "a.tgz", tmp_path / "into")
    assert outside.read_text() == "old"
    assert (tmp_path / "into" / "x.txt").read_text() == "new"


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_torn_archive_is_named(tmp_path, cut):
    tar(tmp_path / "a.tgz", {"x": os.urandom(5000)})
    data = (tmp_path / "a.tgz").read_bytes()
    (tmp_path / "a.tgz").write_bytes(data[:cut])
    with pytest.raises(DataError, match=r"a\.tgz: cannot be extracted"):
        extract(tmp_path / "a.tgz", tmp_path / "into")


def test_a_full_disk_is_seen_before_it_is_full(tmp_path, monkeypatch):
    import collections
    import shutil

    tar(tmp_path / "a.tgz", {"x": b"0" * 1000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: collections.namedtuple("u", "free")(999))
    with pytest.raises(DataError, match=r"needs 0\.0 GiB"):
        extract(tmp_path / "a.tgz", tmp_path / "into")


def test_all_missing_files_are_named_at_once_with_md5_and_address(tmp_path):
    with pytest.raises(DataError) as caught:
        obtain(DATASETS["oxford_102_flowers"], tmp_path, PrepareOptions())
    text = str(caught.value)
    for archive in DATASETS["oxford_102_flowers"].archives:
        assert f"{archive.file} (md5 {archive.md5}): {archive.url}" in text
    assert "--download" in text


def test_dead_addresses_are_said_so_even_with_download(tmp_path):
    with pytest.raises(
            DataError,
            match=r"(?s)cars_train.tgz.*no working address.*addresses of Stanford Cars are dead"):
        obtain(DATASETS["stanford_cars"], tmp_path, PrepareOptions(download=True))


def test_a_wrong_md5_is_refused_and_unverified_takes_it(tmp_path):
    build("dtd", tmp_path)
    with pytest.raises(DataError, match="md5 should be fff73e5086ae6bdbea199a49dfb8a4c1, but is "):
        obtain(DATASETS["dtd"], tmp_path, PrepareOptions())
    assert not (tmp_path / "dtd").exists()
    result = obtain(DATASETS["dtd"], tmp_path, PrepareOptions(unverified=True))
    assert not result.official
    assert (tmp_path / "dtd" / "images").is_dir()


def test_archives_are_extracted_once_and_again_when_folders_are_gone(tmp_path):
    import shutil

    build("dtd", tmp_path)
    logged = []
    for _ in range(2):
        obtain(DATASETS["dtd"], tmp_path, PrepareOptions(unverified=True), log=logged.append)
    assert logged == ["extracting dtd-r1.0.1.tar.gz"]
    shutil.rmtree(tmp_path / "dtd")
    obtain(DATASETS["dtd"], tmp_path, PrepareOptions(unverified=True), log=logged.append)
    assert len(logged) == 2
    assert (tmp_path / "dtd" / "images").is_dir()


def test_extracted_files_without_archives_are_taken_as_they_are(tmp_path):
    build("dtd", tmp_path)
    obtain(DATASETS["dtd"], tmp_path, PrepareOptions(unverified=True))
    (tmp_path / "dtd-r1.0.1.tar.gz").unlink()
    result = obtain(DATASETS["dtd"], tmp_path, PrepareOptions())
    assert "not there to be verified" in result.notes[0]


@pytest.mark.parametrize("unverified", [False, True])
def test_download_hands_address_and_md5_on_but_for_unverified(tmp_path, unverified):
    source = tmp_path / "source"
    build("dtd", source)
    dataset, calls = DATASETS["dtd"], []
    archive = replace(dataset.archives[0], md5=md5_of(source / "dtd-r1.0.1.tar.gz"))

    def fetch(url, path, md5):
        calls.append((url, os.path.basename(path), md5))
        os.link(source / "dtd-r1.0.1.tar.gz", path)

    root = tmp_path / "root"
    root.mkdir()
    obtain(replace(dataset, archives=(archive,)), root,
           PrepareOptions(download=True, unverified=unverified), fetch=fetch)
    assert calls == [(archive.url, archive.file, "" if unverified else archive.md5)]


def test_an_archive_damaged_in_the_middle_is_to_be_fetched_again_but_a_full_target_is_not(tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("a.txt", os.urandom(100).hex() * 50)
    data = bytearray(file.read_bytes())
    data[60:90] = bytes(30)
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be extracted.*Fetch it again"):
        extract(file, tmp_path / "out")
    good, target = tmp_path / "b.zip", tmp_path / "taken"
    with zipfile.ZipFile(good, "w") as bundle:
        bundle.writestr("x/a.txt", "a")
    target.mkdir()
    (target / "x").write_text("a file where a folder should be")
    with pytest.raises(DataError) as caught:
        extract(good, target)
    assert "Fetch it again" not in str(caught.value)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_download_over_http_checks_the_md5(tmp_path, server, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder, address = server
    build("dtd", folder)
    file = folder / "dtd-r1.0.1.tar.gz"
    root = tmp_path / "root"
    root.mkdir()
    for md5 in ("0" * 32, md5_of(file)):
        dataset = replace(DATASETS["dtd"], archives=(Archive(file.name, md5,
                                                             f"{address}/{file.name}"), ))
        if md5.startswith("0000"):
            with pytest.raises(Exception, match=f"md5 should be {md5}"):
                obtain(dataset, root, PrepareOptions(download=True))
            assert not (root / file.name).exists()
        else:
            assert obtain(dataset, root, PrepareOptions(download=True)).official
