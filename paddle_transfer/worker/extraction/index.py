"""A classifier in a file beside the weights: only arrays of numbers, nothing that could run."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer.checks.fingerprints import hash_file
from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import TrialError
from paddle_transfer.files import read_bytes
from paddle_transfer.worker.extraction.classifiers import Affine, Classifier, Neighbours

#: The file's name after the weights', without their suffix.
ENDING = ".index.npz"
FORMAT = 1
#: Bytes, of the file and of the arrays in it: the features of a million images.
LIMIT = 1 << 33

#: The arrays of each kind of classifier, with their numbers of dimensions.
_ARRAYS = {"affine": {"weight": 2, "bias": 1},
           "neighbours": {"examples": 2, "labels": 1, "mean": 1, "scale": 1}}


def path_beside(weights: str) -> Path:
    """Where the index of ``weights`` (with their suffix or without) is."""
    return Path(weights.removesuffix(".pdparams") + ENDING)


@dataclass(frozen=True)
class Index:
    """:param layer: whose features the classifier takes; empty: what the network's classifier gets
    :param weights: SHA-256 of the weights that it belongs to, in hex
    """

    classifier: Classifier
    layer: str
    weights: str


def write_index(path: Path, classifier: Classifier, *, layer: str, weights: str) -> None:
    """Write ``classifier`` of the features of ``layer``, whole or not at all.

    :param weights: the file beside it
    """
    kind = "affine" if isinstance(classifier, Affine) else "neighbours"
    arrays = {name: getattr(classifier, name) for name in _ARRAYS[kind]}
    numbers = {} if isinstance(classifier, Affine) else {
        "count": classifier.count, "classes": classifier.classes}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, format=FORMAT, kind=kind, layer=layer,
             weights=hash_file(weights), **numbers, **arrays)
    write_atomic(str(path), [stream.getvalue()])


def read_index(path: Path) -> Index:
    """What ``write_index`` wrote. Raises TrialError when it is none.

    Nothing of the file is unpickled, and no more of it is read than fits ``LIMIT``.
    """
    try:
        data = read_bytes(path, LIMIT)
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            size = sum(one.file_size for one in members.infolist())
        if size > LIMIT:
            raise ValueError(f"its arrays have {size:,} bytes; at most {LIMIT:,} are read")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return Index(_classifier(arrays), str(arrays["layer"]), str(arrays["weights"]))
    except OSError as error:
        raise TrialError(f"{path}: {error.strerror or error}. The index of feature_extraction "
                         "stands beside the weights: keep both together") from error
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise TrialError(f"{path}: is no index of feature_extraction ({error}). Train again, or "
                         "name the weights that it was written beside") from error


def _classifier(arrays: Any) -> Classifier:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"format {int(arrays['format'])}, not {FORMAT}")
    kind = str(arrays["kind"])
    found = {name: arrays[name] for name in _ARRAYS[kind]}
    for name, array in found.items():
        if array.ndim != _ARRAYS[kind][name] or array.dtype.kind not in "fiu":
            raise ValueError(f"{name} has the shape {array.shape} of {array.dtype}")
    if kind == "affine":
        return _sized(Affine(**found), found["weight"].shape, (None, len(found["bias"])))
    made = Neighbours(**found, count=int(arrays["count"]), classes=int(arrays["classes"]))
    features = len(made.mean)
    _sized(made, made.examples.shape, (len(made.labels), features))
    if made.scale.shape != (features, ) or made.count < 1 or not (
            len(made.labels) and 0 <= made.labels.min() <= made.labels.max() < made.classes):
        raise ValueError("its arrays do not fit each other")
    return made


def _sized(classifier: Classifier, shape: tuple[int, ...],
           wanted: tuple[int | None, int]) -> Classifier:
    if any(want not in (None, have) for have, want in zip(shape, wanted, strict=True)):
        raise ValueError("its arrays do not fit each other")
    return classifier
