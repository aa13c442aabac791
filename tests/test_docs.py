"""The docs name files, commands and rooms that exist, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from paddle_transfer.cli.main import COMMANDS
from tests.test_architecture import RANK

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "paddle_transfer"
MAPS = ("docs/architecture.md", "CONTRIBUTING.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (
    *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")))


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(page):
    """The anchors of its headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def rooms_table():
    """(names in the first column, file in the last) of each row of the rooms' table."""
    section = text_of("docs/architecture.md").partition("## The rooms")[2].partition("\nBeside")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([^`]+)`", row[0]), row[-1].strip(" `")) for row in rows]


@pytest.mark.parametrize("page", MAPS)
def test_named_files_exist(page):
    named = set(re.findall(r"`([\w./-]+/[\w.-]*)`", text_of(page)))
    assert len(named) > 10, "the page names files"
    assert [path for path in sorted(named) if path.endswith(("/", ".py", ".json", ".md"))
            and not (PACKAGE / path).exists() and not (ROOT / path).exists()] == []


def test_the_table_of_rooms_is_complete():
    rows = rooms_table()
    named = {name.strip("/").removesuffix(".py") for names, _ in rows for name in names}
    assert named == set(RANK)
    for names, first in rows:
        folder = PACKAGE / names[0] if names[0].endswith("/") else PACKAGE
        assert (folder / first).is_file(), f"{names[0]}: begin reading in {first}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if "://" not in link and not (
                target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_files_that_exist(page):
    text = text_of(page)
    named = re.findall(r"python (tools/[\w.]+\.py)", text)
    named += re.findall(r"-c (ppcls_configs/[\w./]+)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
    subcommands = re.findall(r"^\s*paddle-transfer (\w+)", text, re.MULTILINE)
    assert set(subcommands) <= set(COMMANDS)
