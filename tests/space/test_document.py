from pathlib import Path

from paddle_transfer.space.document import with_table
from paddle_transfer.space.registry import HYPERPARAMETERS

PAGE = Path(__file__).parents[2] / "docs" / "hyperparameters.md"


def test_the_page_is_in_step_with_the_registry():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run python tools/make_docs.py"
    assert page.startswith("# Hyperparameters")
    assert with_table("Text.\n\n") == "Text.\n\n" + page[page.index("| name |"):]


def test_every_entry_has_its_row():
    rows = [line.split(" | ") for line in with_table("").splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{name}`" for name in HYPERPARAMETERS]
    assert all(len(row) == 6 for row in rows)
    versions = {row[0][3:-1]: row[4] for row in rows}
    assert versions["ema"] == "2.5 and newer"
    assert versions["lr"] == "all"
    assert versions["optimizer"] == "all; Nesterov: 2.5 and newer"
