"""The site builds without a warning or a dead link, in both languages, and needs no network."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.helpers.snippets import ROOT

#: Pages that users read from beginning to end: they are in both languages.
BOTH = ("index", "start", "own_images", "choosing", "search", "results", "report", "gpus", "python",
        "questions", "paddleclas_search", "optuna", "paddlehub", "keys", "hyperparameters",
        "strategies", "api", "published")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs_static_i18n")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict",
                            "--site-dir", str(folder)], cwd=ROOT, text=True, capture_output=True,
                           check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_there_in_both_languages(site):
    english, chinese = ({page.relative_to(folder) for page in folder.rglob("*.html")
                         if page.is_relative_to(site / "zh") == (folder != site)}
                        for folder in (site, site / "zh"))
    assert english == {*chinese, *(page for page in english if page.name == "404.html")}
    assert len(english) > 30


def test_pages_fetch_nothing_from_elsewhere(site):
    loaded = r'<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)="?((?:https?:)?//[^">]+)'
    for page in site.rglob("*.html"):
        assert re.findall(loaded, page.read_text(encoding="utf-8")) == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//",
                             sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.parametrize(("language", "words"), [("", {"learning", "images"}),
                                                 ("zh/", {"学习", "图像", "文件夹"})])
def test_each_language_has_a_search_of_its_own(site, language, words):
    text = (site / language / "search/search_index.json").read_text(encoding="utf-8")
    places = [one["location"] for one in json.loads(text)["docs"]]
    assert [place for place in places if place.startswith("zh/")] == []
    assert [place for place in places if not (site / language / place.partition("#")[0]).exists()
            ] == []
    assert words <= {word for one in json.loads(text)["docs"]
                     for word in re.split(r"[\s\u200b]", one["text"])}, "Chinese is segmented"
    script = (site / language / "search/search_index.js").read_text(encoding="utf-8")
    assert script == f"var __index = {text}"
    for page in (site / language).rglob("*.html"):
        base = json.loads(re.search(r'<script id="__config"[^>]*>(.*?)</script>',
                                    page.read_text(encoding="utf-8"))[1])["base"]
        own = site / "zh" if page.is_relative_to(site / "zh") else site
        assert page.name == "404.html" or (page.parent / base).resolve() == own.resolve(), page


@pytest.mark.parametrize("name", BOTH)
def test_the_chinese_page_is_built_like_the_english_one(name):
    english, chinese = ((ROOT / f"docs/{name}{ending}.md").read_text(encoding="utf-8")
                        for ending in ("", ".zh"))
    assert re.findall(r"^#+ ", english, re.MULTILINE) == re.findall(
        r"^#+ ", chinese, re.MULTILINE)
    assert len(re.findall(r"^\|", english, re.MULTILINE)) == len(
        re.findall(r"^\|", chinese, re.MULTILINE))
    assert re.findall(r"!\[[^]]*\]\((.*?)\)", english) == re.findall(
        r"!\[[^]]*\]\((.*?)\)", chinese)


def test_pages_that_were_not_translated_say_so(site):
    assert "本页目前只有英文版" in (site / "zh/cluster.html").read_text(encoding="utf-8")
    assert "本页目前只有英文版" not in (site / "zh/start.html").read_text(encoding="utf-8")
    assert "本页目前只有英文版" not in (site / "cluster.html").read_text(encoding="utf-8")


def test_chinese_paragraphs_have_no_spaces_where_lines_break(site):
    page = (site / "zh/choosing.html").read_text(encoding="utf-8")
    text = re.search(r"<article.*</article>", page, re.DOTALL)[0]
    assert re.findall(r"[\u4e00-\u9fff\uff0c\u3002]\n *[\u4e00-\u9fff]", text) == []
    assert len(re.findall("<li>", (site / "zh/search.html").read_text(encoding="utf-8"))) == len(
        re.findall("<li>", (site / "search.html").read_text(encoding="utf-8"))), "lists stay"
    assert max(code.count("\n") for code in re.findall("<code>.*?</code>", text, re.DOTALL)
               ) > 5, "code stays"
