"""Runs a network once over the images of a list and keeps what its classifier gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import paddle
import ppcls.data
from paddle import Tensor, nn

from paddle_transfer.config.shared_memory import in_units
from paddle_transfer.errors import TrialError
from paddle_transfer.worker.batches import read
from paddle_transfer.worker.features.classifier import Classifier
from paddle_transfer.worker.features.feature_set import FeatureSet, Floats, TooLarge
from paddle_transfer.worker.features.passes import ENDS, answers, modes_kept, named_layer, watched
from paddle_transfer.worker.metrics import main_logits
from paddle_transfer.worker.whole_lists import read_strictly


def batches(section: dict[str, Any], place: str, *, size: int, workers: int,
            shared_memory: bool) -> Iterator[tuple[Tensor, np.ndarray]]:
    """(images, labels) of all lines of a list, in their order, in batches of ``size``.

    :param section: of the dataset, with its transforms
    :raises TrialError: an image cannot be read
    """
    arguments = {key: value for key, value in section.items() if key != "name"}
    dataset = getattr(ppcls.data, section["name"])(**arguments)
    read_strictly(dataset, place)
    loader = paddle.io.DataLoader(dataset, batch_size=size, num_workers=workers, shuffle=False,
                                  use_shared_memory=shared_memory, return_list=True)
    for batch in read(iter(loader)):
        yield paddle.to_tensor(batch[0]), np.asarray(batch[1])


class Collector:
    """Puts batches of one kind into one array (n, ...)."""

    def __init__(self, total: int):
        self._total, self._at, self.array = total, 0, np.empty(0, np.float32)

    def add(self, batch: np.ndarray) -> None:
        if not self._at:
            self.array = np.empty((self._total, *batch.shape[1:]), batch.dtype)
        if self._at + len(batch) > self._total or batch.shape[1:] != self.array.shape[1:]:
            raise TrialError(f"the images of a list have features of different shapes: "
                             f"{list(batch.shape[1:])} and {list(self.array.shape[1:])}. Let "
                             "transform_ops make all of one size")
        self.array[self._at:self._at + len(batch)] = batch
        self._at += len(batch)


def compute(model: nn.Layer, data: Iterator[tuple[Tensor, np.ndarray]], total: int, *, key: str,
            layer: str = "", classifier: Classifier | None = None, inputs: bool = False,
            room: int = 0) -> tuple[FeatureSet, str]:
    """(the features of ``total`` images, what follows the classifier: one of ``ENDS``).

    :param layer: the name of a layer whose output is wanted; else the input of ``classifier``
    :param inputs: whether what the classifier gets in training is wanted, too
    :param room: bytes that ``inputs`` may have
    :raises TooLarge: they have more
    :raises TrialError: no layer of that name, or the network's answers are not the classifier's
    """
    assert layer or classifier is not None
    place = named_layer(model, layer) if classifier is None else classifier.layer
    ends = list(ENDS) if classifier is not None else []
    found = {name: Collector(total) for name in ("features", "labels", "inputs")}
    lows, highs, same = list[Floats](), list[Floats](), True
    with modes_kept(model), watched(model, place) as seen, paddle.no_grad():
        model.eval()
        for images, labels in data:
            out = _pass(model, images)
            taken = seen.output if classifier is None else seen.input
            if taken is None:
                raise TrialError(f"no image passes through the layer {layer or place.full_name()}")
            flat, low, high = pooled(taken.astype("float32"))
            found["features"].add(flat)
            found["labels"].add(labels.reshape(-1) if labels.size == len(labels) else labels)
            lows.append(low)
            highs.append(high)
            ends = [end for end in ends if _fits(seen.output, end, out)]
            if inputs and seen.before is not None:
                before = seen.before.astype("float32").numpy()
                _check_room(before, total, room)
                found["inputs"].add(before)
                same = same and before.size == flat.size and np.array_equal(
                    before.reshape(flat.shape), flat)
    if classifier is not None and not ends:
        raise _other_answers(model, classifier)
    kept = None if not inputs else found["features" if same else "inputs"].array
    return FeatureSet(found["features"].array, found["labels"].array, np.min(lows, axis=0),
                      np.max(highs, axis=0), key, {}, kept), ends[0] if ends else ""


def _other_answers(model: nn.Layer, classifier: Classifier) -> TrialError:
    return TrialError(f"{type(model).__name__}: its answers are not those of its classifier "
                      f"{classifier.name} alone")


def _check_room(batch: np.ndarray, total: int, room: int) -> None:
    needed = total * batch[0].nbytes
    if needed > room:
        raise TooLarge(f"what the classifier gets of {total} images has {in_units(needed)}, but "
                       f"the cache of features has {in_units(room)}")


def _pass(model: nn.Layer, images: Tensor) -> Any:
    try:
        return model(images)
    except TypeError:  # a recognition model of newer versions wants the label
        return model(images, paddle.zeros([images.shape[0], 1], dtype="int64"))


def _fits(output: Tensor | None, end: str, out: Any) -> bool:
    """Whether the network's answers ``out`` follow from the classifier's ``output``."""
    if isinstance(out, (list, tuple)):
        return False  # several answers, of which each has its loss
    wanted = main_logits(out)
    if output is None or wanted is None:
        return False
    got = answers(output, end)
    return list(got.shape) == list(wanted.shape) and bool(
        paddle.allclose(got, wanted, rtol=1e-4, atol=1e-5))


def pooled(value: Tensor) -> tuple[Floats, Floats, Floats]:
    """(n, d) means over positions, and the (d,) extremes over images and positions."""
    array = value.numpy()
    if array.ndim == 4:
        array = array.reshape(*array.shape[:2], -1).transpose(0, 2, 1)
    array = array.reshape(len(array), -1, array.shape[-1])
    means: Floats = array.mean(axis=1, dtype=np.float32) if array.shape[1] > 1 else array[:, 0]
    return means, array.min(axis=(0, 1)), array.max(axis=(0, 1))
