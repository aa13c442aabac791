"""Weights are read and nothing is run."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest

from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.read import read
from tests.helpers.evil_weights import bombs, evil_files

STATE = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "bn._mean": np.array([1.5, -2.5], dtype=np.float64),
    "half": np.ones((3, ), np.float16),
    "steps": np.array(7, dtype=np.int64),
    "empty": np.zeros((0, 4), np.float32),
    "mask": np.array([True, False]),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">f4"),
    "complex": np.array([1 + 2j], dtype=np.complex64),
}


def same(got, wanted):
    assert list(got) == list(wanted)
    for name, array in wanted.items():
        assert got[name].shape == array.shape, name
        assert np.array_equal(got[name], array), name
        assert got[name].dtype == array.dtype.newbyteorder("="), name


def put(folder, data, name="weights.pdparams"):
    file = folder / name
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("protocol", range(6))
def test_reads_arrays_of_every_protocol(tmp_path, protocol):
    file = put(tmp_path, pickle.dumps(STATE, protocol))
    weights = read(file, digest=True)
    same(weights.tensors, STATE)
    assert weights.kind == "pdparams"
    assert weights.size == file.stat().st_size
    assert len(weights.sha256) == 64


@pytest.mark.parametrize("protocol", range(6))
def test_reads_the_forms_that_paddle_writes(tmp_path, protocol):
    class Tensor:  # reduce_varbase and reduce_DenseTensor in paddle/framework/io.py
        def __init__(self, data, dense=False):
            self.data, self.dense = data, dense

        def __reduce__(self):
            return (eval, ("data", {"data": self.data})) if self.dense else (tuple, (("name_0",
                                                                                      self.data), ))

    array = STATE["conv.weight"]
    state = collections.OrderedDict([("a", Tensor(array)), ("b", Tensor(array, dense=True)),
                                     ("c", array)])
    state["StructuredToParameterName@@"] = {"a": "name_0"}
    weights = read(put(tmp_path, pickle.dumps(state, protocol)))
    same(weights.tensors, {"a": array, "b": array, "c": array})
    assert weights.others == ()


def test_reads_a_python_2_file(tmp_path):
    # bytes as texts, names of __builtin__: what Paddle 1.x under Python 2 wrote
    raw = np.array([1, 2], np.float32).tobytes()
    data = (
        b"\x80\x02}U\x01wcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85"
        b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08"
        + raw + b"tbs.")
    same(read(put(tmp_path, data)).tensors, {"w": np.array([1, 2], np.float32)})


def test_joins_the_slices_of_big_tensors(tmp_path):
    big = np.arange(10, dtype=np.float32)
    state = {"small": np.ones(2), "w@@.0": big[:6], "w@@.1": big[6:],
             "UnpackBigParamInfor@@": {"w": {"OriginShape": (2, 5), "slices": ["w@@.0", "w@@.1"]}}}
    same(
        read(put(tmp_path, pickle.dumps(state, 2))).tensors,
        {"small": np.ones(2), "w": big.reshape(2, 5)})
    state["UnpackBigParamInfor@@"]["w"]["slices"] = ["w@@.0", "w@@.0"]
    with pytest.raises(NotWeights, match="missing or used twice"):
        read(put(tmp_path, pickle.dumps(state, 2)))


@pytest.mark.parametrize(("slices", "shape"), [
    ([], (2, 5)),
    ([np.arange(10)], (3, 5)),
    ([np.arange(10)], (2**70,)),
    ([np.arange(10)], ("ten",)),
    ([np.arange(6), np.zeros((2, 2), "int64")], (2, 5)),
    ([np.float32(1), np.float32(2)], (2,)),
    ([np.zeros(8, "uint8"), np.zeros(2, "complex128")], (2, 5)),
])
def test_names_slices_that_do_not_join(tmp_path, slices, shape):
    state = {f"w@@.{i}": np.asarray(array) for i, array in enumerate(slices)}
    state["UnpackBigParamInfor@@"] = {"w": {"OriginShape": shape, "slices": list(state)}}
    with pytest.raises(NotWeights, match="the slices of 'w' do not make"):
        read(put(tmp_path, pickle.dumps(state, 2)))


def test_slices_are_not_joined_over_and_over(tmp_path):
    # a tensor that was joined is no slice of the next one: else n tensors cost n copies of all
    array = np.arange(4, dtype=np.float32)
    state = {"a@@.0": array, "b@@.0": array, "UnpackBigParamInfor@@": {
        "a": {"OriginShape": (4,), "slices": ["a@@.0"]},
        "b": {"OriginShape": (8,), "slices": ["a", "b@@.0"]}}}
    with pytest.raises(NotWeights, match="missing or used twice"):
        read(put(tmp_path, pickle.dumps(state, 2)))


@pytest.mark.parametrize(("wrap", "inside", "others"), [
    (lambda state: {"model": state, "epoch": 3, "opt": {"lr": 0.1}}, "model", ("epoch", "opt")),
    (lambda state: [state, "meta"], "0", ()),
    (lambda state: {"state_dict": {"model": state}}, "state_dict.model", ()),
    (lambda state: {**state, "epoch": 3}, "", ("epoch",)),
])
def test_finds_the_tensors_in_checkpoints(tmp_path, wrap, inside, others):
    weights = read(put(tmp_path, pickle.dumps(wrap(dict(STATE)), 4)))
    same(weights.tensors, STATE)
    assert (weights.inside, weights.others) == (inside, others)


def test_reads_a_paddle_1_tar(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    description = b"\x08\x05\x10\x02\x10\x03"
    member = struct.pack("<IQIi", 0, 0, 0, len(description)) + description + array.tobytes()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in (("x/conv1_1_weights", member), ("x/.hidden", b"zz")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    weights = read(put(tmp_path, stream.getvalue()))
    same(weights.tensors, {"conv1_1_weights": array})
    assert weights.kind == "tar"
    cut = stream.getvalue().replace(b"\x10\x02\x10\x03", b"\x10\x02\x10\x04")
    with pytest.raises(NotWeights, match="does not take"):
        read(put(tmp_path, cut))


EVIL = list(evil_files("/nonexistent-mark"))


def test_there_are_enough_evil_files():
    assert len(EVIL) >= 12
    assert len({title for title, _, _ in EVIL}) == len(EVIL)


@pytest.mark.parametrize("number", range(len(EVIL)), ids=[title for title, _, _ in EVIL])
def test_refuses_and_names_what_was_asked_for(tmp_path, number):
    mark = tmp_path / "mark"
    _, data, asked = list(evil_files(str(mark)))[number]
    with pytest.raises(UnsafeWeights) as caught:
        read(put(tmp_path, data))
    assert asked in caught.value.asked
    assert caught.value.asked in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize("title", [f"os.system, protocol {p}" for p in range(6)] + ["INST", "OBJ"])
def test_the_evil_files_are_evil(tmp_path, title):
    # without this a mistake in the recipes would let the test above pass for nothing
    mark = tmp_path / "mark"
    data = {name: data for name, data, _ in evil_files(str(mark))}[title]
    script = "import pickle, sys\ntry: pickle.load(open(sys.argv[1], 'rb'))\nexcept TypeError: pass"
    subprocess.run([sys.executable, "-c", script, str(put(tmp_path, data))], check=True)
    assert mark.exists()


BOMBS = list(bombs())


@pytest.mark.parametrize("number", range(len(BOMBS)), ids=[title for title, _ in BOMBS])
def test_bombs_do_not_go_off(tmp_path, number):
    with pytest.raises(NotWeights):
        read(put(tmp_path, BOMBS[number][1]))


@pytest.mark.parametrize(("data", "what"), [
    (b"", "an empty file"),
    (b"<!DOCTYPE html><html>", "a web page"),
    (b"\n <HTML>login", "a web page"),
    (b'<?xml version="1.0"?><Error><Code>NoSuchKey', "an XML page"),
    (b'{"error": 1}', "a JSON text"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\0" * 5000, "zero bytes"),
    (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
    (b"\x00\x01\x02", "neither a pickle"),
])
def test_names_what_a_file_is(tmp_path, data, what):
    with pytest.raises(NotWeights, match=what):
        read(put(tmp_path, data))


def test_names_a_zip(tmp_path):
    file = tmp_path / "model.pdparams"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    with pytest.raises(NotWeights, match=r"a zip archive .*PyTorch"):
        read(file)


@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("protocol", [2, 4])
def test_names_a_truncated_file(tmp_path, share, protocol):
    data = pickle.dumps({"w": np.zeros(4000, np.float32)}, protocol)
    with pytest.raises(NotWeights, match="cut short"):
        read(put(tmp_path, data[:max(3, int(share * len(data)))]))


def test_refuses_what_follows_the_end(tmp_path):
    with pytest.raises(NotWeights, match="9 bytes follow its end"):
        read(put(tmp_path, pickle.dumps(STATE, 4) + b"trailing!"))


@pytest.mark.parametrize(("thing", "what"), [({}, "no tensors"),
                                             ({"epoch": 3}, "no tensors in it .only epoch"),
                                             ("text", "a str"),
                                             (np.zeros(3), "one tensor without a name")])
def test_says_when_there_are_no_tensors(tmp_path, thing, what):
    with pytest.raises(NotWeights, match=what):
        read(put(tmp_path, pickle.dumps(thing, 4)))


def test_holds_a_file_to_its_hash(tmp_path):
    file = put(tmp_path, pickle.dumps(STATE, 4))
    good = read(file, digest=True).sha256
    assert read(file, sha256=good).sha256 == good
    with pytest.raises(NotWeights, match=f"{'0' * 64} was recorded: the file has changed"):
        read(file, sha256="0" * 64)


def test_says_when_there_is_no_file(tmp_path):
    with pytest.raises(NotWeights, match="No such file"):
        read(tmp_path / "none.pdparams")


FUZZ = """
import pathlib, pickle, random, sys
import numpy as np
from paddle_transfer.weights import safetensors
from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.read import read, read_all
from tests.helpers.paddle1 import tar_of, variable
plain = {f"blocks.{i}.weight": np.arange(40, dtype=np.float32).reshape(8, 5) for i in range(6)}
state = {**plain, "name": {"a": [1, 2.5, None, True], "b": ("x", -3)}}
slices = {"w.0": plain["blocks.0.weight"], "w.1": plain["blocks.1.weight"],
          "UnpackBigParamInfor@@": {"w": {"OriginShape": (16, 5), "slices": ["w.0", "w.1"]}}}
seeds = [*(pickle.dumps(state, p) for p in range(6)), pickle.dumps(slices, 2),
         b"".join(safetensors.dump(plain)), tar_of({n: variable(a) for n, a in plain.items()})]
EXTREMES = b"\\xff" * 8, b"\\0" * 8, b"\\xff\\xff\\xff\\x7f"
file, rng, seen = pathlib.Path(sys.argv[1]) / "f.pdparams", random.Random(int(sys.argv[2])), {}
for number in range(1600):
    seed = rng.choice(seeds)
    data, only_cut = bytearray(seed), rng.random() < 0.2
    for _ in range(1 if only_cut else rng.choice((1, 1, 2, 4, 16))):
        at, kind = rng.randrange(len(data) - 12), rng.randrange(6)
        if only_cut and kind < 3: del data[at:]
        elif only_cut: data += bytes(rng.randrange(256) for _ in range(rng.randrange(1, 999)))
        elif kind == 0: data[at] = rng.randrange(256)
        elif kind == 1: data[at] ^= 1 << rng.randrange(8)
        elif kind == 2: del data[at:at + rng.randrange(1, 9)]
        elif kind == 3: data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
        elif kind == 4: data[at:at + 8] = rng.choice(EXTREMES)
        else: data[at:at] = data[rng.randrange(len(data)):][:64]
    file.write_bytes(data)
    try:
        tensors = read(file).tensors
        outcome = "Weights"
        assert 0 < len(tensors) and sum(a.nbytes for a in tensors.values()) <= 4 * len(data)
        # cut or with something behind it: whole and equal, or refused
        if only_cut: assert seed.startswith(data), number
    except (NotWeights, UnsafeWeights) as error:
        outcome = type(error).__name__
        assert str(file) in str(error) and "\\n" not in str(error) and len(str(error)) < 1100
    try: read_all(file)
    except (NotWeights, UnsafeWeights): pass
    seen[outcome] = seen.get(outcome, 0) + 1
counts = [seen.get(name, 0) for name in ("Weights", "NotWeights", "UnsafeWeights")]
# not ru_maxrss, which begins with that of the process before exec
peak = pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(int(peak) // 1024, *counts)
"""


def test_sixteen_hundred_mutated_files(tmp_path):
    # a child process: a crash or a hang (the time limit) is the child's, and its memory its own
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(tmp_path), "1"], capture_output=True, text=True,
        timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    mebibytes, good, bad, unsafe = map(int, done.stdout.split())
    assert good + bad + unsafe == 1600
    assert min(good, bad, unsafe) > 0
    assert mebibytes < 256
