"""Hooks of MkDocs (mkdocs.yml): pages from beside ``docs/``, remarks on untranslated ones, and a
search index for each language (MkDocs has one for all)."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
#: Page -> the file of the checkout that it shows.
SHOWN = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
#: The folder of the Chinese pages, and where a language keeps its search index.
ZH, INDEX = "zh/", "search/search_index.json"
#: A line break after a Chinese letter or mark, before a line that goes on with such a letter, or
#: after a mark with any word.
BREAK = re.compile(r"([\u4e00-\u9fff])\n *(?=[\u4e00-\u9fff\u3001-\u301c\uff00-\uffef])|"
                   r"([\u3001-\u301c\uff00-\uffef])\n *(?=[\u4e00-\u9fff\u201cA-Za-z`\[(])")
UNTRANSLATED = '!!! note ""\n    本页目前只有英文版。\n\n'


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """A page with links as the site has them, where those of the checkout lead elsewhere."""
    name = page.file.src_uri
    if name in SHOWN:
        markdown = (ROOT / SHOWN[name]).read_text(encoding="utf-8").replace("](docs/", "](")
    for target, file in SHOWN.items():
        place = posixpath.relpath(target, posixpath.dirname(name))
        markdown = re.sub(rf"\]\((?:\.\./)*{re.escape(file)}", f"]({place}", markdown)
    if config.theme["language"] != "zh":
        return markdown
    return joined(markdown) if ".zh." in name else UNTRANSLATED + markdown


def joined(markdown: str) -> str:
    """Chinese paragraphs without the line breaks that browsers show as spaces; code stays."""
    parts = re.split(r"(^ *```.*?^ *```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if i % 2 else BREAK.sub(r"\1\2", part) for i, part in enumerate(parts))


def on_post_page(output: str, *, page: Page, **_: object) -> str:
    """Chinese pages search from the folder ``zh/`` on."""
    if not page.url.startswith(ZH):
        return output
    base = posixpath.relpath(ZH, posixpath.dirname(page.url))
    return re.sub(r'"base": "[^"]*"', f'"base": "{base}"', output, count=1)


@event_priority(-200)  # when all have written
def on_post_build(*, config: MkDocsConfig) -> None:
    """Of the one search index make one for each language."""
    folder = Path(config.site_dir)
    file = folder / INDEX
    index = json.loads(file.read_text(encoding="utf-8"))
    found: dict[str, list[dict[str, object]]] = {ZH: [], "": []}
    for one in index["docs"]:
        language = ZH if one["location"].startswith(ZH) else ""
        found[language].append({**one, "location": one["location"].removeprefix(language)})
    for language, docs in found.items():
        if docs:  # the build of the other language may be over
            made = json.dumps({**index, "docs": docs}, ensure_ascii=False)
            (folder / language / INDEX).parent.mkdir(parents=True, exist_ok=True)
            (folder / language / INDEX).write_text(made, encoding="utf-8")
            (folder / language / INDEX).with_suffix(".js").write_text(f"var __index = {made}",
                                                                      encoding="utf-8")
