"""Weights files that try to do harm, each in its own way: unpickled, they make the file ``mark``.

For tests of the reader only: bytes are made here, nothing is ever loaded here.
"""

from __future__ import annotations

import builtins
import importlib
import os
import pickle
import runpy
import struct
import subprocess
from collections.abc import Iterator

import numpy as np


class _Reduce:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


class _State(_Reduce):
    def __reduce__(self):
        return (dict, (), self.call)


def _text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def evil_files(mark: str) -> Iterator[tuple[str, bytes, str]]:
    """(title, bytes, a part of what the error must name)."""
    touch, python = f"touch {mark}", f"open({mark!r}, 'w').close()"
    for protocol in range(6):
        for function, argument in ((os.system, touch), (builtins.eval, python)):
            name = {os.system: "system", builtins.eval: "eval"}[function]
            title = f"{'os' if name == 'system' else 'builtins'}.{name}, protocol {protocol}"
            yield title, pickle.dumps({"w": _Reduce(function, argument)}, protocol), name
    yield "builtins.exec", pickle.dumps(_Reduce(builtins.exec, python), 2), "exec"
    popen = _Reduce(subprocess.Popen, ["touch", mark])
    yield "subprocess.Popen", pickle.dumps([popen], 4), "subprocess.Popen"
    yield "runpy", pickle.dumps({"a": {"b": [_Reduce(runpy.run_path, mark)]}}, 4), "run_path"
    module = _Reduce(importlib.import_module, "antigravity")
    yield "importlib", pickle.dumps((module,), 3), "import_module"
    chain = _Reduce(getattr, _Reduce(importlib.import_module, "os"), "system")
    yield "getattr chain", pickle.dumps(chain, 4), "getattr"
    deep = {"w": [((((_Reduce(os.system, touch),),),),)]}
    yield "nested deep in tensors", pickle.dumps(deep, 4), "system"
    disguised = _Reduce(builtins.eval, "data", {"data": 1, "__builtins__": {}})
    yield "eval in Paddle's own form", pickle.dumps({"w": disguised}, 4), "eval"
    yield "object array", pickle.dumps({"w": np.array([_Reduce(os.system, touch)], object)}, 4), ""
    yield from _evil_opcodes(mark, touch, python)


def _evil_opcodes(mark: str, touch: str, python: str) -> Iterator[tuple[str, bytes, str]]:
    """Those that no pickler writes."""
    yield "eval, data beside code", b"c__builtin__\neval\n(" + _text(python) + b"}tR.", "eval"
    yield "INST", b"(" + _text(touch) + b"iposix\nsystem\n.", "posix.system"
    yield "OBJ", b"(cposix\nsystem\n" + _text(touch) + b"o.", "posix.system"
    popen = b"\x80\x02csubprocess\nPopen\n" + _text(touch) + b"\x85\x81."
    yield "NEWOBJ", popen, "subprocess.Popen"
    dotted = _text("numpy") + _text("f2py.os.system") + b"\x93" + _text(touch)
    yield ("STACK_GLOBAL with a dotted name", b"\x80\x04" + dotted + b"\x85R.",
           "numpy.f2py.os.system")
    loaded = _text("numpy") + _text("load") + b"\x93" + _text(mark)
    yield "numpy.load by name", b"\x80\x04" + loaded + b"\x85R.", "numpy.load"
    yield ("torch storage", b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
           "torch._utils._rebuild_tensor_v2")
    yield "copy_reg", b"\x80\x02ccopy_reg\n_reconstructor\n)R.", "copy_reg._reconstructor"
    yield "extension code", b"\x80\x02\x82\x01.", "extension 1"
    yield "persistent id", b"\x80\x02" + _text("x") + b"Q.", "persistent id"
    yield "persistent id in text", b"(Pevil\nl.", "persistent id"
    name = b"\x80\x02}" + _text("w")
    yield "a name left in the mapping", name + b"cos\nsystem\ns.", "os.system"
    yield "eval left in the mapping", name + b"cbuiltins\neval\ns.", "builtins.eval"
    state = _text("__class__") + _text("x")
    yield "setstate of a list", b"\x80\x02]}" + state + b"sb.", "__setstate__"
    yield ("a subclass of ndarray", b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"
           b"cnumpy\nmemmap\nK\x00\x85U\x01b\x87R.", "numpy.memmap")


def bombs() -> Iterator[tuple[str, bytes]]:
    """(title, bytes): small files that promise, or ask for, gigabytes."""
    huge = struct.pack("<Q", 1 << 60)
    yield "a text of 2^60 bytes", b"\x80\x04\x8d" + huge + b"."
    yield "bytes of 2^60 bytes", b"\x80\x04\x8e" + huge + b"."
    yield "a bytearray of 2^60 bytes", b"\x80\x05\x96" + huge + b"."
    yield "a frame of 2^60 bytes", b"\x80\x04\x95" + huge + b"}."
    yield "a text of 4 GiB", b"\x80\x02X\xff\xff\xff\xff."
    yield "an integer of 2 GiB", b"\x80\x02\x8b\xff\xff\xff\x7f."
    yield "a negative length", b"\x80\x02\x8b\xff\xff\xff\xff."
    yield "a negative text", b"\x80\x02T\xff\xff\xff\xff."
    yield "memo index 2^32", b"\x80\x02}r\xff\xff\xff\xffr\xfe\xff\xff\xff."
    array = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    yield "an array of 2^31 doubles, unfilled", array + b"J\xff\xff\xff\x7f\x85U\x01d\x87R."
    yield "an array of 10^12 doubles, filled with 8 bytes", (
        array + b"K\x00\x85U\x01b\x87R(K\x01"
        b"\x8a\x06\x00\x10\xa5\xd4\xe8\x00\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
        b"\x89U\x0812345678tb.")
    # one text of 64 KiB, encoded a thousand times over
    yield "a text copied many times", (b"\x80\x02(c_codecs\nencode\nq\x00X\x00\x00\x01\x00" +
                                       b"x" * 65536 + b"q\x01X\x06\x00\x00\x00latin1q\x02" +
                                       b"h\x00h\x01h\x02\x86R" * 20_000 + b"l.")
    # lists in lists, each twice: 2^40 when walked
    laughs = b"\x80\x02]" + b"".join(b"q" + bytes([i]) + b"]h" + bytes([i]) + b"ah" + bytes([i])
                                     + b"a" for i in range(40)) + b"."
    yield "a billion laughs", laughs
    yield "a list in itself", b"\x80\x02]q\x00h\x00a."
    yield "nested a million times", b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."
    yield "a long decimal", b"L" + b"9" * 1_000_000 + b"L\n."
    yield "steps without end", b"\x80\x02" + b"N0" * 1_500_000 + b"N."
    array = pickle.dumps(np.zeros(1 << 16, np.uint8), 2)[2:-1] + b"q\x32"
    names = [_text(f"w{i}") for i in range(20_000)]
    yield "one array of 64 KiB by 20,000 names", (
        b"\x80\x02" + array + b"0}(" + b"".join(name + b"h\x32" for name in names) + b"u.")
    listed = _text("w") + b"}(" + _text("OriginShape") + b"J\0\0\0\x50\x85" + _text("slices")
    yield "20,000 slices that are one array of 64 KiB", (
        b"\x80\x02" + array + b"0}(" + b"".join(name + b"h\x32" for name in names)
        + _text("UnpackBigParamInfor@@") + b"}" + listed + b"](" + b"".join(names) + b"eusu.")
    numbers = [b"\x8a\x07" + (i << 36).to_bytes(7, "little") for i in range(1, 9000)]
    yield "9,000 numbers as keys", b"\x80\x02}(" + b"N".join(numbers) + b"Nu."
    yield "9,000 numbers in a set", b"\x80\x04\x8f(" + b"".join(numbers) + b"\x90."
    yield "memo indices that collide", b"\x80\x02N" + b"".join(
        b"r" + (i << 16).to_bytes(4, "little") for i in range(1, 9000)) + b"."
    yield "two million sets", b"\x80\x04(" + b"\x8f" * 1_900_000 + b"l."
    # a shape of tuples in tuples, each twice: 2^40 when its text is made for an error
    yield "a shape that unfolds in an error", (
        b"\x80\x02}(" + _text("w@@.0") + array + _text("UnpackBigParamInfor@@") + b"}" + _text("w")
        + b"}(" + _text("slices") + b"](" + _text("w@@.0") + b"e" + _text("OriginShape") + b")"
        + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(12, 52))
        + b"usu.")
    yield "a safetensors header of 2^60 bytes", huge + b"{}"
    yield "a safetensors shape of 2^39", _safetensors(
        '{"w":{"dtype":"F32","shape":[549755813888],"data_offsets":[0,4]}}')
    yield "a safetensors header nested deeply", _safetensors('{"w":' + "[" * 100_000)


def _safetensors(header: str) -> bytes:
    return struct.pack("<Q", len(header)) + header.encode() + b"1234"
