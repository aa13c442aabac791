"""The notebook runs from above to below, smaller than it stands there."""

import json

import pytest

from tests.helpers import docs_folder
from tests.helpers.snippets import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
SMALL = f"""IMAGES, EPOCHS = 4, 2
BUDGET = {docs_folder.SMALL!r}"""


@pytest.mark.parametrize("trainings", ["wheel"], indirect=True)
def test_its_cells_run_in_order_and_show_what_they_say(trainings, tmp_path):
    shown = trainings(docs_folder.run_notebook, str(tmp_path), str(NOTEBOOK), SMALL)
    assert [kind for kind, _ in shown] == ["int", "SearchResult", "Figure", "Figure", "Figure",
                                           "DataFrame", "tuple"]
    assert "<table>" in shown[1][1]
    assert "on 12 images" in shown[1][1], "four of each of three classes"


def test_it_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(one["outputs"] == [] and one["execution_count"] is None
               for one in cells if one["cell_type"] == "code")
