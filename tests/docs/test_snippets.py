"""Every command and snippet of the docs runs as it stands there, or says why it does not."""

from __future__ import annotations

import argparse
import json
import subprocess

import pytest
import yaml

from paddle_transfer.cli.main import COMMANDS
from paddle_transfer.config.parse import parse
from paddle_transfer.registry import attribute_of
from tests.helpers import docs_folder
from tests.helpers.snippets import ROOT, snippets, without_comments

#: Records of what was measured, for hours or by what is not here; and the pages of developers.
MEASURED = ("benchmarks", "decisions", "architecture.md", "contributing.md", "changelog.md")
PAGES = ["README.md", *sorted(
    path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")
    if not path.name.endswith(".zh.md") and path.relative_to(ROOT / "docs").parts[0] not in
    MEASURED)]
#: Chinese page -> the page that it translates.
CHINESE = {page: original for original in PAGES if (ROOT / (page := (
    "README_ch.md" if original == "README.md" else original.replace(".md", ".zh.md")))).exists()}
REASONS = {"it installs", "it needs GPUs", "it needs a cluster", "it needs a database",
           "it needs a checkout of PaddleClas", "it shows pages in a browser", "it downloads",
           "it is a part of a file", "it reads files of yours"}
MY_SEARCH = next(one.text for one in snippets("docs/own_images.md")
                 if one.title == "my_search.yaml")


@pytest.fixture(scope="module")
def folder(trainings, tmp_path_factory):
    made = str(tmp_path_factory.mktemp("docs"))
    trainings(docs_folder.make, made, MY_SEARCH)
    return made


@pytest.mark.parametrize("trainings", ["wheel"], indirect=True)
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_runs(trainings, folder, page):
    run = [one for one in snippets(page) if not one.not_run]
    for one in run:
        if one.language == "bash":
            trainings(docs_folder.run_bash, folder, one.text)
        if one.language == "yaml" and (content := parse(one.text, str(one))):
            trainings(docs_folder.check_yaml, folder, content, parse(MY_SEARCH, ""))
    code = "".join(one.text for one in run if one.language == "python")
    if code:
        trainings(docs_folder.run_python, folder, code)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_says_why_and_can_be_read(page):
    for one in snippets(page):
        assert one.language in ("", "bash", "yaml", "python", "json"), one
        if one.not_run:
            assert one.not_run.partition(";")[0] in REASONS, one
        if one.language == "bash":
            read = subprocess.run(["bash", "-n"], input=one.text, text=True, capture_output=True)
            assert not read.stderr, one
            for words in docs_folder.commands(one.text):
                if words[0] == "paddle-transfer":
                    check_options(words[1:])
        if one.language == "yaml":
            list(yaml.safe_load_all(one.text))
        if one.language == "json":
            json.loads(one.text)
        if one.language == "python":
            compile(one.text, str(one), "exec")


def check_options(words: list[str]) -> None:
    """Raises SystemExit where the command has no such option."""
    if words[0] == "--help":
        return
    assert words[0] in COMMANDS
    parser = argparse.ArgumentParser()
    attribute_of(f"paddle_transfer.cli.{words[0]}:COMMAND").add_arguments(parser)
    parser.parse_args(words[1:words.index(">") if ">" in words else None])


def test_there_are_snippets():
    kinds = [one.language for page in PAGES for one in snippets(page) if not one.not_run]
    assert kinds.count("bash") > 8
    assert kinds.count("yaml") > 8
    assert kinds.count("python") > 1


@pytest.mark.parametrize("page", CHINESE)
def test_the_chinese_page_shows_the_same(page):
    english, chinese = ([(one.language, one.title, one.not_run,
                          without_comments(one.text) if one.language else "printed or drawn")
                         for one in snippets(name)] for name in (CHINESE[page], page))
    assert chinese == english
