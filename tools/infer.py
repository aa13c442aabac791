#!/usr/bin/env python
"""Predicts images: python tools/infer.py -c config.yaml -o Infer.infer_imgs=folder -o Global.pretrained_model=...

Prints one JSON object per image: file_name, class_ids, scores, label_names. Images that cannot be read are named on
stderr; the exit code is 1 when none can.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli import engine_tools


def infer(engine) -> int:
    from paddle_transfer.worker.infer import predictions

    good, broken = 0, 0
    for files, found in predictions(engine):
        if isinstance(found, Exception):
            print(f"cannot read {files[0]}: {type(found).__name__}: {found}", file=sys.stderr)
            broken += 1
            continue
        for file, result in zip(files, found):
            told = {"file_name": file, **result} if isinstance(result, dict) else [file, result]
            print(json.dumps(told, default=str))
        good += len(files)
    if broken:
        print(f"{broken} of {broken + good} images could not be read", file=sys.stderr)
    return 1 if broken and not good else 0


def main() -> int:
    return engine_tools.run(
        engine_tools.parser(__doc__).parse_args(), infer, mode="infer", log_file=False)


if __name__ == "__main__":
    sys.exit(main())
