"""The best network's answers as pictures, in VisualDL's and TensorBoard's files."""

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from visualdl import LogReader

from paddle_transfer.predictions import FILE
from paddle_transfer.report.html.pictures import Picture
from paddle_transfer.report.html.winner import Mistake
from paddle_transfer.report.run_export import write_runs
from paddle_transfer.report.winner_run import (
    CELL,
    NAME,
    RIGHT,
    SIDE,
    WRONG,
    confusion_picture,
    mistakes_picture,
)
from tests.report.html.test_winner import folder  # noqa: F401 (a fixture)

TOLD = ("0.6667 of 6 validation images are right, 2 wrong; the wrong answers that are most "
        "confident:", "3.png: dog (2) (0.90) instead of dog (1) (0.05)",
        "4.png: cat (0.60) instead of dog (2) (0.30)")


def test_visualdl_gets_the_matrix_the_images_and_what_they_are(folder):  # noqa: F811
    run = write_runs(folder, "visualdl") / "winner"
    reader = LogReader(file_path=str(next(run.glob("*vdlrecords*"))))
    for tag in ("winner/confusion_matrix", "winner/worst_images"):
        (item,) = reader.get_data("image", tag)
        assert Image.open(io.BytesIO(item.image.encoded_image_string)).height > 50
    (text,) = reader.get_data("text", "winner/answers")
    for line in TOLD:
        assert line in text.text.encoded_text_string


def test_tensorboard_gets_the_same(folder):  # noqa: F811
    run = EventAccumulator(str(write_runs(folder, "tensorboard") / "winner"))
    run.Reload()
    assert set(run.Tags()["images"]) == {"winner/confusion_matrix", "winner/worst_images"}
    (item,) = run.Images("winner/worst_images")
    assert Image.open(io.BytesIO(item.encoded_image_string)).width == item.width > 128
    (text,) = run.Tensors("winner/answers/text_summary")
    for line in TOLD:
        assert line in text.tensor_proto.string_val[0].decode()


def test_without_answers_there_is_no_such_run(folder):  # noqa: F811
    (folder / FILE).unlink()
    assert not (write_runs(folder, "visualdl") / "winner").exists()


def cell(pixels, row, column):
    """The colour at the edge of a cell, beside its number."""
    top = len(pixels) - 1 - 2 * CELL
    return tuple(pixels[top + row * CELL + 3, NAME + column * CELL + 3])


def test_the_colours_of_the_matrix_are_shares_of_its_rows():
    pixels = confusion_picture(["cat", "dog"], [[3, 0], [5, 5]])
    assert cell(pixels, 0, 0) == RIGHT
    assert cell(pixels, 0, 1) == (255, 255, 255)
    assert cell(pixels, 1, 0) == tuple(round(255 + (part - 255) / 2) for part in WRONG)


@pytest.mark.parametrize("count", [1, 41, 1000])
def test_the_matrix_of_many_classes_is_of_bounded_size(count):
    height, width, channels = confusion_picture(["x"] * count, np.eye(count, dtype=int)).shape
    assert channels == 3
    assert max(height, width) <= 2 * max(SIDE, count) + NAME


def test_an_image_that_cannot_be_shown_leaves_its_place_empty():
    mistakes = [Mistake(None, "猫", "狗" * 50, 0.9, 0.1),
                Mistake(Picture("x.png", None), "cat", "dog", 0.8, 0.1)]
    pixels = mistakes_picture(mistakes)
    assert (pixels[10:100, 10:100] == 255).all()
    assert (pixels < 128).any(), "but it has its text"
