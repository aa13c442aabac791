"""The site builds without a warning or a dead link, in both languages, and needs no network."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.helpers.snippets import ROOT

#: Pages that users read from beginning to end: they are in both languages.
BOTH = ("index", "start", "own_images", "keys", "results", "python", "published")


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


def test_both_languages_are_searched(site):
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    assert index["config"]["lang"] == ["en", "zh"]
    words = {word for one in index["docs"] if one["location"].startswith("zh/own_images")
             for word in one["text"].split("\u200b")}
    assert {"图像", "文件夹"} <= words, "Chinese is segmented"


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
