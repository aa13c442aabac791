"""The stack of an unpickler, and the operations that opcodes are made of."""

from __future__ import annotations

import codecs
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

from paddle_transfer.weights.allowed_globals import (
    SET_BYTES,
    AllowedGlobal,
    Array,
    Dtype,
    find_global,
)
from paddle_transfer.weights.file_bytes import FileBytes
from paddle_transfer.weights.limits import Budget, Malformed, Refused, Truncated

MAX_LINE, MAX_NAME, MAX_NUMBER, MAX_INTEGER_BYTES = 1 << 34, 1000, 40, 16
_NOTHING = object()


class PickleStack:
    """One pickle while it is read: its bytes and the place in them, the opcodes so far, the stack
    with its marks, the memo, and the budget of copies."""

    def __init__(self, data: FileBytes):
        self.data, self.view, self.at, self.steps = data, memoryview(data), 0, 0
        self.items: list[Any] = []
        self.push = self.items.append
        self.marks: list[int] = []
        self.memo: list[Any] = []
        self.budget = Budget(len(data))

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
        """The next number, of the ``struct`` format ``form``."""
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

    def pop(self) -> Any:
        if self.marks and len(self.items) <= self.marks[-1]:
            raise Malformed("the stack is empty")
        return self.items.pop()

    def pop_mark(self) -> list[Any]:
        """Everything above the last mark."""
        start = self.marks.pop()
        above = self.items[start:]
        del self.items[start:]
        return above

    def pop_any(self) -> None:
        """The mark when it is on top, else the top item."""
        if self.marks and len(self.items) == self.marks[-1]:
            self.marks.pop()
        else:
            self.items.pop()

    def memoize(self, index: int) -> None:
        """Keep the top item. A pickler counts what it keeps, so ``index`` is at most the number of
        opcodes; in a mapping, others could be made to collide, in a list, to fill the memory."""
        if not 0 <= index <= self.steps:
            raise Malformed(f"the memo's index {index:,} after {self.steps:,} steps")
        self.memo.extend([_NOTHING] * (index + 1 - len(self.memo)))
        self.memo[index] = self.items[-1]

    def recall(self, index: int) -> None:
        if not 0 <= index < len(self.memo) or self.memo[index] is _NOTHING:
            raise Malformed(f"the memo holds nothing at {index:,}")
        self.push(self.memo[index])

    def text(self, count: int) -> str:
        return self._charged(str(self.take(count), "utf-8", "surrogatepass"))

    def escaped(self) -> str:
        return self._charged(self.line(MAX_LINE).decode("raw-unicode-escape"))

    def _charged(self, text: str) -> str:
        """``text``, which has up to four bytes a character in memory."""
        self.budget.charge(sys.getsizeof(text) - sys.getsizeof(""))
        return text

    def latin1(self, count: int) -> str:
        self.budget.charge(count)
        return str(self.take(count), "latin-1")

    def quoted(self) -> str:
        raw = self.line(MAX_LINE)
        if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
            raise Malformed("a text without quotes")
        self.budget.charge(len(raw))
        return codecs.escape_decode(raw[1:-1])[0].decode("latin-1")

    def integer(self, count: int) -> int:
        if not 0 <= count <= MAX_INTEGER_BYTES:
            raise Malformed(f"an integer of {count:,} bytes")
        return int.from_bytes(self.take(count), "little", signed=True)

    def decimal(self) -> int:
        raw = self.line(MAX_NUMBER).rstrip(b"L")
        return {b"00": False, b"01": True}.get(raw, int(raw))

    def tuple_of(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def keys(self) -> list[Any]:
        """Everything above the last mark, each fit to be a key."""
        return list(map(self.budget.check_key, self.pop_mark()))

    def push_set(self, kind: Callable[..., Any], items: Sequence[Any] = ()) -> None:
        self.budget.charge(SET_BYTES)
        self.push(kind(items))

    def set_items(self, pairs: list[Any]) -> None:
        """Put ``pairs`` (key, value, key, value, ...) into the mapping on top."""
        target = self.items[-1]
        if type(target) is not dict or len(pairs) % 2:
            raise Malformed("pairs for something that is no mapping")
        size = len(target) + len(pairs) // 2
        target.update(zip(map(self.budget.check_key, pairs[::2]), pairs[1::2], strict=True))
        if len(target) != size:
            raise Malformed("a key stands twice in a mapping")

    def new_dict(self) -> None:
        pairs = self.pop_mark()
        self.push({})
        self.set_items(pairs)

    def add_items(self, items: list[Any], kind: type) -> None:
        """Put ``items`` into the list or set on top."""
        target = self.items[-1]
        if kind is list and type(target) is list:
            target.extend(items)
        elif kind is set and type(target) is set:
            target.update(items)
        else:
            raise Malformed(f"items for something that is no {kind.__name__}")

    def global_in_lines(self) -> AllowedGlobal:
        module, name = (str(self.line(MAX_NAME), "utf-8", "replace") for _ in range(2))
        return find_global(module, name)

    def call(self, function: object, args: object) -> None:
        if not isinstance(function, AllowedGlobal) or not isinstance(args, tuple):
            raise Malformed("a call of something that is no name")
        if function.make is None:
            raise Refused(f"a call of {function.name}")
        self.push(function.make(self.budget, *args))

    def call_object(self) -> None:
        function, *args = self.pop_mark()
        self.call(function, tuple(args))

    def call_with_keywords(self) -> None:
        if self.pop() != {}:
            raise Malformed("a call with keywords")
        self.call(*self.tuple_of(2))

    def build(self) -> None:
        """Give the state on top to the object below it."""
        state, target = self.pop(), self.items[-1]
        if isinstance(target, (Array, Dtype)) and isinstance(state, tuple):
            target.build(self.budget, state)
        elif state not in (None, {}):
            raise Refused(f"__setstate__ of {getattr(target, 'name', type(target).__name__)}")
