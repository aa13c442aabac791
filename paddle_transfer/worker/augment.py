"""Pictures as training sees them, for the contact sheet: PaddleClas's own transforms, made visible again.

``python -m paddle_transfer.worker.augment`` reads a job (JSON) from stdin: ``images`` (paths), ``labels``,
``dataset`` (the config's section), ``class_num``, ``size`` (px of a picture), ``seed``, ``paddleclas``, ``out``.
It writes an array (n, size, size, 3) of uint8 in RGB to ``out`` (.npy).
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.worker.engine import load_ppcls
from paddle_transfer.worker.locate import locate


def augment(job: dict):
    """The pictures of ``job`` after transform_ops and batch_transform_ops. Needs Paddle and PaddleClas."""
    load_ppcls(locate(job.get("paddleclas")))
    import numpy as np
    import paddle
    from ppcls.data.dataloader.common_dataset import create_operators
    from ppcls.data.preprocess import transform

    random.seed(job["seed"])
    np.random.seed(job["seed"])
    paddle.seed(job["seed"])
    dataset = job["dataset"]
    ops = create_operators(dataset.get("transform_ops"))
    batch = []
    for path, label in zip(job["images"], job["labels"]):
        with open(path, "rb") as stream:
            batch.append((np.asarray(transform(stream.read(), ops),
                                     "float32").transpose(2, 0, 1), np.int64(label)))
    for op in _batch_operators(dataset.get("batch_transform_ops"), job.get("class_num")):
        batch = op(batch)
    return np.stack([_visible(item[0], dataset, job["size"]) for item in batch])


def _batch_operators(described: Any, class_num: Any) -> list:
    from ppcls.data import preprocess

    return [getattr(preprocess, name)(**{**(arguments or {}), "class_num": class_num})
            for entry in described or [] for name, arguments in entry.items()]


def _visible(image, dataset: dict, size: int):
    """A normalized CHW float picture as HWC bytes."""
    import cv2
    import numpy as np

    image = np.asarray(image).transpose(1, 2, 0)
    normalize = next((entry["NormalizeImage"] for entry in dataset.get("transform_ops") or []
                      if "NormalizeImage" in entry), None)
    if normalize is not None:
        normalize = normalize or {}
        mean = np.array(normalize.get("mean") or [0.485, 0.456, 0.406], "float32")
        std = np.array(normalize.get("std") or [0.229, 0.224, 0.225], "float32")
        image = (image * std + mean) * 255  # as every config has scale 1/255
    return cv2.resize(
        np.clip(image, 0, 255).astype("uint8"), (size, size), interpolation=cv2.INTER_AREA)


def main() -> int:
    job = json.load(sys.stdin)
    try:
        pictures = augment(job)
    except PaddleTransferError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    import numpy as np

    np.save(job["out"], pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
