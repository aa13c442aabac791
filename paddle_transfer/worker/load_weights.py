"""Weights into a network: the part of loading that needs Paddle. ``pretrained.strict_load`` keeps the account."""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_transfer.weights import heads, safetensors
from paddle_transfer.weights.errors import WeightsMismatch
from paddle_transfer.weights.read import Weights, read
from paddle_transfer.weights.strict_load import KEEP, LoadReport, Plan, plan
from paddle_transfer.weights.write import write


def load_file(model, path: str | os.PathLike, *, sha256: str | None = None, source: str = "",
              head: Collection[str] | None = None, mode: str = KEEP,
              ignore: Collection[str] = ()) -> LoadReport:
    """Load ``path`` into ``model``: all that the report says, or nothing.

    :param sha256: what the file must be (as recorded when it was resolved)
    :param head: names of the tensors that depend on the number of classes (``find_head``); default: by their names
    :param mode: ``keep`` or ``fresh``, see ``pretrained.load``
    :raises WeightsMismatch, NotWeights, UnsafeWeights:
    """
    weights = read(path, sha256=sha256)
    made = make_plan(model, weights, file=str(path), source=source, head=head, mode=mode,
                     ignore=ignore)
    return apply(model, weights, made)


def make_plan(model, weights: Weights, *, file: str, source: str = "",
              head: Collection[str] | None = None, mode: str = KEEP,
              ignore: Collection[str] = ()) -> Plan:
    """What of ``weights`` goes where in ``model``. Raises nothing: ``plan.report`` has what is wrong."""
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    head = heads.known(tuple(wanted)) if head is None else tuple(head)
    return plan(wanted, weights.shapes, head=head, mode=mode, ignore=ignore, file=file,
                source=source, sha256=weights.sha256, others=weights.others)


def apply(model, weights: Weights, made: Plan) -> LoadReport:
    """Put the planned tensors into ``model``, having checked all of them first.

    :raises WeightsMismatch: a tensor is missing, unexpected, or of another shape or kind
    """
    made.report.raise_unless_ok()
    state = model.state_dict()
    values = [(state[mine],
               _cast(weights.tensors[theirs], state[mine], name=mine, report=made.report))
              for mine, theirs in made.names.items()]
    for parameter, value in values:
        parameter.set_value(value)
    return made.report


def write_prepared(path: str | os.PathLike, weights: Weights, made: Plan) -> Path:
    """A ``.pdparams`` that we wrote, with just the planned tensors under the network's names, for PaddleClas to load.

    Its own loading unpickles what it is given and skips what does not fit without a word; of this file it loads all,
    and the head that is not in it stays as it was initialised, with the trial's seed.
    """
    made.report.raise_unless_ok()
    return write(path, {mine: weights.tensors[theirs] for mine, theirs in made.names.items()})


_KINDS = {
    "paddle.float32": "<f4", "paddle.float64": "<f8", "paddle.float16": "<f2",
    "paddle.int64": "<i8", "paddle.int32": "<i4", "paddle.int16": "<i2", "paddle.int8": "i1",
    "paddle.uint8": "u1", "paddle.bool": "?"
}


def _cast(array: np.ndarray, parameter, *, name: str, report: LoadReport) -> np.ndarray:
    """``array`` in the parameter's type: among floats, and bfloat16 (which Paddle saves as uint16) to floats."""
    code = _KINDS.get(str(parameter.dtype))
    wanted = array.dtype if code is None else np.dtype(code)
    if array.dtype == wanted:
        return array
    if wanted.kind == "f" and array.dtype == np.uint16:
        array = safetensors.from_bfloat16(array)
    if array.dtype.kind == wanted.kind or (array.dtype.kind, wanted.kind) in (("i", "u"),
                                                                              ("u", "i")):
        return array.astype(wanted)
    raise WeightsMismatch(
        f"{report.file}: {name}: the network has {wanted}, the file {array.dtype}", report)


def find_head(build: Callable[[int], Any], classes: int) -> tuple[str, ...]:
    """The tensors whose shape depends on the number of classes, found by building the network for two numbers.

    Nothing is initialised (LazyGuard) where the network allows it, and no random number is drawn from the run's.

    :param build: makes the network for a number of classes
    """
    with _nothing_random():
        shapes = [_shapes(build, number) for number in (classes, classes + 1)]
    return heads.changed(*shapes)


def head_of(arch: dict[str, Any]) -> tuple[str, ...]:
    """``find_head`` for a PaddleClas ``Arch`` section; () when the network takes no ``class_num``."""
    import ppcls.arch

    make = getattr(ppcls.arch, arch["name"])
    arguments = without_weights({
        key: value
        for key, value in arch.items()
        if key not in ("name", "use_ssld", "use_sync_bn", "use_ml_decoder")
    })
    if "pretrained" in inspect.signature(make).parameters:
        arguments["pretrained"] = False  # UniFormer's default is True, and would download

    def build(number: int) -> Any:
        made = copy.deepcopy(arguments)
        place = made["Head"] if isinstance(made.get("Head"),
                                           dict) else made  # RecModel's classifier is its Head
        place["class_num"] = number
        return make(**made)

    place = arch["Head"] if isinstance(arch.get("Head"), dict) else arch
    try:
        return find_head(build, int(place.get("class_num") or 1000))
    except TypeError:
        return ()


def without_weights(config: Any) -> Any:
    """A copy of a part of a config in which nothing asks for weights, at any depth (Backbone, models, ...)."""
    if isinstance(config, dict):
        return {key: False if key == "pretrained" else without_weights(value)
                for key, value in config.items() if key != "pretrained_list"}
    if isinstance(config, list):
        return [without_weights(item) for item in config]
    return copy.deepcopy(config)


def _shapes(build: Callable[[int], Any], classes: int) -> dict[str, Sequence[int]]:
    import paddle

    def shapes(guard) -> dict[str, Sequence[int]]:
        with paddle.utils.unique_name.guard(), guard:
            return {name: tuple(value.shape) for name, value in build(classes).state_dict().items()}

    if hasattr(paddle, "LazyGuard"):
        try:
            return shapes(paddle.LazyGuard())
        except Exception:  # some networks compute with their weights while they are built
            pass
    return shapes(contextlib.nullcontext())


@contextlib.contextmanager
def _nothing_random() -> Iterator[None]:
    import paddle

    states = paddle.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        paddle.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
