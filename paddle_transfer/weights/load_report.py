"""The account of a load: what became of every tensor of the file and of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from paddle_transfer.config.shipped import command
from paddle_transfer.errors import LINE, one_line

Shape = tuple[int, ...]

#: How many tensors of a kind an error lists.
LISTED = 20


@dataclass(frozen=True)
class LoadReport:
    """What became of every tensor.

    :param file: the file that was read
    :param loaded: tensors of the network that came from the file
    :param head: of the head, left as initialised: name -> why
    :param missing: tensors of the network that the file lacks: name -> shape wanted
    :param mismatched: name -> (shape wanted, shape found)
    :param unexpected: tensors of the file that the network lacks: name -> shape found
    :param ignored: the file's tensors that are no part of this network (a teacher, the loss, ...)
    :param prefix: what was taken off the file's names
    :param naming: the naming that was translated, empty for none
    :param source: the name asked for (``10w``), the address, or empty
    :param numbers: how many numbers were loaded
    """

    file: str
    loaded: tuple[str, ...] = ()
    head: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Shape] = field(default_factory=dict)
    mismatched: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)
    unexpected: dict[str, Shape] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    prefix: str = ""
    naming: str = ""
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
        parts = [f"{len(self.loaded)} of {self.total} tensors loaded "
                 f"({self.numbers / 1e6:.1f} M numbers)"]
        if self.head:
            reasons = list(dict.fromkeys(self.head.values()))
            parts.append(f"head newly initialised: {', '.join(self.head)} ({'; '.join(reasons)})")
        parts += [f"{len(getattr(self, name))} {name}"
                  for name in ("missing", "mismatched", "unexpected", "ignored")
                  if getattr(self, name)]
        naming = " ".join(filter(None, [self.naming, self.prefix and f"without {self.prefix}"]))
        parts += [f"names: {naming}"] if naming else []
        what = f"{self.source}: " if self.source else ""
        return one_line(f"pretrained {what}{'; '.join(parts)}; {self.file}", 4 * LINE)

    def short(self) -> str:
        """A few words for a table: ``10w, 320/322``."""
        return f"{one_line(self.source or 'file', 80)}, {len(self.loaded)}/{self.total}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``result.json``."""
        return {**asdict(self), "loaded": len(self.loaded), "total": self.total,
                "ignored": len(self.ignored), "line": self.line(), "short": self.short()}

    def problems(self) -> str:
        """Every name and both shapes, at most 20 of each kind, for an error."""
        return "\n".join([
            f"{self.file}: does not fit the network "
            f"({len(self.loaded)} of {self.total} tensors do)",
            *_listing("missing in the file", {name: f"the network has {list(shape)}"
                                              for name, shape in self.missing.items()}),
            *_listing("of another shape", {
                name: f"the network has {list(wanted)}, the file {list(found)}"
                for name, (wanted, found) in self.mismatched.items()}),
            *_listing("not in the network", {name: f"the file has {list(shape)}"
                                             for name, shape in self.unexpected.items()}),
            f"  Is it a file for this architecture? {command('weights')} inspect FILE lists what "
            "it holds."])


def _listing(title: str, entries: Mapping[str, str]) -> list[str]:
    lines = [f"  {len(entries)} {title}:"] if entries else []
    lines += [f"    {name}: {text}" for name, text in list(entries.items())[:LISTED]]
    return lines + ([f"    and {len(entries) - LISTED} more"] if len(entries) > LISTED else [])
