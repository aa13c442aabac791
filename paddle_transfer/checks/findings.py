"""Findings of a check: errors that stop a search, warnings that are shown, and counts per split."""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from paddle_transfer.config.shipped import command
from paddle_transfer.errors import DataError, counted, one_line

#: Findings of a kind that are kept; more of them are counted only.
KEPT = 5000


@dataclass(frozen=True)
class Finding:
    """One fault. ``kind`` is a short fixed word; ``line`` of ``file`` is 1-based, 0: whole file."""

    kind: str
    error: bool
    file: str
    line: int
    message: str
    hint: str = ""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        text = f"{one_line(self.where, 300)}: [{self.kind}] {one_line(self.message, 500)}"
        return f"{text}. {one_line(self.hint, 300)}" if self.hint else text


class SplitCounts(TypedDict):
    """Numbers of one split. ``sizes``: short sides in px, [minimum, median, maximum] or []."""

    images: int
    classes: int
    per_class: dict[int, int]
    sizes: list[int]


@dataclass
class Report:
    """The findings of one check, counts by split, and how many images were decoded or cached.

    ``numbers`` has the findings by (kind, whether errors), those beyond ``KEPT`` too.
    """

    findings: list[Finding] = field(default_factory=list)
    numbers: Counter[tuple[str, bool]] = field(default_factory=Counter)
    counts: dict[str, SplitCounts] = field(default_factory=dict)
    scanned: int = 0
    cached: int = 0

    def add(self, kind: str, file: str, line: int, message: str, *, hint: str = "",
            error: bool = True) -> None:
        self.numbers[kind, error] += 1
        if self.numbers[kind, error] <= KEPT:
            self.findings.append(Finding(kind, error, file, line, message, hint))

    def extend(self, other: "Report") -> None:
        """Add the findings of ``other``."""
        for finding in other.findings:
            if self.numbers[finding.kind, finding.error] < KEPT:
                self.findings.append(finding)
            self.numbers[finding.kind, finding.error] += 1
        for kind, count in other.numbers.items():  # those that ``other`` has only counted
            kept = sum((one.kind, one.error) == kind for one in other.findings)
            self.numbers[kind] += count - kept

    def number(self, *, error: bool) -> int:
        """How many errors, or warnings, there are."""
        return sum(count for (_, kind), count in self.numbers.items() if kind is error)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.error]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.error]

    def text(self, limit: int = 20) -> str:
        """Text for a terminal: errors, warnings, counts; at most ``limit`` of a kind (0: all)."""
        lines = []
        for title, findings in (("error", self.errors), ("warning", self.warnings)):
            number = self.number(error=title == "error")
            if findings:
                lines.append(f"{number} {title}{'s' if number > 1 else ''}:")
                lines += _by_kind(findings, limit, self.numbers)
        lines += [_counts_line(split, counts) for split, counts in self.counts.items()]
        known = f", {self.cached} known from an earlier check" if self.cached else ""
        lines.append(f"{counted(self.scanned + self.cached, 'image')} checked{known}: "
                     f"{counted(self.number(error=True), 'error')}, "
                     f"{counted(self.number(error=False), 'warning')}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {"errors": self.number(error=True), "warnings": self.number(error=False),
                "scanned": self.scanned, "cached": self.cached, "counts": self.counts,
                "findings": [asdict(finding) for finding in self.findings]}

    def raise_errors(self) -> None:
        """Raise DataError with the report's text if there are errors."""
        if self.errors:
            raise DataError("the data is not right:\n" + self.text())


def _by_kind(findings: list[Finding], limit: int, numbers: Counter[tuple[str, bool]]
             ) -> list[str]:
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[finding.kind].append(finding)
    lines = []
    for kind, group in kinds.items():
        shown = group[:limit] if limit else group
        lines += [f"  {finding}" for finding in shown]
        more = numbers[kind, group[0].error] - len(shown)
        if more:
            shows = f"{command('check').removeprefix('python ')} --all shows"
            told = f" ({shows} {min(more, KEPT):,})" if more > KEPT else f" ({shows} them)"
            lines.append(f"  ... and {more} more of kind [{kind}]{told if limit else ''}")
    return lines


def _counts_line(split: str, counts: SplitCounts) -> str:
    per_class = counts["per_class"].values()
    line = f"  {split}: {counted(counts['images'], 'image')}"
    if per_class:
        line += f" of {len(per_class)} classes, {min(per_class)} to {max(per_class)} a class"
    if counts["sizes"]:
        low, median, high = counts["sizes"]
        line += f", short side {low} / {median} / {high} px (min, median, max)"
    return line
