"""What a network makes of the images of a list, and the form in which a file holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from paddle_transfer.errors import TrialError

Floats = npt.NDArray[np.float32]


class TooLarge(TrialError):
    """What a classifier gets of the images of a list does not fit into the cache."""


@dataclass(frozen=True)
class FeatureSet:
    """The features of n images, in the order of their list. Arrays may be views of a file: read
    only.

    :param features: (n, d): what the classifier gets in an evaluation, or what a named layer gives;
        the mean over the positions of a map, or over the tokens of a transformer
    :param labels: (n,), or (n, classes) where an image has several
    :param low, high: (d,): the least and the greatest value over all positions of all images
    :param key: of the content that they follow from
    :param facts: of the network, as JSON data: ``shapes`` of its tensors, names of those of its
        ``head``, its ``classifier`` (None for a named layer) and the ``end`` behind that (see
        ``passes.ENDS``)
    :param inputs: (n, ...): what the classifier gets in training, before its dropout; None when
        nobody has asked for it
    """

    features: Floats
    labels: npt.NDArray[Any]
    low: Floats
    high: Floats
    key: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: Floats | None = None


def to_arrays(made: FeatureSet) -> dict[str, np.ndarray]:
    """``made`` as the named arrays of a file; inputs that are the features stand there once."""
    facts = {"facts": dict(made.facts), "same": made.inputs is made.features}
    arrays = {"labels": made.labels, "features": made.features, "low": made.low, "high": made.high,
              "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    if made.inputs is not None and made.inputs is not made.features:
        arrays["inputs"] = made.inputs
    return arrays


def from_arrays(arrays: Mapping[str, np.ndarray], key: str) -> FeatureSet:
    """Raises KeyError or ValueError for arrays that ``to_arrays`` has not made."""
    told = json.loads(arrays["facts"].tobytes())
    features = arrays["features"]
    return FeatureSet(features, arrays["labels"], arrays["low"], arrays["high"], key, told["facts"],
                      features if told["same"] else arrays.get("inputs"))
