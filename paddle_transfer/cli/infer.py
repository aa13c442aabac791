"""Predict images: %(prog)s -c config.yaml -o Infer.infer_imgs=FOLDER -o Global.pretrained_model=...

Prints one JSON object per image: file_name, class_ids, scores, label_names. Images that cannot be
read, or are skipped, are named on stderr; the exit code is 1 if none can be read.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from paddle_transfer.cli.engine import engine_command

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

#: Of the files that PaddleClas predicts, in its letters.
ENDINGS = ("jpg", "png", "jpeg", "JPEG", "JPG", "bmp")


def infer(engine: TransferEngine) -> int:
    """Predict; print a JSON object per image."""
    good, broken = 0, 0
    causes: dict[str, str] = {}  # of images without a prediction, with the first of them
    predicted = set[str]()
    for files, found in engine.predictions():
        predicted.update(map(os.path.normpath, files))
        if isinstance(found, Exception):
            first = causes.setdefault(str(found).replace(files[0], "", 1), files[0])
            print(f"error: {found}" if first == files[0] else f"error: {files[0]}: as {first}",
                  file=sys.stderr)
            broken += 1
            continue
        for file, result in zip(files, found, strict=False):
            row = {"file_name": file, **result} if isinstance(result, dict) else [file, result]
            print(json.dumps(row, default=str))
        good += len(files)
    if broken:
        print(f"{broken} of {broken + good} images have no prediction", file=sys.stderr)
    section = engine.config["Infer"]
    if os.environ.get("PADDLE_TRAINERS_NUM", "1") == "1" and not section.get("infer_list"):
        for note in skipped(str(section["infer_imgs"]), predicted):
            print(note, file=sys.stderr)
    return int(bool(broken and not good))


def skipped(folder: str, predicted: Collection[str]) -> list[str]:
    """Sentences about the images in ``folder`` that were not predicted: PaddleClas takes files by
    their endings, and before 2.5 none of the folders below."""
    from paddle_transfer.datasets.skipped import Skipped, is_image, is_litter  # cv2

    found = Skipped()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        for name in sorted(files):
            path = os.path.join(place, name)
            if (not is_litter(name) and is_image(name, convertible=True)
                    and os.path.normpath(path) not in predicted):
                ending = os.path.splitext(name)[1]
                found.add(path, "in folders below" if ending[1:] in ENDINGS else ending)
    notes = found.notes()
    return [*notes, f"PaddleClas predicts files that end in {', '.join(ENDINGS)}"] if notes else []


COMMAND = engine_command(__doc__, infer, mode="infer", log_file=False)
