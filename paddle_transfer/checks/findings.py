"""What a check found: errors that stop a search, warnings that are shown, and a table of counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.errors import DataError


@dataclass(frozen=True)
class Finding:
    """One fault. ``kind`` is a short fixed word; ``file`` and ``line`` (1-based, 0 for the whole file) say where."""

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
        return f"{self.where}: [{self.kind}] {self.message}" + (f". {self.hint}"
                                                                if self.hint else "")


@dataclass
class Report:
    """All findings of one run. ``counts[split]`` is a dict with images, classes, per_class and sizes (short
    sides in px: least, median, largest)."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    scanned: int = 0  # images that were decoded in this run
    cached: int = 0   # images whose verdict was known

    def add(self, kind: str, file: object, line: int, message: str, *, hint: str = "",
            error: bool = True) -> None:
        self.findings.append(Finding(kind, error, str(file), line, message, hint))

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.error]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.error]

    def text(self, limit: int = 20) -> str:
        """For the terminal: errors first, at most ``limit`` of each kind (0: all), then the table of counts."""
        lines = []
        for title, findings in (("error", self.errors), ("warning", self.warnings)):
            if not findings:
                continue
            lines.append(f"{len(findings)} {title}{'s' if len(findings) > 1 else ''}:")
            kinds: dict[str, list[Finding]] = defaultdict(list)
            for finding in findings:
                kinds[finding.kind].append(finding)
            for kind, group in kinds.items():
                shown = group[:limit] if limit else group
                lines += [f"  {finding}" for finding in shown]
                if len(group) > len(shown):
                    lines.append(f"  ... and {len(group) - len(shown)} more of kind [{kind}] "
                                 "(tools/check_data.py --all shows them)")
        lines += self._table()
        known = f", {self.cached} known from an earlier check" if self.cached else ""
        lines.append(f"{self.scanned + self.cached} images checked{known}: "
                     f"{len(self.errors)} errors, {len(self.warnings)} warnings")
        return "\n".join(lines)

    def _table(self) -> list[str]:
        lines = []
        for split, count in self.counts.items():
            per_class = count["per_class"]
            line = f"  {split}: {count['images']} images of {len(per_class)} classes"
            if per_class:
                line += f", {min(per_class.values())} to {max(per_class.values())} a class"
            if count.get("sizes"):
                small, middle, large = count["sizes"]
                line += f", short side {small} / {middle} / {large} px (min, median, max)"
            lines.append(line)
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {"errors": len(self.errors), "warnings": len(self.warnings), "scanned": self.scanned,
                "cached": self.cached, "counts": self.counts,
                "findings": [dict(vars(finding)) for finding in self.findings]}

    def raise_errors(self) -> None:
        """Raises DataError with the report's text when there are errors."""
        if self.errors:
            raise DataError("the data is not right:\n" + self.text())
