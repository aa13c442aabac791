import re
from pathlib import Path

import pytest

from paddle_transfer.config.load import load_yaml
from paddle_transfer.space.document import MEANINGS_ZH, with_table
from paddle_transfer.space.registry import HYPERPARAMETERS

PAGE = Path(__file__).parents[2] / "docs" / "hyperparameters.md"


def test_the_page_is_in_step_with_the_registry():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run python tools/make_docs.py"
    assert page.startswith("# Hyperparameters")
    assert with_table("Text.\n\n") == "Text.\n\n" + page[page.index("| name |"):]


def test_the_chinese_page_is_in_step_as_well():
    page = PAGE.with_suffix(".zh.md").read_text(encoding="utf-8")
    assert page == with_table(page, chinese=True), "run python tools/make_docs.py"
    meanings = load_yaml(str(MEANINGS_ZH))
    assert list(meanings) == list(HYPERPARAMETERS.builtin)
    assert all(re.search("[\u4e00-\u9fff]", text) for text in meanings.values())
    assert "| `ema` |" in page
    assert "| 2.5 及以上 |" in page


@pytest.mark.parametrize("chinese", [False, True])
def test_every_entry_has_its_row(chinese):
    rows = rows_of(with_table("", chinese=chinese))
    assert [row[0] for row in rows] == [f"| `{name}`" for name in HYPERPARAMETERS]
    assert all(len(row) == 6 for row in rows)


def rows_of(table):
    return [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]


def test_which_paddleclas_has_it():
    rows = rows_of(with_table(""))
    versions = {row[0][3:-1]: row[4] for row in rows}
    assert versions["ema"] == "2.5 and newer"
    assert versions["lr"] == "all"
    assert versions["optimizer"] == "all; Nesterov: 2.5 and newer"
