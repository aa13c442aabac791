"""Predict images: %(prog)s -c config.yaml -o Infer.infer_imgs=FOLDER -o Global.pretrained_model=...

Prints one JSON object per image: file_name, class_ids, scores, label_names. Images that cannot be
read are named on stderr; the exit code is 1 if none can.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from paddle_transfer.cli.engine import engine_command

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine


def infer(engine: TransferEngine) -> int:
    """Predict; print a JSON object per image."""
    good, broken = 0, 0
    causes: dict[str, str] = {}  # of images without a prediction, with the first of them
    for files, found in engine.predictions():
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
    return int(bool(broken and not good))


COMMAND = engine_command(__doc__, infer, mode="infer", log_file=False)
