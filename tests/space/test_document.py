from pathlib import Path

from paddle_transfer.space.document import page
from paddle_transfer.space.registry import HYPERPARAMETERS

PAGE = Path(__file__).parents[2] / "docs" / "hyperparameters.md"


def test_the_page_is_in_step_with_the_catalogue():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python tools/make_docs.py"


def test_every_entry_has_its_row():
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == [f"| `{name}`" for name in HYPERPARAMETERS]
    assert all(len(row) == 6 for row in rows)
    versions = {row[0][3:-1]: row[4] for row in rows}
    assert versions["ema"] == "2.5 and newer"
    assert versions["lr"] == "all"
    assert versions["optimizer"] == "all; Nesterov: 2.5 and newer"
