"""Images as training sees them: PaddleClas's own transforms, made visible again."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
import paddle
from ppcls.data import preprocess
from ppcls.data.dataloader.common_dataset import create_operators


def write_augmented(job: dict[str, Any]) -> None:
    """Write the images of ``job`` after transform_ops and batch_transform_ops: an array
    (n, size, size, 3) of uint8 in RGB (.npy).

    :param job: ``parts``, each with ``images`` (paths), ``labels``, ``dataset`` (the config's
        section) and ``class_num``; ``size`` (px of an image), ``seed``, ``out`` (the file to write)
    """
    random.seed(job["seed"])
    np.random.seed(job["seed"])
    paddle.seed(job["seed"])
    np.save(job["out"], np.stack([
        _visible(image, part["dataset"], job["size"])
        for part in job["parts"] for image in _transformed(part)]))


def _transformed(part: dict[str, Any]) -> list[np.ndarray]:
    """CHW images, as a batch of training has them."""
    dataset = part["dataset"]
    operators = create_operators(dataset.get("transform_ops"))
    batch: list[Any] = []
    for path, label in zip(part["images"], part["labels"], strict=True):
        with open(path, "rb") as stream:
            image = np.asarray(preprocess.transform(stream.read(), operators), "float32")
        batch.append((image.transpose(2, 0, 1), np.int64(label)))
    for entry in dataset.get("batch_transform_ops") or []:
        for name, arguments in entry.items():
            operator = getattr(preprocess, name)
            batch = operator(**{**(arguments or {}), "class_num": part.get("class_num")})(batch)
    return [item[0] for item in batch]


def _visible(image: np.ndarray, dataset: dict[str, Any], size: int) -> np.ndarray:
    """A normalized CHW float image as HWC bytes."""
    image = np.asarray(image).transpose(1, 2, 0)
    normalize = next((entry["NormalizeImage"] for entry in dataset.get("transform_ops") or []
                      if "NormalizeImage" in entry), None)
    if normalize is not None:
        normalize = normalize or {}
        mean = np.array(normalize.get("mean") or [0.485, 0.456, 0.406], "float32")
        std = np.array(normalize.get("std") or [0.229, 0.224, 0.225], "float32")
        image = (image * std + mean) * 255  # as every config has scale 1/255
    return np.asarray(cv2.resize(np.clip(image, 0, 255).astype("uint8"), (size, size),
                                 interpolation=cv2.INTER_AREA))
