"""PaddleClas's networks built from a config, to be compared with weights: their head, no values."""

from __future__ import annotations

import contextlib
import copy
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import paddle
import ppcls.arch
from paddle import nn
from ppcls.utils import logger
from ppcls.utils.config import AttrDict, create_attr_dict

from paddle_transfer.config import resolve
from paddle_transfer.errors import TrialError, cause
from paddle_transfer.weights import heads

#: What PaddleClas's builders raise for a config that cannot be built.
BUILD_ERRORS = (AssertionError, AttributeError, KeyError, IndexError, TypeError, ValueError,
                NotImplementedError)


def build_network(config: dict[str, Any]) -> nn.Layer:
    """The network of a config's ``Arch`` as the engine builds it, without weights of a file.

    :raises TrialError: PaddleClas cannot build it
    """
    if getattr(logger, "_logger", "") is None:  # some networks of 2.6 log while they are built
        logger.init_logger()
    attributes = AttrDict({"Global": {"device": "cpu"}, **without_weights(config)})
    attributes["Arch"].pop("use_sync_bn", None)
    create_attr_dict(attributes)
    try:
        network: nn.Layer = ppcls.arch.build_model(attributes)
    except BUILD_ERRORS as error:
        raise TrialError(f"PaddleClas cannot build Arch: {cause(error)}") from error
    return network


def head_of(arch: dict[str, Any]) -> tuple[str, ...]:
    """The head's tensors by name, for a section ``Arch``; () when it takes no ``class_num``. Of a
    distillation those of all its networks."""
    if "models" in arch:
        return tuple(f"{key}.{name}" for model in arch["models"] for key, section in model.items()
                     for name in head_of(section))
    try:
        return find_head(_builder(arch), resolve.outputs({"Arch": arch}) or resolve.DEFAULT_CLASSES)
    except TypeError:
        return ()


def tensors_of(arch: dict[str, Any], layers: Sequence[str]) -> tuple[str, ...]:
    """The tensors of ``layers`` (``heads.of_layers``) in the network of a section ``Arch``."""
    classes = resolve.outputs({"Arch": arch}) or resolve.DEFAULT_CLASSES
    with random_state_kept():
        return heads.of_layers(layers, tuple(shapes_of(_builder(arch), classes)))


def _builder(arch: dict[str, Any]) -> Callable[[int], nn.Layer]:
    """A function that makes the network of a section ``Arch`` for a number of classes."""
    make = getattr(ppcls.arch, arch["name"])
    other = ("name", "use_ssld", "use_sync_bn", "use_ml_decoder")
    arguments = without_weights({key: value for key, value in arch.items() if key not in other})
    if "pretrained" in inspect.signature(make).parameters:
        arguments["pretrained"] = False  # UniFormer's default is True, and would download

    def classifier(section: dict[str, Any]) -> dict[str, Any]:
        head = section.get("Head")  # a RecModel's classifier
        return head if isinstance(head, dict) else section

    def build(number: int) -> nn.Layer:
        made = copy.deepcopy(arguments)
        classifier(made)["class_num"] = number
        network: nn.Layer = make(**made)
        return network

    return build


def find_head(build: Callable[[int], nn.Layer], classes: int) -> tuple[str, ...]:
    """The tensors whose shape depends on the number of classes: the network is built for two.

    Nothing is initialised (LazyGuard) where the network allows it, and no random number is drawn
    from the run's generators.

    :param build: makes the network for a number of classes
    """
    with random_state_kept():
        one, other = (shapes_of(build, number) for number in (classes, classes + 1))
    return heads.by_shape(one, other)


def shapes_of(build: Callable[[int], nn.Layer], classes: int) -> dict[str, Sequence[int]]:
    """Name -> shape of every tensor of the network for ``classes``."""
    def shapes(guard: AbstractContextManager[object]) -> dict[str, Sequence[int]]:
        with paddle.utils.unique_name.guard(), guard:
            return {name: tuple(value.shape) for name, value in build(classes).state_dict().items()}

    if hasattr(paddle, "LazyGuard"):
        # some networks compute with their weights while they are built, and fail in any way
        with contextlib.suppress(Exception):
            return shapes(paddle.LazyGuard())
    return shapes(contextlib.nullcontext())


def without_weights(config: Any) -> Any:
    """A copy of a part of a config in which nothing asks for weights, at any depth."""
    if isinstance(config, dict):
        return {key: False if key == "pretrained" else without_weights(value)
                for key, value in config.items() if key != "pretrained_list"}
    if isinstance(config, list):
        return [without_weights(item) for item in config]
    return copy.deepcopy(config)


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    states = paddle.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        paddle.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
