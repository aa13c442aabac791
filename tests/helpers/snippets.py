"""The fenced blocks of a page of the docs.

A line ``<!-- not run: REASON -->`` above a block says that no test runs it. A block with
``title="NAME"`` is the content of a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(
    r'(?:^ *<!-- not run: (?P<reason>[^\n]+) -->\n)?'
    r'^(?P<indent> *)```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n'
    r'(?P<text>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """:param line: of its first line in the page; ``not_run``: why no test runs it"""

    page: str
    line: int
    language: str
    title: str
    not_run: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(page: str) -> list[Snippet]:
    """:param page: relative to the checkout"""
    content = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(content):
        indent = match["indent"]
        text = "".join(line.removeprefix(indent)
                       for line in match["text"].splitlines(keepends=True))
        found.append(Snippet(page, content.count("\n", 0, match.start("text")) + 1,
                             match["language"], match["title"] or "", match["reason"] or "", text))
    fences = len(re.findall("^ *```", content, re.MULTILINE))
    assert fences == 2 * len(found), f"{page}: a block that cannot be read"
    return found


def without_comments(text: str) -> str:
    """``text`` as it is in every language of the docs."""
    return re.sub(r"[ \t]*#.*$", "", text, flags=re.MULTILINE)
