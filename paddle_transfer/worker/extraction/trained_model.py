"""What ``feature_extraction`` leaves behind: the network's weights with the classifier as its last
layer, or with an index beside them where that layer cannot compute it."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.feature_extraction import FeatureExtractionOptions
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.read import Weights, read
from paddle_transfer.weights.safetensors import from_bfloat16
from paddle_transfer.weights.strict_load import FRESH, check_fit, plan_load
from paddle_transfer.weights.write import write
from paddle_transfer.worker import run_weights
from paddle_transfer.worker.extraction.classifiers import Affine, Classifier
from paddle_transfer.worker.extraction.index import path_beside, write_index
from paddle_transfer.worker.extraction.last_layer import LastLayer
from paddle_transfer.worker.features.feature_set import FeatureSet
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import Origin


class TrainedModel:
    """A classifier and the network whose features it takes, to be written.

    ``plan`` says which tensor of the pretrained file goes where.

    :param config: as a training prepares it
    :param sets: the features of all images seen
    :param prepared: weights that a search prepared, by ``Global.pretrained_model``
    :raises TrialError: the pretrained weights are not there any more
    """

    def __init__(self, config: dict[str, Any], home: EngineHome, classifier: Classifier,
                 sets: Sequence[FeatureSet], *, options: FeatureExtractionOptions,
                 prepared: Mapping[str, Origin]):
        self._classifier, self._sets, self._options = classifier, sets, options
        self._facts = sets[0].facts
        source = run_weights.find(config, ppcls=os.path.join(home.path, "ppcls"), prepared=prepared)
        assert source is not None, "there are features, so there are weights"
        try:
            self._weights = _read(source.file, source.sha256, os.stat(source.file).st_mtime_ns)
            self.plan = plan_load(
                self._facts["shapes"], self._weights.shapes, head=self._facts["head"], mode=FRESH,
                file=source.file, source=source.source, sha256=self._weights.sha256,
                others=self._weights.others)
            check_fit(self.plan.report)
        except (WeightsError, OSError) as error:
            raise TrialError(str(error)) from error
        self.report = run_weights.with_origin(self.plan.report, source.origin)

    def write(self, path: str) -> None:
        """Write the weights to ``path``; what is not in them, to an index beside it."""
        index = path_beside(path)
        index.unlink(missing_ok=True)  # of an earlier training; it fits these weights no more
        layer, why_not = self._last_layer()
        own = {name: np.zeros(self._facts["shapes"][name], np.float32)
               for name in self._facts["head"]}  # without the index every class is as likely
        if layer is not None and isinstance(self._classifier, Affine):
            low = np.min([one.low for one in self._sets], axis=0)
            high = np.max([one.high for one in self._sets], axis=0)
            own = layer.tensors(self._classifier, low, high)
        loaded = {mine: _floats(self._weights.tensors[theirs])
                  for mine, theirs in self.plan.names.items()}
        write(path, {name: {**loaded, **own}[name] for name in self._facts["shapes"]})
        if layer is None:
            write_index(index, self._classifier, layer=self._options.layer, weights=path)
            print(f"paddle_transfer: the classifier is in {index}, which infer and eval of "
                  f"paddle_transfer use beside the weights; PaddleClas's own tools cannot: "
                  f"{why_not}", flush=True)

    def _last_layer(self) -> tuple[LastLayer | None, str]:
        """(the layer that computes the classifier, "" or why there is none)."""
        found = self._facts.get("classifier")
        if not isinstance(self._classifier, Affine):
            return None, "no layer of a network computes nearest neighbours"
        if self._options.layer or found is None:
            return None, f"the features are those of the layer {self._options.layer}"
        if not found["bias"]:
            return None, f"the layer {found['name']} has no bias"
        return LastLayer(found["weight"], found["bias"], convolution=found["kind"] != "Linear",
                         rectified=self._facts["end"].startswith("relu")), ""


@functools.lru_cache(maxsize=1)
def _read(file: str, sha256: str, stamp: int) -> Weights:
    """The pretrained weights, which the trainings of one process mostly share."""
    del stamp
    return read(file, sha256=sha256 or None)


def _floats(array: np.ndarray) -> np.ndarray:
    """``array`` with floats of 32 bits, as networks have them."""
    if array.dtype == np.uint16:
        return from_bfloat16(array)
    return array.astype(np.float32) if array.dtype.kind == "f" else array
