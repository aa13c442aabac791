"""What the features of a list follow from, as one key. Two keys are equal when all of this is: the
content of the weights, the network, the list with the content of its images, the transforms, and
the versions of what computes. Imports neither Paddle nor the network.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.checks.fingerprints import fingerprint_list, hash_file
from paddle_transfer.config import pretrained, resolve
from paddle_transfer.errors import TrialError
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.resolve import resolve as resolve_weights
from paddle_transfer.worker.locate import EngineHome
from paddle_transfer.worker.options import Origin

#: Of the meaning of what a file holds, and of the arithmetic that made it.
FORMAT = 2
#: Data sets whose images and labels are the lines of their list, one each.
DATASETS = ("ImageNetDataset", "MultiLabelDataset")
_LIBRARIES = ("paddlepaddle", "paddlepaddle-gpu", "opencv-python-headless", "opencv-python",
              "opencv-contrib-python", "pillow", "numpy")


def dataset_section(config: dict[str, Any], split: str, transforms: str) -> dict[str, Any]:
    """A copy of ``DataLoader.<split>.dataset`` with the transforms of another split, without those
    of batches.

    :raises TrialError: it is no list with an image a line
    """
    place = f"DataLoader.{split}.dataset"
    section = dotpath.clone(dotpath.find(config, place) or {})
    if section.get("name") not in DATASETS:
        raise TrialError(f"{place}.name: features are computed for {' and '.join(DATASETS)}; found "
                         f"{section.get('name')!r}")
    section.pop("batch_transform_ops", None)
    section["transform_ops"] = dotpath.clone(
        dotpath.find(config, f"DataLoader.{transforms}.dataset.transform_ops") or [])
    return dict(section)


def features_key(config: dict[str, Any], split: str, *, home: EngineHome, transforms: str = "Eval",
                 layer: str = "", prepared: Mapping[str, Origin] | None = None) -> str:
    """The key of the features of ``DataLoader.<split>``, in hex.

    :param config: of a training, complete, with the weights that it asks for
    :param transforms: the split whose transforms are used
    :param layer: the name of a layer; empty: the input of the classifier
    :param prepared: weights that a search prepared, by ``Global.pretrained_model``
    :raises TrialError: it asks for no weights or for more than one file of them, a file is gone, or
        the data set is of another kind
    """
    new = resolve.section(config, "Transfer").get("head")
    if isinstance(new, dict) and new.get("hidden"):
        raise TrialError("Transfer.head.hidden: features would be random: what the classifier gets "
                         "is made by new layers. Take it out, or choose another strategy")
    section = dataset_section(config, split, transforms)
    root, files = section.pop("image_root", None), section.pop("cls_label_path", None)
    network = pretrained.network_config(config)
    try:
        lists = [fingerprint_list({**section, "image_root": root}, str(file), in_order=True).token
                 for file in (files if isinstance(files, list) else [files])]
        named = {path: hash_file(value) for path, value in dotpath.walk(network, "")
                 if isinstance(value, str) and os.path.isfile(value)}
    except OSError as error:
        raise TrialError(f"DataLoader.{split}.dataset: {error.filename}: {error.strerror}"
                         ) from error
    told = {"format": FORMAT, "weights": _weights(config, home, prepared or {}), "network": network,
            "files": named, "lists": lists, "dataset": section, "layer": layer,
            "device": resolve.device(config), "type": "float32", "versions": versions(),
            "paddleclas": [home.version, home.kind, code_digest(home.path)]}
    return hashlib.sha256(dotpath.stable_text(told).encode()).hexdigest()


def _weights(config: dict[str, Any], home: EngineHome, prepared: Mapping[str, Origin]) -> str:
    """The SHA-256 of the weights file that ``config`` asks for; of the original of a prepared one.
    """
    wanted = pretrained.wanted_weights(config)
    if wanted is None:
        why = ("the config leaves their choice to PaddleClas" if
               pretrained.loaded_by_paddleclas(config) else "the config asks for none")
        raise TrialError(f"features need one file of pretrained weights, but {why}. Write "
                         "Transfer.pretrained: imagenet, say")
    if wanted.spec in prepared:
        return str(prepared[wanted.spec]["sha256"])
    try:
        found = resolve_weights(wanted.spec, arch=config["Arch"].get("name"),
                                ppcls=os.path.join(home.path, "ppcls"))
    except WeightsError as error:
        raise TrialError(f"{wanted.where}: {error}") from error
    assert found is not None, "a config that wants weights names some"
    return found.sha256


@functools.cache
def versions() -> dict[str, str]:
    """The versions of the libraries that decode images and compute."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def code_digest(home: str) -> str:
    """Of PaddleClas's networks and image operators: a checkout's may be edited. Read once: a
    process imports them once."""
    made = hashlib.sha256()
    for part in ("arch", "data"):
        for file in sorted(Path(home, "ppcls", part).rglob("*.py")):
            made.update(f"{file.relative_to(home)}\0{hash_file(str(file))}\n".encode())
    return made.hexdigest()
