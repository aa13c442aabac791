from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from paddle_transfer.weights import safetensors
from paddle_transfer.weights.errors import NotWeights
from paddle_transfer.weights.read import read
from paddle_transfer.weights.write import write

STATE = {"b.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array(3, dtype=np.int64),
         "mask": np.array([True]), "none": np.zeros((0, 2), np.float16)}


def made(header, body=b""):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + body


def entry(**changes):
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}


def test_what_is_written_is_read(tmp_path):
    weights = read(write(tmp_path / "w.safetensors", STATE))
    assert weights.kind == "safetensors"
    assert list(weights.tensors) == list(STATE)
    for name, array in STATE.items():
        assert weights.tensors[name].shape == array.shape
        assert weights.tensors[name].dtype == array.dtype
        assert np.array_equal(weights.tensors[name], array)


def test_bfloat16_becomes_float32(tmp_path):
    values = np.array([1.5, -2.0], np.float32)
    file = tmp_path / "w.safetensors"
    file.write_bytes(
        made({"w": entry(dtype="BF16", shape=[2])},
             (values.view("<u4") >> 16).astype("<u2").tobytes()))
    assert read(file).tensors["w"].tolist() == [1.5, -2.0]


def test_metadata_is_no_tensor(tmp_path):
    file = tmp_path / "w.safetensors"
    file.write_bytes(made({"__metadata__": {"format": "pt"}, "w": entry()}, b"\0\0\x80\x3f"))
    assert read(file).tensors["w"].tolist() == [1.0]


@pytest.mark.parametrize(("data", "what"), [
    (made({"w": entry(data_offsets=[0, 8])}, b"12345678"), "does not take 8 bytes"),
    (made({"w": entry(data_offsets=[4, 8])}, b"1234"), "lies at 4..8 of 4 bytes"),
    (made({"w": entry(), "v": entry()}, b"1234"), "overlap"),
    (made({"w": entry(data_offsets=[4, 8])}, b"12345678"), "leave holes"),
    (made({"w": entry()}, b"12345678"), "4 bytes follow"),
    (made({"w": entry(dtype="OBJECT")}, b"1234"), "strange type"),
    (made({"w": entry(shape=[-1])}, b"1234"), "strange type, shape"),
    (made({"w": {}}, b"1234"), "strange entry"),
    (made(b'{"w":1,"w":2}', b"1234"), "twice"),
    (made(b'{"w":', b"1234"), "no JSON"),
])
def test_refuses_damaged_files(tmp_path, data, what):
    file = tmp_path / "w.safetensors"
    file.write_bytes(data)
    with pytest.raises(NotWeights, match=what):
        read(file)


def test_says_what_has_no_type_there():
    with pytest.raises(ValueError, match="w: safetensors has no type for complex64"):
        safetensors.dump({"w": np.zeros(1, np.complex64)})
