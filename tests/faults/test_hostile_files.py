"""Cut, damaged and hostile files: read whole or refused in one line, within stated bounds."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from paddle_transfer.cli.weights import main
from paddle_transfer.weights import safetensors
from paddle_transfer.weights.errors import NotWeights, WeightsError
from paddle_transfer.weights.read import read, read_all
from tests.helpers.evil_weights import bombs
from tests.helpers.paddle1 import link, tar_of, variable

A, B = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((3, 4), np.float32)
TAR = tar_of({"a": variable(A), "b": variable(B)})
#: Where the second header begins, and where the last tensor ends.
SECOND, END = 1024, 2048


def put(folder, data, name="w.pdparams"):
    (folder / name).write_bytes(data)
    return folder / name


def verified(capsys, *files):
    """What ``verify`` says of files."""
    code = main(["verify", *map(str, files)])
    said = capsys.readouterr()
    assert (code == 0) == (said.err == "")
    assert "Traceback" not in said.err
    return said.out + said.err


# a part taken for the whole

@pytest.mark.parametrize(("data", "words"), [
    (TAR[:1300], "is cut short"),
    (TAR[:SECOND], "no end of the archive"),
    (TAR[:END], "no end of the archive"),
    (TAR[:SECOND + 3] + bytes([TAR[SECOND + 3] ^ 1]) + TAR[SECOND + 4:], "an entry is damaged"),
    (tar_of({"a": link("a"), "b": link("b")}), "'a' is a link"),
    (tar_of({"a": variable(A), "b": link("b", tarfile.LNKTYPE)}), "'b' is a link"),
    (tar_of({"a": variable(A), "x/a": variable(B)}), "'a' stands there twice"),
    (tar_of({".hidden": variable(A)}), "no tensors in it"),
    (TAR + b"garbage" + bytes(505), "something follows the last one"),
    (b"\x02" + bytes(7) + b"{}", "no tensors in it"),
    (b"".join(safetensors.dump({}))[:9], "cut short"),
    (b"".join(safetensors.dump({"a": A}))[:40], "cut short"),
    (b"".join(safetensors.dump({"a": A}))[:-1], "cut short"),
    (pickle.dumps({"a": A}, 2)[:-1], "cut short"),
    (b"\x80\x02}X\x01\0\0\0aK\x01sX\x01\0\0\0aK\x02s.", "a key stands twice"),
], ids=str)
def test_verify_never_calls_a_part_good(tmp_path, capsys, data, words):
    said = verified(capsys, put(tmp_path, data))
    assert words in said
    assert "good" not in said


def test_verify_calls_the_whole_good(tmp_path, capsys):
    assert "good: 2 tensors" in verified(capsys, put(tmp_path, TAR))


@pytest.mark.parametrize("data", [
    TAR, b"".join(safetensors.dump({"a": A, "b": B})), pickle.dumps({"a": A, "b": B}, 2),
    pickle.dumps({"a": A, "b": B}, 4)], ids=["tar", "safetensors", "pickle 2", "pickle 4"])
def test_a_file_cut_at_any_byte_is_refused(tmp_path, data):
    step = 11 if data is TAR else 1
    sizes = {*range(0, min(len(data), END + 1200), step), *range(0, len(data), 512)}
    for size in sizes - {*range(END + 1536, len(data), 512)}:
        file = put(tmp_path, data[:size])
        if data is TAR and size in (END + 512, END + 1024):
            # only zeros behind the first block of zeros are missing: nothing is lost with them
            assert list(read(file).tensors) == ["a", "b"]
        else:
            with pytest.raises(NotWeights):
                read(file)


def test_a_flipped_bit_in_a_header_of_a_tar_is_noticed(tmp_path):
    for start in (0, SECOND):
        for at in range(start, start + 512, 5):
            data = bytearray(TAR)
            data[at] ^= 1 << at % 8
            try:
                tensors = read(put(tmp_path, data)).tensors
            except NotWeights:
                continue
            assert np.array_equal(tensors["a"], A)
            assert np.array_equal(tensors["b"], B)


# small input, unbounded work

BOUNDED = """
import pathlib, resource, sys
from paddle_transfer.cli.weights import main
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.read import read, read_all
used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (640 << 20),) * 2)
for file in sys.argv[1:]:
    for reader in (read, read_all):
        try: reader(file); print("read", file)
        except WeightsError: pass
    main(["convert", "--force", file])
"""


def test_small_files_stay_within_the_stated_memory(tmp_path):
    # nine times the file and half a GiB; nothing is made of any of them
    files = [str(put(tmp_path, data, f"{number}.pdparams"))
             for number, (_, data) in enumerate(bombs()) if len(data) < 1_000_000]
    done = subprocess.run([sys.executable, "-c", BOUNDED, *files], capture_output=True, text=True,
                          timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1",
                                            "OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "memory" not in done.stderr.lower()
    assert done.stderr.count("error: ") == len(files)


def test_ten_thousand_names_of_one_array_are_refused(tmp_path, capsys):
    array = np.zeros(100_000, np.float32)
    file = put(tmp_path, pickle.dumps({f"w{i}": array for i in range(10_000)}, 4))
    assert main(["convert", str(file)]) == 2
    assert "unfolds to more than 4 times its own size" in capsys.readouterr().err
    with pytest.raises(NotWeights, match="4 times its own size"):
        read_all(file)
    assert os.listdir(tmp_path) == [file.name]


@pytest.mark.parametrize(("numbers", "words"), [
    (b"}(" + b"".join(b"J" + i.to_bytes(4, "little") + b"N" for i in range(5000)) + b"u",
     "more than 4,096 numbers as keys"),
    (b"\x8f(" + b"".join(b"J" + i.to_bytes(4, "little") for i in range(5000)) + b"\x90",
     "more than 4,096 numbers as keys"),
    (b"cbuiltins\nset\n](" + b"".join(b"J" + i.to_bytes(4, "little") for i in range(5000))
     + b"e\x85R", "more than 4,096 numbers as keys"),
    (b"N" + b"".join(b"r" + (i << 16).to_bytes(4, "little") for i in range(5000)),
     "the memo's index 65,536"),
    (b"Np-1\n", "the memo's index -1"),
    (b"Nh\xfe", "the memo holds nothing at 254"),
], ids=["mapping", "set", "set by name", "memo", "negative memo", "empty memo"])
def test_numbers_that_could_collide_are_refused(tmp_path, numbers, words):
    state = pickle.dumps({"w": A, "rest": None}, 4)
    assert state.endswith(b"Nu.")
    with pytest.raises(NotWeights, match=words):
        read(put(tmp_path, state.removesuffix(b"Nu.") + numbers + b"u."))


def test_tied_weights_are_read(tmp_path):
    shared = pickle.dumps({"embedding": A, "head": A, "ema": A}, 4)
    assert list(read(put(tmp_path, shared)).tensors) == ["embedding", "head", "ema"]


# what is no file

@pytest.mark.parametrize("command", ["verify", "inspect", "convert", "fetch"])
def test_a_pipe_a_device_and_a_socket_are_refused_at_once(tmp_path, capsys, command):
    os.mkfifo(tmp_path / "pipe")
    for file, words in ((tmp_path / "pipe", "is a named pipe, not a file"),
                        ("/dev/zero", "is a device, not a file"),
                        ("/proc/self/maps", "is an empty file")):
        assert main([command, str(file)]) in (1, 2)
        assert words in capsys.readouterr().err


# raw tracebacks

def test_strange_shapes_and_slices_are_told_in_a_line(tmp_path):
    def sliced(shape, *parts):
        state = {f"w.{i}": np.asarray(part, np.float32) for i, part in enumerate(parts)}
        state["UnpackBigParamInfor@@"] = {"w": {"OriginShape": shape, "slices": list(state)}}
        return pickle.dumps(state, 2)

    def tensors(header):
        return len(header).to_bytes(8, "little") + header

    for data in (
            sliced((), 1.0), sliced((1,), 1.0, 2.0), sliced((-1,), [1.0]), sliced((2, -1), [1, 2]),
            sliced([1.5], [1]), sliced(((1,),), [1]), sliced((1,) * 70, [1]), sliced(None, [1]),
            tensors(b'{"w":{"dtype":"F32","shape":[0,549755813888,549755813888],'
                    b'"data_offsets":[0,0]}}'),
            tensors(b'{"w":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,0]}}'),
            tensors(b'{"w":{"dtype":["F32"],"shape":[true],"data_offsets":[0,1e400]}}'),
            tensors(b'{"__metadata__":[],"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
            tensors(b'{"\xff":1}'), tensors(b"{1}"), tensors(b"[]{")):
        with pytest.raises(WeightsError) as caught:
            read(put(tmp_path, data))
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 1100


# names that a terminal would act on

def test_control_characters_of_names_do_not_reach_the_terminal(tmp_path, capsys):
    name, long = "\x1b]0;owned\x07\x1b[2J\r", "w" * 1_000_000
    file = put(tmp_path, pickle.dumps({name: A, long: A, f"{name}epoch": 1, "\udc80": B}, 4))
    assert main(["inspect", str(file)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\\x1b]0;owned\\x07" in said
    assert max(map(len, said.splitlines())) < 1000
    assert main(["inspect", "--json", str(file)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    for data in (pickle.dumps({name: 1}, 4), b"\x80\x02cos\x1b\nsystem\x1b[2J\n.",
                 b"\x80\x04X\x03\0\0\0a\nbX\x04\0\0\0\x1b[2J\x93.",
                 tar_of({name: b"nothing"}), b"\x80\x02P" + name[:-1].encode() + b"\n."):
        said = verified(capsys, put(tmp_path, data))
        assert len(said.splitlines()) == 1
        assert "\x1b" not in said
        assert "\\x1b" in said
