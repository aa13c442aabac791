"""Puts a file's tensors into a network; ``weights.strict_load`` plans which. Imports no Paddle."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from paddle_transfer.weights import heads, safetensors
from paddle_transfer.weights.errors import WeightsMismatch
from paddle_transfer.weights.load_report import LoadReport
from paddle_transfer.weights.network import Network
from paddle_transfer.weights.read import Weights, read
from paddle_transfer.weights.resolve import resolve
from paddle_transfer.weights.strict_load import KEEP, LoadPlan, check_fit, plan_load
from paddle_transfer.weights.write import write

if TYPE_CHECKING:
    from paddle import Tensor, nn


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
    return None if found is None else load_file(
        model, found.path, sha256=found.sha256, source=found.source, head=head, mode=mode,
        ignore=ignore)


def load_file(model: nn.Layer, path: str | os.PathLike[str], *, sha256: str | None = None,
              source: str = "", head: Collection[str] | None = None, mode: str = KEEP,
              ignore: Collection[str] = ()) -> LoadReport:
    """``load_pretrained`` for a local file, whose ``sha256`` is checked when it is given."""
    weights = read(path, sha256=sha256)
    planned = make_plan(model, weights, file=str(path), source=source, head=head, mode=mode,
                        ignore=ignore)
    return apply(model, weights, planned)


def make_plan(model: nn.Layer, weights: Weights, *, file: str, source: str = "",
              head: Collection[str] | None = None, mode: str = KEEP,
              ignore: Collection[str] = ()) -> LoadPlan:
    """Which tensor of ``weights`` goes where in ``model``. ``plan.report`` has what is wrong."""
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    head = heads.by_name(tuple(wanted)) if head is None else tuple(head)
    return plan_load(wanted, weights.shapes, head=head, mode=mode, ignore=ignore, file=file,
                     source=source, sha256=weights.sha256, others=weights.others)


def apply(model: nn.Layer, weights: Weights, planned: LoadPlan) -> LoadReport:
    """Put the planned tensors into ``model``, having checked all of them first.

    :raises WeightsMismatch: a tensor is missing, unexpected, or of another shape or kind
    """
    check_fit(planned.report)
    state = model.state_dict()
    values = [(state[mine], _cast(weights.tensors[theirs], state[mine], mine, planned.report))
              for mine, theirs in planned.names.items()]
    for parameter, value in values:
        parameter.set_value(value)
    return planned.report


def write_prepared(path: str | os.PathLike[str], weights: Weights, planned: LoadPlan) -> Path:
    """Write a ``.pdparams`` with just the planned tensors under the network's names.

    PaddleClas's own loading unpickles its file and skips what does not fit without a word; of this
    file it loads all. The head that is not in it is initialised with the trial's seed.
    """
    check_fit(planned.report)
    return write(path, {mine: weights.tensors[theirs] for mine, theirs in planned.names.items()})


def _cast(array: np.ndarray, parameter: Tensor, name: str, report: LoadReport) -> np.ndarray:
    """``array`` in the parameter's type: among floats, and bfloat16 (saved as uint16) to floats."""
    kind = str(parameter.dtype).removeprefix("paddle.")
    wanted = array.dtype if kind == "bfloat16" else np.dtype(kind)  # numpy has no bfloat16
    if array.dtype == wanted:
        return array
    if wanted.kind == "f" and array.dtype == np.uint16:
        array = safetensors.from_bfloat16(array)
    if array.dtype.kind == wanted.kind or {array.dtype.kind, wanted.kind} == {"i", "u"}:
        return array.astype(wanted)
    raise WeightsMismatch(
        f"{report.file}: {name}: the network has {wanted}, the file {array.dtype}", report)
