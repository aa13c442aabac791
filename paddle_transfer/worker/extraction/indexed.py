"""A network that answers by the index beside its weights, in this package's eval and infer."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn

from paddle_transfer.checks.fingerprints import hash_file
from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.feature_extraction import FeatureExtractionOptions
from paddle_transfer.strategies.worker.base import WorkerHalf
from paddle_transfer.worker.extraction.classifiers import Classifier
from paddle_transfer.worker.extraction.index import path_beside, read_index
from paddle_transfer.worker.features.capture import pooled
from paddle_transfer.worker.features.classifier import find
from paddle_transfer.worker.features.passes import named_layer, watched


class IndexHalf(WorkerHalf):
    """Puts the index in the place of the network's own answers."""

    options: FeatureExtractionOptions
    may_freeze = False

    def answering(self, model: nn.Layer, *, mode: str, weights: str) -> nn.Layer:
        """:raises TrialError: the index is missing, is another's, or cannot be exported"""
        path = path_beside(weights)
        if not path.exists() and self.options.written_back:
            return model
        index = read_index(path)
        if index.weights != hash_file(weights):
            raise TrialError(f"{path}: was written beside other weights than {weights} are now. "
                             "Train again, or put back both as they were")
        if mode == "export":
            raise TrialError(
                f"{path}: the classifier is in this index, not in the network, so an exported "
                "network would not have it. Export needs classifier: logistic_regression or "
                "linear_svm, without a layer")
        print(f"paddle_transfer: {path} answers", flush=True)
        return IndexedNetwork(model, index.classifier, index.layer or find(
            model, self.find_head()).name, given=bool(index.layer))


class IndexedNetwork(nn.Layer):
    """Gives the scores (images, classes) that a classifier has for features of ``network``.

    :param place: the name of the layer whose features are used
    :param given: whether these are its output, else its input
    """

    def __init__(self, network: nn.Layer, classifier: Classifier, place: str, *, given: bool):
        super().__init__()
        self.network, self._classifier = network, classifier
        self._place, self._given = named_layer(network, place), given

    def forward(self, *inputs: Any) -> Tensor:
        with watched(self.network, self._place) as seen:
            self.network(*inputs)
        taken = seen.output if self._given else seen.input
        if taken is None:
            raise TrialError(f"no image passes through the layer {self._place.full_name()}")
        features, _, _ = pooled(taken.astype("float32"))
        return paddle.to_tensor(self._classifier.scores(features).astype(np.float32))
