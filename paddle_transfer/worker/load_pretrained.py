"""``load_pretrained(model, "10w")``: pretrained weights into a Paddle network, from Python."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_transfer.weights.download import Network
from paddle_transfer.weights.load_report import LoadReport
from paddle_transfer.weights.resolve import resolve
from paddle_transfer.weights.strict_load import KEEP
from paddle_transfer.worker.load_weights import load_file

if TYPE_CHECKING:
    from paddle import nn


def load_pretrained(model: nn.Layer, spec: str, *, arch: str | None = None,
                    head: Collection[str] | None = None, mode: str = KEEP,
                    ignore: Collection[str] = (), ppcls: str | Path | None = None,
                    network: Network | None = None,
                    mirror: str | None = None) -> LoadReport | None:
    """Load ``spec`` into a Paddle network, or raise; never half of it without a word.

    :param spec: ``imagenet``, ``imagenet_ssld``, ``10w``, ``none``, a file or an address
    :param arch: PaddleClas's name of the network (``ResNet50_vd``), for all names but 10w
    :param head: names of the tensors that depend on the number of classes; default: by their names
    :param mode: ``keep`` the file's head where its shape is right, or ``fresh``: never
    :param ignore: patterns (``*.attn_mask``) of tensors that may stay as they are
    :param ppcls: PaddleClas's ``ppcls`` folder, for the addresses of further networks
    :param network: how to download
    :param mirror: an address to download from instead
    :returns: None when ``spec`` is none
    :raises paddle_transfer.weights.errors.WeightsError: see its subclasses
    """
    found = resolve(spec, arch=arch, ppcls=ppcls, network=network, mirror=mirror)
    if found is None:
        return None
    return load_file(model, found.path, sha256=found.sha256, source=found.source, head=head,
                     mode=mode, ignore=ignore)
