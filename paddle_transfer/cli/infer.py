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
    for files, found in engine.predictions():
        if isinstance(found, Exception):
            print(f"cannot read {files[0]}: {type(found).__name__}: {found}", file=sys.stderr)
            broken += 1
            continue
        for file, result in zip(files, found, strict=False):
            row = {"file_name": file, **result} if isinstance(result, dict) else [file, result]
            print(json.dumps(row, default=str))
        good += len(files)
    if broken:
        print(f"{broken} of {broken + good} images could not be read", file=sys.stderr)
    return int(bool(broken and not good))


COMMAND = engine_command(__doc__, infer, mode="infer", log_file=False)
