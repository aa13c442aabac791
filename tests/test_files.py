"""Only regular files are opened, and a bounded part of them is read."""

import errno
import os
import socket

import pytest

from paddle_transfer.files import claim_temporary, open_file, read_bytes


def pipe(path):
    os.mkfifo(path)
    return path


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as it:
        it.bind(str(path))
    return path


def folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(("make", "words"), [
    (pipe, "is a named pipe, not a file"),
    (bound_socket, "is a socket or a device, not a file"),
    (folder, "Is a directory"),
    (lambda _: "/dev/zero", "is a device, not a file"),
    (lambda _: "/dev/null", "is a device, not a file"),
    (lambda path: path, "No such file"),
    (lambda path: f"{path}\0", "No such file"),
])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch, make, words):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with pytest.raises(OSError, match=words) as caught:
        open_file(make(type(tmp_path)("it")))
    assert words in caught.value.strerror
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=words):
        read_bytes(caught.value.filename, 10)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_is_read_up_to_the_limit(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(file)
    assert read_bytes(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="has 5 bytes or more, but at most 4 are read") as caught:
        read_bytes(file, 4)
    assert caught.value.errno == errno.EFBIG


def test_a_file_without_a_size_is_read_up_to_the_limit():
    # files of /proc are regular, have no size, and may be as long as they like
    assert b"MemTotal" in read_bytes("/proc/meminfo", 1 << 20)
    with pytest.raises(OSError, match="at most 10 are read"):
        read_bytes("/proc/meminfo", 10)


def test_temporary_files_of_dead_writers_are_deleted_and_those_of_living_ones_kept(tmp_path):
    handle, living = claim_temporary(tmp_path / "list.txt")
    dead = tmp_path / ".list.txt.k3j_9x2a.tmp"
    others = [tmp_path / ".list.txt.k3j_9x2a", tmp_path / ".other.txt.k3j_9x2a.tmp"]
    for path in (dead, *others):
        path.touch()
    second, path = claim_temporary(tmp_path / "list.txt")
    os.close(second)
    assert not dead.exists()
    assert os.path.exists(living)
    assert all(one.exists() for one in others)
    os.close(handle)
    os.close(claim_temporary(tmp_path / "list.txt")[0])
    assert not os.path.exists(living)
    assert not os.path.exists(path)
