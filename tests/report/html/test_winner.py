"""The best network on the validation images."""

import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from paddle_transfer.predictions import FILE, Predictions
from paddle_transfer.report.html import pictures
from paddle_transfer.report.html.data import read_search_data
from paddle_transfer.report.html.dataset import Dataset, read_dataset
from paddle_transfer.report.html.figures.winner import Bin
from paddle_transfer.report.html.page import write_report
from paddle_transfer.report.html.winner import Winner, calibration_error, read_winner
from tests.helpers.configs import base_config
from tests.helpers.records import record, shown_settings
from tests.helpers.saved_study import write_study

LABELS = [0, 0, 1, 1, 2, 2]
#: The answers: right, right, right, 2 for 1, 0 for 2, right.
LOGITS = np.log([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.05, 0.05, 0.9],
                 [0.6, 0.1, 0.3], [0.1, 0.1, 0.8]])
ANSWERS = Predictions.of(LOGITS, np.array(LABELS))


@pytest.fixture
def folder(tmp_path):
    """A search of six images of three classes with its answers."""
    for i in range(len(LABELS)):
        Image.new("RGB", (40, 30), (40 * i, 0, 0)).save(tmp_path / f"{i}.png")
    for part in ("train", "val"):
        lines = [f"{i}.png {label}\n" for i, label in enumerate(LABELS)]
        (tmp_path / f"{part}_list.txt").write_text("".join(lines))
    (tmp_path / "label_list.txt").write_text("0 cat\n1 dog\n2 dog\n")
    config = base_config(tmp_path)
    config["Arch"]["class_num"] = 3
    settings = shown_settings(tmp_path / "out", base_config=config)
    root = write_study(settings, [record(0, 0.01, value=4 / 6), record(1, 0.001, value=0.5)])
    ANSWERS.write(root / FILE)
    return root


def test_its_tables_count_every_image():
    winner = Winner(ANSWERS, ("a", "b", "c"))
    assert winner.matrix() == [[2, 0, 0], [0, 1, 1], [1, 0, 1]]
    assert winner.accuracy == pytest.approx(4 / 6)
    assert [(one.name, one.right, one.count) for one in winner.classes()] == [
        ("a", 2, 2), ("b", 1, 2), ("c", 1, 2)]
    assert winner.pairs() == [("b", "c", 1, 2), ("c", "a", 1, 2)]
    assert [(one.true, one.answered, round(one.confidence, 2), round(one.own, 2))
            for one in winner.mistakes()] == [("b", "c", 0.9, 0.05), ("c", "a", 0.6, 0.3)]


def test_the_calibration_error_is_that_of_guo():
    bins = [Bin(0.0, 0.5, 1, 0.4, 1.0), Bin(0.5, 1.0, 3, 0.8, 2 / 3)]
    assert calibration_error(bins) == pytest.approx((0.6 + 3 * abs(0.8 - 2 / 3)) / 4)
    assert calibration_error([Bin(0.0, 1.0, 0, 0.0, 0.0)]) == 0.0
    made = Winner(ANSWERS, ("a", "b", "c")).bins()
    assert sum(one.count for one in made) == len(LABELS)
    assert all(one.low <= one.confidence <= one.high + 1e-6 for one in made if one.count)


def test_the_page_shows_them_with_their_pictures(folder):
    page = write_report(folder).read_text(encoding="utf-8")
    mistakes = re.search(r'<ul class="pictures">(.*?)</ul>', page, re.DOTALL)[1]
    assert re.findall(r'alt="([^"]+)"', mistakes) == ["3.png", "4.png"]
    assert mistakes.count("data:image/webp;base64,") == 2
    assert "66.67" in page
    figures = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])["figures"]
    assert figures["confusion"]["data"][0]["x"] == ["cat", "dog (1)", "dog (2)"], "all distinct"
    assert {"reliability", "per_class", "class_counts"} <= set(figures)
    assert all(go.Figure(one).data for one in figures.values()), "Plotly finds no mistake in them"


def test_a_list_that_has_changed_names_no_picture(folder):
    data = read_search_data(folder)
    (folder.parent / "val_list.txt").write_text("0.png 0\n")
    assert read_winner(data, read_dataset(data.config)).files == ()
    assert 'class="gone"' in write_report(folder).read_text(encoding="utf-8")


@pytest.mark.parametrize("spoil", [
    lambda file: file.unlink(), lambda file: file.write_bytes(b"no picture"),
    lambda file: Image.new("RGB", (90, 90)).save(file)], ids=["gone", "broken", "large"])
def test_images_that_cannot_be_shown_are_told(folder, monkeypatch, spoil):
    monkeypatch.setattr(pictures, "PIXELS", 80 * 80)
    spoil(folder.parent / "3.png")
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count('class="gone"') == 1


def test_no_answers_are_no_fault(folder):
    (folder / FILE).unlink()
    assert read_winner(read_search_data(folder), Dataset()) is None
    assert 'data-t="no_predictions"' in write_report(folder).read_text(encoding="utf-8")
