"""Every tensor accounted for: which of a file's tensors go where in a network, and what is wrong if anything is.

PaddleClas throws away what ``set_state_dict`` says about missing and mismatched tensors and logs "Finish load"
whatever happened; a wrong file then trains from scratch without a word. Here only the head may be missing or differ.
No paddle in here: networks are names and shapes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from paddle_transfer.weights import heads
from paddle_transfer.weights.errors import WeightsError, WeightsMismatch
from paddle_transfer.weights.key_naming import read_names

Shape = tuple[int, ...]
KEEP, FRESH = "keep", "fresh"


@dataclass(frozen=True)
class LoadReport:
    """What became of every tensor.

    :param file: the file that was read
    :param loaded: tensors of the network that came from the file
    :param head: of the head, left as initialised: name -> why
    :param missing: tensors of the network that the file lacks: name -> shape wanted
    :param mismatched: name -> (shape wanted, shape found)
    :param unexpected: tensors of the file that the network lacks: name -> shape found
    :param ignored: the file's tensors that are no part of this network (a teacher, the loss, epoch, ...)
    :param prefix: what was taken off the file's names
    :param style: the naming that was translated, empty for none
    :param source: the name asked for (``10w``), the address, or empty
    """

    file: str
    loaded: tuple[str, ...] = ()
    head: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Shape] = field(default_factory=dict)
    mismatched: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)
    unexpected: dict[str, Shape] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    prefix: str = ""
    style: str = ""
    source: str = ""
    sha256: str = ""
    numbers: int = 0

    @property
    def ok(self) -> bool:
        return not (self.missing or self.mismatched or self.unexpected)

    @property
    def total(self) -> int:
        """How many tensors the network has."""
        return len(self.loaded) + len(self.head) + len(self.missing) + len(self.mismatched)

    def line(self) -> str:
        """One line for the log."""
        what = f"{self.source}: " if self.source else ""
        parts = [
            f"{len(self.loaded)} of {self.total} tensors loaded ({self.numbers / 1e6:.1f} M numbers)"
        ]
        if self.head:
            reasons = list(dict.fromkeys(self.head.values()))
            parts.append(f"head newly initialised: {', '.join(self.head)} ({'; '.join(reasons)})")
        for name in ("missing", "mismatched", "unexpected", "ignored"):
            if getattr(self, name):
                parts.append(f"{len(getattr(self, name))} {name}")
        if self.prefix or self.style:
            parts.append(
                "names: " +
                " ".join(filter(None, (self.style, self.prefix and f"without {self.prefix}"))))
        return f"pretrained {what}{'; '.join(parts)}; {self.file}"

    def short(self) -> str:
        """A few words for a table: ``10w, 320/322``."""
        return f"{self.source or 'file'}, {len(self.loaded)}/{self.total}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``result.json``."""
        return {
            "source": self.source, "file": self.file, "sha256": self.sha256, "loaded": len(
                self.loaded), "total": self.total, "numbers": self.numbers, "head": dict(self.head),
            "missing": {name: list(shape) for name, shape in self.missing.items()}, "mismatched": {
                name: [list(a), list(b)] for name, (a, b) in self.mismatched.items()
            }, "unexpected": {name: list(shape) for name, shape in self.unexpected.items()},
            "ignored": len(self.ignored), "prefix": self.prefix, "naming": self.style,
            "line": self.line(), "short": self.short()
        }

    def raise_unless_ok(self) -> LoadReport:
        """:raises WeightsMismatch: with every name and both shapes (at most 20 of each kind)"""
        if self.ok:
            return self
        lines = [
            f"{self.file}: does not fit the network ({len(self.loaded)} of {self.total} tensors do)"
        ]
        lines += _listing("missing in the file", {name: f"the network has {list(shape)}"
                                                  for name, shape in self.missing.items()})
        lines += _listing(
            "of another shape", {
                name: f"the network has {list(a)}, the file {list(b)}"
                for name, (a, b) in self.mismatched.items()
            })
        lines += _listing("not in the network", {name: f"the file has {list(shape)}"
                                                 for name, shape in self.unexpected.items()})
        lines.append(
            "  Is it a file for this architecture? tools/pretrained.py inspect FILE lists what it holds."
        )
        raise WeightsMismatch("\n".join(lines), self)


def _listing(title: str, entries: Mapping[str, str], limit: int = 20) -> list[str]:
    lines = [f"  {len(entries)} {title}:"] if entries else []
    lines += [f"    {name}: {text}" for name, text in list(entries.items())[:limit]]
    return lines + ([f"    and {len(entries) - limit} more"] if len(entries) > limit else [])


@dataclass(frozen=True)
class Plan:
    """``names``: the network's name -> the file's, for every tensor to load; ``report``: the whole account."""

    names: dict[str, str]
    report: LoadReport


def plan(wanted: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]], *,
         head: Collection[str], file: str = "", mode: str = KEEP, ignore: Collection[str] = (),
         source: str = "", sha256: str = "", others: Collection[str] = ()) -> Plan:
    """Sort every tensor of the network and of the file.

    :param wanted: the network's tensors, name -> shape
    :param found: the file's, likewise
    :param head: the names of the network's head; they may be missing or differ
    :param mode: ``keep``: load the head where its shape is right; ``fresh``: never
    :param ignore: patterns (``*.attn_mask``) of tensors that may stay as they are
    :param others: names in the file that are no tensors, for the report
    """
    if mode not in (KEEP, FRESH):
        raise WeightsError(f"head: must be '{KEEP}' or '{FRESH}'; found {mode!r}")
    reading = read_names(tuple(found), tuple(wanted))
    spare = set(heads.in_file(tuple(reading.names), tuple(head)))
    names: dict[str, str] = {}
    reasons: dict[str, str] = {}
    missing, mismatched, ignored = {}, {}, list(reading.outside) + list(others)
    broken = _broken_heads(wanted, found, reading.names, head)
    for name, shape in wanted.items():
        shape = tuple(shape)
        theirs = reading.names.get(name)
        have = None if theirs is None else tuple(found[theirs])
        if name in head and (mode == FRESH or name in broken):
            reasons[name] = _why(mode, shape, have)
        elif any(fnmatchcase(name, pattern) for pattern in ignore):
            ignored.append(name)
            reasons[name] = "ignored on request"
        elif have is None:
            missing[name] = shape
        elif have != shape:
            mismatched[name] = (shape, have)
        else:
            names[name] = theirs
    unexpected = {}
    for name, theirs in reading.names.items():
        if name not in wanted:
            if name in spare or any(fnmatchcase(name, pattern) for pattern in ignore):
                ignored.append(theirs)
            else:
                unexpected[theirs] = tuple(found[theirs])
    numbers = sum(_count(found[theirs]) for theirs in names.values())
    return Plan(
        names,
        LoadReport(file=file, loaded=tuple(names), head=reasons, missing=missing,
                   mismatched=mismatched, unexpected=unexpected, ignored=tuple(ignored),
                   prefix=reading.prefix, style=reading.style, source=source, sha256=sha256,
                   numbers=numbers))


def _broken_heads(wanted, found, names, head) -> set[str]:
    """The head's tensors that cannot be kept: a layer is kept whole or not at all."""
    bad = {name.rsplit(".", 1)[0] for name in head
           if name not in names or tuple(found[names[name]]) != tuple(wanted[name])}
    return {name for name in head if name.rsplit(".", 1)[0] in bad}


def _why(mode: str, shape: Shape, have) -> str:
    if have is None:
        return "not in the file"
    if have != shape:
        return f"{'x'.join(map(str, have))} in the file, {'x'.join(map(str, shape))} here"
    return "asked for" if mode == FRESH else "its layer's other tensors differ"


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
