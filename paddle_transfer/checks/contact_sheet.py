"""A contact sheet: one row of images per class, the original first, then as training sees them."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from paddle_transfer.checks.config_splits import label_list_file, read_splits
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.images import inspect_image
from paddle_transfer.checks.label_list import read_label_list
from paddle_transfer.config import resolve
from paddle_transfer.errors import DataError, one_line
from paddle_transfer.files import open_file

SIZE, MARGIN, TEXT = 96, 4, 150  # px: an image, the space between two, the column of names
COLUMNS, MAX_CLASSES = 8, 40     # images a row, rows
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
    rows, left_out = _choose(_training_images(config), seed)
    if not rows:
        return "no contact sheet: no training image could be found"
    with tempfile.TemporaryDirectory() as folder:
        pictures, problem = _augment(config, rows, os.path.join(folder, "out.npy"),
                                     paddleclas=paddleclas, seed=seed)
    names = label_list_file(config)
    try:
        sheet = compose(rows, pictures, names=read_label_list(names)[0] if names else {})
    except OSError as error:
        raise DataError(f"{names}: {error.strerror}") from error
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


def choose_images(config: dict[str, Any], *, seed: int) -> dict[int, list[str]]:
    """label -> ``COLUMNS`` - 1 good training images, drawn with ``seed`` (repeated if there are
    fewer), of up to ``MAX_CLASSES`` labels, spread evenly."""
    return _choose(_training_images(config), seed)[0]


def _training_images(config: dict[str, Any]) -> dict[int, list[str]]:
    images: dict[int, list[str]] = defaultdict(list)
    for split in read_splits(config, file="", report=Report()):
        if split.name == "train":
            for row, path in zip(split.rows, split.paths, strict=True):
                if row.label is not None:
                    images[row.label].append(path)
    return images


def _choose(images: dict[int, list[str]], seed: int) -> tuple[dict[int, list[str]], list[str]]:
    """The images of ``choose_images``, and remarks about what is left out."""
    labels = sorted(images)
    count = min(MAX_CLASSES, len(labels))
    chosen, bad, empty = dict[int, list[str]](), list[str](), list[str]()
    for label in (labels[i * len(labels) // count] for i in range(count)):
        paths = images[label]
        random.Random(f"{seed}/{label}").shuffle(paths)
        good = list[str]()
        for path in paths[:4 * COLUMNS]:
            if len(good) < COLUMNS - 1:
                (bad if inspect_image(path).fault else good).append(path)
        if good:
            chosen[label] = [good[i % len(good)] for i in range(COLUMNS - 1)]
        else:
            empty.append(str(label))
    remarks = [f"{count} of {len(labels)} classes"] if count < len(labels) else []
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        remarks.append(f"left out, broken or missing: {one_line(bad[0], 200)}{more}")
    if empty:
        remarks.append(f"no good image of class {one_line(', '.join(empty), 100)}")
    return chosen, remarks


def _augment(config: dict[str, Any], rows: dict[int, list[str]], out: str, *,
             paddleclas: str | None, seed: int) -> tuple[Pictures | None, str]:
    """The images of all rows in order, or None and the reason. Runs in a process of its own, which
    keeps Paddle out of this one."""
    job = {"images": [image for images in rows.values() for image in images],
           "labels": [label for label, images in rows.items() for _ in images],
           "dataset": config["DataLoader"]["Train"]["dataset"],
           "class_num": resolve.mixed_classes(config),
           "size": SIZE, "seed": seed, "paddleclas": paddleclas, "out": out}
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


def compose(rows: dict[int, list[str]], pictures: Pictures | None, *,
            names: dict[int, str]) -> Image.Image:
    """The sheet; without ``pictures`` the originals are shown."""
    step = SIZE + MARGIN
    sheet = Image.new("RGB", (TEXT + COLUMNS * step, len(rows) * step + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for y, (label, paths) in enumerate(rows.items()):
        top = MARGIN + y * step
        draw.text((MARGIN, top), _wrap(f"{label} {names.get(label, '')}"), fill="black")
        sheet.paste(_original(paths[0]), (TEXT, top))
        for x, path in enumerate(paths):
            image = (_original(path) if pictures is None
                     else Image.fromarray(pictures[y * len(paths) + x]))
            sheet.paste(image, (TEXT + (x + 1) * step, top))
    return sheet


def _original(path: str) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.fit(image.convert("RGB"), (SIZE, SIZE))


def _wrap(text: str, width: int = 22) -> str:
    text = text.encode("latin1", "replace").decode("latin1")  # all that Pillow's own font has
    return "\n".join(text[i:i + width] for i in range(0, len(text), width))
