"""Predictions for files, each of which may be readable or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import paddle
from ppcls.data.utils.get_image_list import get_image_list
from ppcls.engine.engine import Engine

from paddle_transfer.errors import TrialError
from paddle_transfer.files import read_bytes
from paddle_transfer.worker.batches import autocast
from paddle_transfer.worker.data_faults import MAX_IMAGE, unusable_image

#: (files, what ``Infer.PostProcess`` makes of them), or ([file], the error why it has none)
Prediction = tuple[list[str], Any]


def predictions(engine: Engine) -> Iterator[Prediction]:
    """Predict batch by batch. Raises TrialError: ``Infer.infer_imgs`` names no image.

    PaddleClas 2.4 ends at the first broken image; later versions go on, but lose the last batch
    when its last image is broken.
    """
    section = engine.config["Infer"]
    more = {"infer_list": section["infer_list"]} if section.get("infer_list") else {}
    try:
        files = get_image_list(section["infer_imgs"], **more)
    except Exception as error:  # PaddleClas raises Exception itself here
        raise TrialError(f"Infer.infer_imgs: {error}") from error
    engine.model.eval()
    batch: list[tuple[str, np.ndarray]] = []
    for file in files[paddle.distributed.get_rank()::paddle.distributed.get_world_size()]:
        try:
            image: Any = read_bytes(file, MAX_IMAGE)
            for operator in engine.preprocess_func:
                image = operator(image)
        except Exception as error:  # operators of four versions and three libraries raise anything
            yield [file], unusable_image(file, error)
            continue
        batch.append((file, image))
        if len(batch) >= section["batch_size"]:
            yield _predict(engine, batch)
            batch = []
    if batch:
        yield _predict(engine, batch)


def _predict(engine: Engine, batch: list[tuple[str, np.ndarray]]) -> Prediction:
    names = [name for name, _ in batch]
    with paddle.no_grad(), autocast(engine, is_eval=True):
        out = engine.model(paddle.to_tensor(np.stack([image for _, image in batch])))
    if isinstance(out, (list, tuple)):
        out = out[0]
    for key in ("Student", "logits", "output"):
        if isinstance(out, dict) and key in out:
            out = out[key]
    return names, engine.postprocess_func(out, names)
