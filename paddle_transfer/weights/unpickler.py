"""An unpickler that runs nothing; docs/decisions/0001-unpickler.md says why it is our own.

Every length is checked against the bytes that are left, integers have at most 16 bytes, keys are
texts or a few numbers (no crafted hash collisions), tensors are not copied, and what is copied is
charged to a budget of a few times the file's size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from paddle_transfer.weights.allowed_globals import find_global
from paddle_transfer.weights.file_bytes import FileBytes
from paddle_transfer.weights.limits import Malformed, Refused, Truncated
from paddle_transfer.weights.pickle_stack import MAX_NAME, PickleStack

MAX_OPCODES, MAX_PROTOCOL = 2_000_000, 5
STOP = ord(".")

Opcode = Callable[[PickleStack], object]


def unpickle(data: FileBytes) -> object:
    """The one object that ``data`` holds (protocols 0 to 5).

    :raises Refused, Truncated, Malformed: and nothing else
    """
    stack = PickleStack(data)
    try:
        for stack.steps in range(1, MAX_OPCODES + 1):
            code = stack.take(1)[0]
            if code == STOP:
                return _result(stack)
            if code not in _OPCODES:
                raise Malformed(f"no pickle has the opcode 0x{code:02x}")
            _OPCODES[code](stack)
        raise Malformed(f"more than {MAX_OPCODES:,} steps")
    except (Refused, Malformed):
        raise
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, struct.error,
            MemoryError) as error:
        raise Malformed(f"{type(error).__name__}: {error}"[:200]) from None


def _result(stack: PickleStack) -> object:
    if len(stack.items) != 1 or stack.marks:
        raise Malformed("something is left over at its end")
    if stack.at != len(stack.data):
        raise Malformed(f"{len(stack.data) - stack.at:,} bytes follow its end")
    return stack.pop()


def _protocol(stack: PickleStack) -> None:
    version = stack.number("<B")
    if version > MAX_PROTOCOL:
        raise Malformed(f"pickle protocol {version}")


def _frame(stack: PickleStack) -> None:
    size, left = stack.number("<Q"), len(stack.data) - stack.at
    if size > left:
        raise Truncated(f"a frame of {size:,} bytes is promised, but only {left:,} are left")


def _refuse(what: str, argument: Opcode | None = None) -> Opcode:
    def opcode(stack: PickleStack) -> None:
        raise Refused(f"{what} {argument(stack)}"[:200] if argument else what)
    return opcode


_OPCODES: dict[int, Opcode] = {ord(code): opcode for code, opcode in {
    "\x80": _protocol, "\x95": _frame,
    "(": lambda s: s.marks.append(len(s.items)), "1": lambda s: s.pop_mark(),
    "0": PickleStack.pop_any, "2": lambda s: s.push(s.items[-1]),
    # constants and numbers
    "N": lambda s: s.push(None), "\x88": lambda s: s.push(True), "\x89": lambda s: s.push(False),
    "I": lambda s: s.push(s.decimal()), "L": lambda s: s.push(s.decimal()),
    "J": lambda s: s.push(s.number("<i")), "K": lambda s: s.push(s.number("<B")),
    "M": lambda s: s.push(s.number("<H")),
    "\x8a": lambda s: s.push(s.integer(s.number("<B"))),
    "\x8b": lambda s: s.push(s.integer(s.number("<i"))),
    "F": lambda s: s.push(float(s.line(64))), "G": lambda s: s.push(s.number(">d")),
    # texts and bytes
    "S": lambda s: s.push(s.quoted()),
    "T": lambda s: s.push(s.latin1(s.number("<i"))),
    "U": lambda s: s.push(s.latin1(s.number("<B"))),
    "V": lambda s: s.push(s.escaped()),
    "X": lambda s: s.push(s.text(s.number("<I"))), "\x8c": lambda s: s.push(s.text(s.number("<B"))),
    "\x8d": lambda s: s.push(s.text(s.number("<Q"))),
    "B": lambda s: s.push(s.take(s.number("<I"))), "C": lambda s: s.push(s.take(s.number("<B"))),
    "\x8e": lambda s: s.push(s.take(s.number("<Q"))),
    "\x96": lambda s: s.push(s.take(s.number("<Q"))),
    # containers
    "]": lambda s: s.push([]), "l": lambda s: s.push(s.pop_mark()),
    "a": lambda s: s.add_items([s.pop()], list), "e": lambda s: s.add_items(s.pop_mark(), list),
    ")": lambda s: s.push(()), "t": lambda s: s.push(tuple(s.pop_mark())),
    "\x85": lambda s: s.push(s.tuple_of(1)), "\x86": lambda s: s.push(s.tuple_of(2)),
    "\x87": lambda s: s.push(s.tuple_of(3)),
    "}": lambda s: s.push({}), "d": PickleStack.new_dict,
    "s": lambda s: s.set_items([*s.tuple_of(2)]), "u": lambda s: s.set_items(s.pop_mark()),
    "\x8f": lambda s: s.push_set(set), "\x90": lambda s: s.add_items(s.keys(), set),
    "\x91": lambda s: s.push_set(frozenset, s.keys()),
    # globals and calls
    "c": lambda s: s.push(s.global_in_lines()),
    "\x93": lambda s: s.push(find_global(*s.tuple_of(2))),
    "i": lambda s: s.call(s.global_in_lines(), tuple(s.pop_mark())), "o": PickleStack.call_object,
    "R": lambda s: s.call(*s.tuple_of(2)), "\x81": lambda s: s.call(*s.tuple_of(2)),
    "\x92": PickleStack.call_with_keywords, "b": PickleStack.build,
    # memo
    "p": lambda s: s.memoize(int(s.line(20))), "q": lambda s: s.memoize(s.number("<B")),
    "r": lambda s: s.memoize(s.number("<I")), "\x94": lambda s: s.memoize(len(s.memo)),
    "g": lambda s: s.recall(int(s.line(20))), "h": lambda s: s.recall(s.number("<B")),
    "j": lambda s: s.recall(s.number("<I")),
    # what weights have no need of
    "P": _refuse("the persistent id", lambda s: str(s.line(MAX_NAME), "utf-8", "replace")),
    "Q": _refuse("a persistent id"),
    "\x82": _refuse("copyreg extension", lambda s: s.number("<B")),
    "\x83": _refuse("copyreg extension", lambda s: s.number("<H")),
    "\x84": _refuse("copyreg extension", lambda s: s.number("<i")),
    "\x97": _refuse("an out-of-band buffer"), "\x98": _refuse("an out-of-band buffer"),
}.items()}
