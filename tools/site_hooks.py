"""Hooks of MkDocs (mkdocs.yml): pages from beside ``docs/``, and remarks on untranslated ones."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
#: Page -> the file of the checkout that it shows.
SHOWN = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
UNTRANSLATED = '!!! note ""\n    本页目前只有英文版。\n\n'


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """A page with links as the site has them, where those of the checkout lead elsewhere."""
    name = page.file.src_uri
    if name in SHOWN:
        markdown = (ROOT / SHOWN[name]).read_text(encoding="utf-8").replace("](docs/", "](")
    for target, file in SHOWN.items():
        place = posixpath.relpath(target, posixpath.dirname(name))
        markdown = re.sub(rf"\]\((?:\.\./)*{re.escape(file)}", f"]({place}", markdown)
    chinese = config.theme["language"] == "zh" and ".zh." not in name
    return UNTRANSLATED + markdown if chinese else markdown
