"""A machine that reads pickles and runs nothing.

Python's own unpickler imports and calls what the file names; guarding it leaves many doors (memo indices that
allocate gigabytes, extension codes, ``__setstate__``). A weights file has only some ten thousand opcodes, most of
its bytes being tensors, so a machine of our own costs little, copies no tensor, and can only ever build dicts,
lists, tuples, sets, numbers, texts, bytes and arrays. Names go to ``symbols.lookup``.

Bounds: every length is checked against the bytes that are left, integers have at most 16 bytes, keys are texts or
small numbers (no crafted hash collisions), and copies made on the file's behalf are charged to a budget of a few
times its size.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import Any

from paddle_transfer.weights.allowed_globals import Array, Dtype, Malformed, Refused, Symbol, lookup

MAX_OPCODES = 2_000_000


class Truncated(Malformed):
    """The file ends before the pickle does."""


class Machine:
    """Runs one pickle, ``data`` (protocols 0 to 5). ``run`` gives the object and where the pickle ended."""

    def __init__(self, data: bytes):
        self.data = data
        self.view = memoryview(data)
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.budget = 4 * len(data) + (1 << 20)

    def run(self) -> tuple[Any, int]:
        """Raises Refused, Truncated and Malformed, and nothing else."""
        try:
            for _ in range(MAX_OPCODES):
                code = self.take(1)[0]
                if code == 0x2E:  # STOP
                    if len(self.stack) != 1 or self.marks:
                        raise Malformed("something is left over at its end")
                    return self.stack.pop(), self.at
                step = _STEPS.get(code)
                if step is None:
                    raise Malformed(f"no pickle has the opcode 0x{code:02x}")
                step(self)
            raise Malformed(f"more than {MAX_OPCODES:,} steps")
        except (Refused, Malformed):
            raise
        except (IndexError, KeyError, TypeError, ValueError, OverflowError, struct.error,
                MemoryError) as error:
            raise Malformed(f"{type(error).__name__}: {error}"[:200]) from None

    # what the steps are made of

    def take(self, count: int) -> memoryview:
        """The next ``count`` bytes, as a view."""
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise Truncated(f"{count:,} bytes are promised at byte {self.at:,}, but only "
                            f"{len(self.data) - self.at:,} are left")
        piece = self.view[self.at:end]
        self.at = end
        return piece

    def number(self, form: str) -> int:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self, limit: int) -> bytes:
        end = self.data.find(b"\n", self.at, self.at + limit + 1)
        if end < 0:
            if len(self.data) - self.at <= limit:
                raise Truncated("a line has no end")
            raise Malformed("a line has no end")
        piece = self.data[self.at:end]
        self.at = end + 1
        return piece

    def charge(self, count: int) -> None:
        """Count ``count`` copied bytes; Malformed when a file makes us copy many times its own size."""
        self.budget -= count
        if self.budget < 0:
            raise Malformed("it unfolds to many times its own size")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise Malformed("the stack is empty")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def check_key(self, key: Any) -> Any:
        if isinstance(key, str) or key is None or (isinstance(key,
                                                              (int, float)) and abs(key) < 2 ** 60):
            return key
        raise Malformed(f"a {type(key).__name__} as a key")

    def fill(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(pairs) % 2:
            raise Malformed("pairs for something that is no mapping")
        for i in range(0, len(pairs), 2):
            target[self.check_key(pairs[i])] = pairs[i + 1]

    def extend(self, items: list[Any], kind: type) -> None:
        target = self.stack[-1]
        if type(target) is not kind:
            raise Malformed(f"items for something that is no {kind.__name__}")
        if kind is set:
            target.update(self.check_key(item) for item in items)
        else:
            target.extend(items)

    def call(self, function: Any, args: Any) -> None:
        if not isinstance(function, Symbol) or not isinstance(args, tuple):
            raise Malformed("a call of something that is no name")
        if function.make is None:
            raise Refused(f"a call of {function.name}")
        self.push(function.make(self, args))

    def build(self) -> None:
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, (Array, Dtype)):
            target.build(self, state)
        elif state not in (None, {}):
            raise Refused(f"__setstate__ of {type(target).__name__}")

    def text(self, count: int) -> None:
        self.push(str(self.take(count), "utf-8", "surrogatepass"))

    def latin(self, count: int) -> None:
        self.charge(count)
        self.push(str(self.take(count), "latin-1"))

    def integer(self, count: int) -> None:
        if not 0 <= count <= 16:
            raise Malformed(f"an integer of {count:,} bytes")
        self.push(int.from_bytes(self.take(count), "little", signed=True))

    def quoted(self) -> None:
        raw = self.line(1 << 34)
        if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
            raise Malformed("a text without quotes")
        self.charge(len(raw))
        self.push(codecs.escape_decode(raw[1:-1])[0].decode("latin-1"))

    def decimal(self) -> None:
        raw = self.line(40).rstrip(b"L")
        self.push({b"00": False, b"01": True}.get(raw, int(raw)))

    def remember(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def named(self) -> None:
        module, name = self.line(1000), self.line(1000)
        self.push(lookup(module.decode("utf-8", "replace"), name.decode("utf-8", "replace")))

    def stacked_name(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(lookup(module, name))

    def instance(self) -> None:
        self.named()
        function = self.pop()
        self.call(function, tuple(self.pop_mark()))

    def object(self) -> None:
        items = self.pop_mark()
        self.call(items[0], tuple(items[1:]))

    def reduce(self) -> None:
        args, function = self.pop(), self.pop()
        self.call(function, args)

    def reduce_ex(self) -> None:
        keywords, args, function = self.pop(), self.pop(), self.pop()
        if keywords != {}:
            raise Malformed("a call with keywords")
        self.call(function, args)

    def last(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def drop(self) -> None:
        if self.marks and len(self.stack) == self.marks[-1]:
            self.marks.pop()
        else:
            self.stack.pop()

    def pairs_of_mark(self) -> None:
        items = self.pop_mark()
        self.push({})
        self.fill(items)

    def set_of_mark(self) -> None:
        items = self.pop_mark()
        self.push(frozenset(self.check_key(item) for item in items))


def _two(machine: Machine) -> list[Any]:
    value, key = machine.pop(), machine.pop()
    return [key, value]


def _refuse(what: str, form: str = "") -> Callable[[Machine], None]:
    def step(machine: Machine) -> None:
        raise Refused(f"{what} {machine.number(form)}" if form else what)
    return step


def _persistent(machine: Machine) -> None:
    raise Refused(f"the persistent id {machine.line(1000).decode('utf-8', 'replace')}"[:200])


def _protocol(machine: Machine) -> None:
    version = machine.number("<B")
    if version > 5:
        raise Malformed(f"pickle protocol {version}")


def _frame(machine: Machine) -> None:
    size = machine.number("<Q")
    if size > len(machine.data) - machine.at:
        raise Truncated(
            f"a frame of {size:,} bytes is promised, but only {len(machine.data) - machine.at:,} are left"
        )


_STEPS: dict[int, Callable[[Machine], None]] = {ord(code): step for code, step in {
    "\x80": _protocol,
    "\x95": _frame,
    "(": lambda m: m.marks.append(len(m.stack)),
    "0": Machine.drop,
    "1": lambda m: m.pop_mark(),
    "2": lambda m: m.push(m.stack[-1]),
    "N": lambda m: m.push(None),
    "\x88": lambda m: m.push(True),
    "\x89": lambda m: m.push(False),
    "I": Machine.decimal,
    "L": Machine.decimal,
    "J": lambda m: m.push(m.number("<i")),
    "K": lambda m: m.push(m.number("<B")),
    "M": lambda m: m.push(m.number("<H")),
    "\x8a": lambda m: m.integer(m.number("<B")),
    "\x8b": lambda m: m.integer(m.number("<i")),
    "F": lambda m: m.push(float(m.line(64))),
    "G": lambda m: m.push(m.number(">d")),
    "S": Machine.quoted,
    "T": lambda m: m.latin(m.number("<i")),
    "U": lambda m: m.latin(m.number("<B")),
    "B": lambda m: m.push(m.take(m.number("<I"))),
    "C": lambda m: m.push(m.take(m.number("<B"))),
    "\x8e": lambda m: m.push(m.take(m.number("<Q"))),
    "\x96": lambda m: m.push(m.take(m.number("<Q"))),
    "V": lambda m: m.push(m.line(1 << 34).decode("raw-unicode-escape")),
    "X": lambda m: m.text(m.number("<I")),
    "\x8c": lambda m: m.text(m.number("<B")),
    "\x8d": lambda m: m.text(m.number("<Q")),
    "]": lambda m: m.push([]),
    "a": lambda m: m.extend([m.pop()], list),
    "e": lambda m: m.extend(m.pop_mark(), list),
    "l": lambda m: m.push(m.pop_mark()),
    ")": lambda m: m.push(()),
    "t": lambda m: m.push(tuple(m.pop_mark())),
    "\x85": lambda m: m.last(1),
    "\x86": lambda m: m.last(2),
    "\x87": lambda m: m.last(3),
    "}": lambda m: m.push({}),
    "d": Machine.pairs_of_mark,
    "s": lambda m: m.fill(_two(m)),
    "u": lambda m: m.fill(m.pop_mark()),
    "\x8f": lambda m: m.push(set()),
    "\x90": lambda m: m.extend(m.pop_mark(), set),
    "\x91": Machine.set_of_mark,
    "c": Machine.named,
    "\x93": Machine.stacked_name,
    "i": Machine.instance,
    "o": Machine.object,
    "R": Machine.reduce,
    "\x81": Machine.reduce,
    "\x92": Machine.reduce_ex,
    "b": Machine.build,
    "p": lambda m: m.remember(int(m.line(20))),
    "q": lambda m: m.remember(m.number("<B")),
    "r": lambda m: m.remember(m.number("<I")),
    "\x94": lambda m: m.remember(len(m.memo)),
    "g": lambda m: m.push(m.memo[int(m.line(20))]),
    "h": lambda m: m.push(m.memo[m.number("<B")]),
    "j": lambda m: m.push(m.memo[m.number("<I")]),
    "P": _persistent,
    "Q": _refuse("a persistent id"),
    "\x82": _refuse("copyreg extension", "<B"),
    "\x83": _refuse("copyreg extension", "<H"),
    "\x84": _refuse("copyreg extension", "<i"),
    "\x97": _refuse("an out-of-band buffer"),
    "\x98": _refuse("an out-of-band buffer"),
}.items()}
