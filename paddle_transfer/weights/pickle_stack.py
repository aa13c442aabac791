"""The stack of an unpickler and the operations that opcodes are made of."""

from __future__ import annotations

import codecs
import struct
from typing import Any

from paddle_transfer.weights.allowed_globals import AllowedGlobal, Array, Dtype, find_global
from paddle_transfer.weights.file_bytes import FileBytes
from paddle_transfer.weights.limits import CopyBudget, Malformed, Refused, Truncated, check_key

MAX_LINE, MAX_NAME, MAX_NUMBER, MAX_INTEGER_BYTES = 1 << 34, 1000, 40, 16


class PickleStack:
    """One pickle while it is read: its bytes and the place in them, the stack with its marks, the
    memo, and the budget of copies."""

    def __init__(self, data: FileBytes):
        self.data = data
        self.view = memoryview(data)
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.budget = CopyBudget(len(data))

    # reading the bytes

    def take(self, count: int) -> memoryview:
        """The next ``count`` bytes, as a view."""
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise Truncated(f"{count:,} bytes are promised at byte {self.at:,}, but only "
                            f"{len(self.data) - self.at:,} are left")
        piece = self.view[self.at:end]
        self.at = end
        return piece

    def number(self, form: str) -> Any:
        """One number of the ``struct`` format ``form``."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self, limit: int) -> bytes:
        """The bytes before the next newline, at most ``limit``."""
        end = self.data.find(b"\n", self.at, self.at + limit + 1)
        if end < 0:
            cut = len(self.data) - self.at <= limit
            raise (Truncated if cut else Malformed)("a line has no end")
        piece = self.data[self.at:end]
        self.at = end + 1
        return piece

    # the stack

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise Malformed("the stack is empty")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """Everything above the last mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def pop_any(self) -> None:
        """The mark when it is on top, else the top item."""
        if self.marks and len(self.stack) == self.marks[-1]:
            self.marks.pop()
        else:
            self.stack.pop()

    def memoize(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    # texts and numbers

    def push_text(self, count: int) -> None:
        self.push(str(self.take(count), "utf-8", "surrogatepass"))

    def push_latin1(self, count: int) -> None:
        self.budget.charge(count)
        self.push(str(self.take(count), "latin-1"))

    def push_quoted(self) -> None:
        raw = self.line(MAX_LINE)
        if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
            raise Malformed("a text without quotes")
        self.budget.charge(len(raw))
        self.push(codecs.escape_decode(raw[1:-1])[0].decode("latin-1"))

    def push_integer(self, count: int) -> None:
        if not 0 <= count <= MAX_INTEGER_BYTES:
            raise Malformed(f"an integer of {count:,} bytes")
        self.push(int.from_bytes(self.take(count), "little", signed=True))

    def push_decimal(self) -> None:
        raw = self.line(MAX_NUMBER).rstrip(b"L")
        self.push({b"00": False, b"01": True}.get(raw, int(raw)))

    # containers

    def push_tuple(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def push_dict(self) -> None:
        items = self.pop_mark()
        self.push({})
        self.set_items(items)

    def push_frozenset(self) -> None:
        self.push(frozenset(map(check_key, self.pop_mark())))

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def set_items(self, pairs: list[Any]) -> None:
        """Put ``pairs`` (key, value, key, value, ...) into the mapping on top."""
        target = self.stack[-1]
        if type(target) is not dict or len(pairs) % 2:
            raise Malformed("pairs for something that is no mapping")
        target.update(zip(map(check_key, pairs[::2]), pairs[1::2], strict=True))

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Malformed("items for something that is no list")
        target.extend(items)

    def add_items(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if type(target) is not set:
            raise Malformed("items for something that is no set")
        target.update(map(check_key, items))

    # globals and calls

    def push_global(self) -> None:
        module, name = self.line(MAX_NAME), self.line(MAX_NAME)
        self.push(find_global(module.decode("utf-8", "replace"), name.decode("utf-8", "replace")))

    def push_stacked_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(find_global(module, name))

    def call(self, function: object, args: object) -> None:
        if not isinstance(function, AllowedGlobal) or not isinstance(args, tuple):
            raise Malformed("a call of something that is no name")
        if function.make is None:
            raise Refused(f"a call of {function.name}")
        self.push(function.make(self.budget, args))

    def call_instance(self) -> None:
        self.push_global()
        function = self.pop()
        self.call(function, tuple(self.pop_mark()))

    def call_object(self) -> None:
        items = self.pop_mark()
        self.call(items[0], tuple(items[1:]))

    def call_reduce(self) -> None:
        args, function = self.pop(), self.pop()
        self.call(function, args)

    def call_with_keywords(self) -> None:
        keywords, args, function = self.pop(), self.pop(), self.pop()
        if keywords != {}:
            raise Malformed("a call with keywords")
        self.call(function, args)

    def build(self) -> None:
        """Give the state on top to the object below it."""
        state, target = self.pop(), self.stack[-1]
        if isinstance(target, (Array, Dtype)):
            target.build(self.budget, state)
        elif state not in (None, {}):
            raise Refused(f"__setstate__ of {getattr(target, 'name', type(target).__name__)}")
