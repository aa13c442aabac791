"""The texts of the report: one table per language, ``texts/LANGUAGE.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from paddle_transfer.report.html.figures.style import Words

LANGUAGES = ("en", "zh")
#: Around a key in a figure of the page, which puts the text there in the language of its reader.
OPEN, CLOSE = "⟦", "⟧"


@cache
def texts(language: str) -> dict[str, str]:
    """Key -> text; ``{name}`` stands for a value."""
    file = Path(__file__).with_name("texts") / f"{language}.yaml"
    found: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def in_language(language: str) -> Words:
    """The texts of one language, for a figure that is shown alone."""
    return texts(language).__getitem__


def marked(key: str) -> str:
    """The mark that stands for the text of ``key`` in the page's figures."""
    assert key in texts("en"), f"there is no text {key!r}"
    return f"{OPEN}{key}{CLOSE}"
