"""A contact sheet: one row of images per class, the original first, then as training sees them; the
same of a source, and some rows of images without labels."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from paddle_transfer.checks.sheet_rows import COLUMNS, Row, choose_rows
from paddle_transfer.config import resolve
from paddle_transfer.errors import DataError
from paddle_transfer.files import open_file

SIZE, MARGIN, TEXT = 96, 4, 150  # px: an image, the space between two, the column of names
#: What a sheet's file says of itself.
SOFTWARE = "paddle_transfer contact sheet"

Pictures = npt.NDArray[np.uint8]  # (n, SIZE, SIZE, 3) in RGB


def write_sheet(config: dict[str, Any], path: str, *, paddleclas: str | None = None,
                seed: int = 0) -> str:
    """Write a PNG of up to ``MAX_CLASSES`` classes; returns a sentence about it.

    Without Paddle or PaddleClas the images are shown without augmentation. Raises DataError, also
    for a file that is there and no contact sheet.
    """
    _check_free(path)
    rows, left_out = choose_rows(config, seed=seed)
    if not rows:
        return "no contact sheet: no training image could be found"
    with tempfile.TemporaryDirectory() as folder:
        pictures, problem = _augment(config, rows, os.path.join(folder, "out.npy"),
                                     paddleclas=paddleclas, seed=seed)
    sheet = compose(rows, pictures)
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        temporary = f"{path}.part"
        sheet.save(temporary, format="PNG", pnginfo=_mark())
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path}: the contact sheet cannot be written: "
                        f"{error.strerror or error}") from None
    remarks = [*left_out, *([f"without augmentation: {problem}"] if problem else [])]
    return f"contact sheet: {path}" + (f" ({'; '.join(remarks)})" if remarks else "")


def _mark() -> PngInfo:
    """What tells a contact sheet from other pictures."""
    mark = PngInfo()
    mark.add_text("Software", SOFTWARE)
    return mark


def _check_free(path: str) -> None:
    """Raise DataError if a file that is no contact sheet would be overwritten."""
    if not os.path.lexists(path):
        return
    try:
        with open_file(path) as stream, Image.open(stream) as image:
            if (image.info.get("Software") == SOFTWARE
                    or image.width == TEXT + COLUMNS * (SIZE + MARGIN)):  # of an earlier version
                return
    except Exception:  # Pillow's readers raise exceptions of any type
        pass
    raise DataError(f"{path}: is there already, and is no contact sheet. Choose another name")


def _augment(config: dict[str, Any], rows: Sequence[Row], out: str, *, paddleclas: str | None,
             seed: int) -> tuple[Pictures | None, str]:
    """The images of all rows in order, or None and the reason. Runs in a process of its own, which
    keeps Paddle out of this one."""
    job = {"parts": list(_parts(config, rows)), "size": SIZE, "seed": seed,
           "paddleclas": paddleclas, "out": out}
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "paddle_transfer.worker.call", "--function",
               "transforms:write_augmented", "--report-fd", "1", "--parent", str(os.getpid())]
    done = subprocess.run(command, input=json.dumps(job), text=True, capture_output=True,
                          check=False, env={**os.environ, "PYTHONPATH": path,
                                            "OMP_NUM_THREADS": "1"})
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    answer = json.loads(done.stdout.splitlines()[-1])
    return (None, answer["error"]) if "error" in answer else (np.load(out), "")


def _parts(config: dict[str, Any], rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """What is transformed alike: the rows of each section."""
    for section in dict.fromkeys(row.section for row in rows):
        some = [row for row in rows if row.section == section]
        yield {"images": [image for row in some for image in row.images],
               "labels": [row.label for row in some for _ in row.images],
               "dataset": config["DataLoader"][section]["dataset"],
               "class_num": resolve.mixed_classes(config)}


def compose(rows: Sequence[Row], pictures: Pictures | None) -> Image.Image:
    """The sheet; without ``pictures`` the originals are shown."""
    step = SIZE + MARGIN
    sheet = Image.new("RGB", (TEXT + COLUMNS * step, len(rows) * step + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        top = MARGIN + y * step
        draw.text((MARGIN, top), _wrap(row.title), fill="black")
        sheet.paste(_original(row.images[0]), (TEXT, top))
        for x, path in enumerate(row.images):
            image = (_original(path) if pictures is None
                     else Image.fromarray(pictures[y * len(row.images) + x]))
            sheet.paste(image, (TEXT + (x + 1) * step, top))
    return sheet


def _original(path: str) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.fit(image.convert("RGB"), (SIZE, SIZE))


def _wrap(text: str, width: int = 22) -> str:
    text = text.encode("latin1", "replace").decode("latin1")  # all that Pillow's own font has
    return "\n".join(text[i:i + width] for i in range(0, len(text), width))
