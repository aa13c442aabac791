"""Predictions for files, one at a time readable or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer.errors import TrialError


def predictions(engine) -> Iterator[tuple[list[str], Any]]:
    """(files, what ``Infer.PostProcess`` makes of them) per batch; ([file], the exception) for one that cannot be read.

    PaddleClas 2.4 ends at the first broken image; later versions go on, but lose the last batch when its last
    image is broken.

    :raises TrialError: ``Infer.infer_imgs`` names no image
    """
    import paddle

    settings = engine.config["Infer"]
    files = _files(settings)[paddle.distributed.get_rank()::paddle.distributed.get_world_size()]
    engine.model.eval()
    batch: list = []
    names: list[str] = []
    for file in files:
        try:
            with open(file, "rb") as stream:
                image: Any = stream.read()
            for operator in engine.preprocess_func:
                image = operator(image)
        except Exception as error:  # any: the operators of four versions and three libraries raise what they like
            yield [file], error
            continue
        batch.append(image)
        names.append(file)
        if len(batch) >= settings["batch_size"]:
            yield names, _predict(engine, batch, names)
            batch, names = [], []
    if batch:
        yield names, _predict(engine, batch, names)


def _files(settings) -> list[str]:
    from ppcls.data.utils.get_image_list import get_image_list

    more = {"infer_list": settings["infer_list"]} if settings.get("infer_list") else {}
    try:
        return get_image_list(settings["infer_imgs"], **more)
    except Exception as error:  # PaddleClas raises Exception itself here
        raise TrialError(f"Infer.infer_imgs: {error}") from error


def _predict(engine, batch: list, names: list[str]) -> Any:
    import numpy as np
    import paddle

    from paddle_transfer.worker.loops import autocast

    with paddle.no_grad(), autocast(engine, is_eval=True):
        out = engine.model(paddle.to_tensor(np.stack(batch)))
    if isinstance(out, (list, tuple)):
        out = out[0]
    for key in ("Student", "logits", "output"):
        if isinstance(out, dict) and key in out:
            out = out[key]
    return engine.postprocess_func(out, names)
