"""A sheet of pictures for the eye: a row per class, the original first, then as training sees it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from itertools import islice
from pathlib import Path

from paddle_transfer.checks.config_splits import class_count, splits_of
from paddle_transfer.checks.findings import Report
from paddle_transfer.checks.listfile import read_label_list
from paddle_transfer.errors import DataError

SIZE, COLUMNS, CLASSES, MARGIN, TEXT = 96, 8, 40, 4, 150  # px, pictures a row, rows at most, px, px


def write_sheet(config: dict, path: str, *, paddleclas: str | None = None, seed: int = 0) -> str:
    """Write a PNG of up to 40 classes; returns a sentence about it.

    Without Paddle or PaddleClas the pictures are shown without augmentation.
    """
    rows = choose(config, seed=seed)
    if not rows:
        return "no contact sheet: no training image could be found"
    with tempfile.TemporaryDirectory() as folder:
        pictures, problem = _augmented(config, rows, os.path.join(folder, "out.npy"),
                                       paddleclas=paddleclas, seed=seed)
    sheet = compose(rows, pictures, names=_names(config))
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        temporary = f"{path}.part"
        sheet.save(temporary, format="PNG")
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(
            f"{path}: the contact sheet cannot be written: {error.strerror or error}") from None
    return f"contact sheet: {path}" + (f" (without augmentation: {problem})" if problem else "")


def choose(config: dict, *, seed: int) -> dict[int, list[str]]:
    """label -> COLUMNS - 1 training images that are there, drawn with the seed (again and again when there are
    few); at most CLASSES labels, spread evenly."""
    split = next(
        (split for split in splits_of(config, file="", report=Report()) if split.name == "train"),
        None)
    images: dict[int, list[str]] = defaultdict(list)
    for row, path in zip(split.rows, split.paths) if split else []:
        if row.label is not None:
            images[row.label].append(path)
    labels = sorted(images)
    labels = [
        labels[i * len(labels) // min(CLASSES, len(labels))]
        for i in range(min(CLASSES, len(labels)))
    ]
    chosen = {}
    for label in labels:
        there = images[label]
        random.Random(f"{seed}/{label}").shuffle(there)
        there = list(islice(filter(_opens, there[:4 * COLUMNS]), COLUMNS - 1))
        if there:
            chosen[label] = [there[i % len(there)] for i in range(COLUMNS - 1)]
    return chosen


def _opens(path: str) -> bool:
    from paddle_transfer.checks.images import look

    return not look(path).fault


def _augmented(config: dict, rows: dict[int, list[str]], out: str, *, paddleclas: str | None,
               seed: int):
    """The pictures of all rows in order, or None and why not. In a process of its own: Paddle stays out of ours."""
    import numpy as np

    job = {"images": [image for images in rows.values() for image in images],
           "labels": [label for label, images in rows.items() for _ in images],
           "dataset": config["DataLoader"]["Train"]["dataset"], "class_num": class_count(config),
           "size": SIZE, "seed": seed, "paddleclas": paddleclas, "out": out}
    package = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, "-m", "paddle_transfer.worker.augment"],
                          input=json.dumps(job), text=True, capture_output=True,
                          env={**os.environ, "PYTHONPATH": search, "OMP_NUM_THREADS": "1"})
    if done.returncode or not os.path.exists(out):
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        return None, lines[-1].strip() if lines else f"exit code {done.returncode}"
    return np.load(out), ""


def compose(rows: dict[int, list[str]], pictures, *, names: dict[int, str]):
    """The sheet as a Pillow image; ``pictures`` (n, SIZE, SIZE, 3) or None for the originals."""
    from PIL import Image, ImageDraw

    step = SIZE + MARGIN
    sheet = Image.new("RGB", (TEXT + COLUMNS * step, len(rows) * step + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for y, (label, images) in enumerate(rows.items()):
        top = MARGIN + y * step
        draw.text((MARGIN, top), _wrapped(f"{label} {names.get(label, '')}"), fill="black")
        sheet.paste(_original(images[0]), (TEXT, top))
        for x, image in enumerate(images):
            picture = (Image.fromarray(pictures[y * len(images) +
                                                x]) if pictures is not None else _original(image))
            sheet.paste(picture, (TEXT + (x + 1) * step, top))
    return sheet


def _original(path: str):
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return ImageOps.fit(image.convert("RGB"), (SIZE, SIZE))


def _wrapped(text: str, width: int = 22) -> str:
    # Pillow's own font knows Latin letters only
    text = text.encode("latin1", "replace").decode("latin1")
    return "\n".join(text[i:i + width] for i in range(0, len(text), width))


def _names(config: dict) -> dict[int, str]:
    file = ((config.get("Infer") or {}).get("PostProcess") or {}).get("class_id_map_file")
    return read_label_list(str(file)) if file and os.path.isfile(str(file)) else {}
