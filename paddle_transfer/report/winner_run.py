"""The best network's answers on the validation list as a run: its confusion matrix and its worst
images as pictures, drawn by Pillow, and what they are as a text."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.html.dataset import read_dataset
from paddle_transfer.report.html.winner import Mistake, Winner, read_winner
from paddle_transfer.report.run_folder import RunFolder
from paddle_transfer.report.runs import Pixels

#: Classes up to which the matrix has numbers and names, and about its side in px beyond.
READABLE, SIDE = 40, 900
#: In px: a cell of the matrix, a picture, a line of text, the widest name.
CELL, PICTURE, LINE, NAME = 34, 128, 16, 170
COLUMNS = 6
RIGHT, WRONG = (31, 111, 180), (224, 110, 30)  # of all images of a class; fewer are paler


def write_winner(runs: RunFolder, data: SearchData) -> None:
    """Write the run ``winner``, where the answers of the best network are known."""
    found = read_winner(data, read_dataset(data.config)) if data.best is not None else None
    if found is None:
        return
    run, mistakes = runs.begin("winner"), found.mistakes()
    run.image("winner/confusion_matrix", confusion_picture(found.names, found.matrix()))
    if mistakes:
        run.image("winner/worst_images", mistakes_picture(mistakes))
    run.text("winner/answers", "\n".join(_lines(found, mistakes)))
    runs.open.pop("winner").close()


def _lines(found: Winner, mistakes: Sequence[Mistake]) -> list[str]:
    wrong = int((~found.right).sum())
    return [f"{found.accuracy:.4f} of {len(found.right)} validation images are right, {wrong} "
            "wrong; the wrong answers that are most confident:",
            *(f"{number}. {one.image.file if one.image else 'an image'}: {one.answered} "
              f"({one.confidence:.2f}) instead of {one.true} ({one.own:.2f})"
              for number, one in enumerate(mistakes, start=1))]


def confusion_picture(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> Pixels:
    """A row for each true class, a column for each answer; colours are shares of the row.

    :param matrix: [true][answered] -> images
    """
    numbers, readable = np.asarray(matrix), len(names) <= READABLE
    cell = CELL if readable else max(2, SIDE // len(names))
    left, top = (NAME, 2 * LINE) if readable else (0, 0)
    shares = numbers / np.maximum(1, numbers.sum(axis=1, keepdims=True))
    hues = np.where(np.eye(len(names), dtype=bool)[..., None], RIGHT, WRONG)
    colours = np.rint(255 + shares[..., None] * (hues - 255.0)).astype(np.uint8)
    cells = Image.fromarray(colours.repeat(cell, axis=0).repeat(cell, axis=1))
    picture = Image.new("RGB", (left + cells.width + 1, top + cells.height + 1), "white")
    picture.paste(cells, (left, top))
    if readable:
        _write_numbers(ImageDraw.Draw(picture), names, numbers, shares)
    return np.asarray(picture)


def _write_numbers(draw: ImageDraw.ImageDraw, names: Sequence[str], numbers: npt.NDArray[np.int_],
                   shares: npt.NDArray[np.float64]) -> None:
    font, top = ImageFont.load_default(13), 2 * LINE
    draw.text((4, 4), "true \\ answered", font=font, fill="#666666")
    for i, name in enumerate(names):
        draw.text((4, top + (i + 0.5) * CELL), _latin(f"{i} {name}", 22), font=font, fill="black",
                  anchor="lm")
        draw.text((NAME + (i + 0.5) * CELL, top - LINE / 2), str(i), font=font, fill="black",
                  anchor="mm")
    for (y, x), number in np.ndenumerate(numbers):
        left, above = NAME + x * CELL, top + y * CELL
        draw.rectangle((left, above, left + CELL, above + CELL), outline="#dddddd")
        if number:
            draw.text((left + CELL / 2, above + CELL / 2), str(number), font=font, anchor="mm",
                      fill="white" if shares[y, x] > 0.6 else "black")


def mistakes_picture(mistakes: Sequence[Mistake]) -> Pixels:
    """The images with what they are and what the network takes them for, in rows of ``COLUMNS``."""
    width, height = PICTURE + 8, PICTURE + 3 * LINE + 8
    columns = min(COLUMNS, len(mistakes))
    rows = -(-len(mistakes) // columns)
    picture = Image.new("RGB", (columns * width, rows * height), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for i, one in enumerate(mistakes):
        left, top = i % columns * width + 4, i // columns * height + 4
        if one.image is not None and one.image.source is not None:
            content = base64.b64decode(one.image.source.partition(",")[2])
            with Image.open(io.BytesIO(content)) as image:
                picture.paste(image.convert("RGB").resize((PICTURE, PICTURE)), (left, top))
        lines = (f"{i + 1}. {one.confidence:.2f} sure of", one.answered, f"but is {one.true}")
        for number, (text, colour) in enumerate(zip(lines, ("#666666", "#b04a00", "black"),
                                                    strict=True)):
            draw.text((left, top + PICTURE + 2 + number * LINE), _latin(text, 19), font=font,
                      fill=colour)
    return np.asarray(picture)


def _latin(text: str, length: int) -> str:
    """All that Pillow's own font has, and not too long; the run's text has whole names."""
    shown = text.encode("latin1", "replace").decode("latin1")
    return shown if len(shown) <= length else f"{shown[:length - 2]}.."
