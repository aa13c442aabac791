"""The image operators of a PaddleClas config: enable and disable one, read and set image sizes.

All functions that edit do so in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.config.base import FURTHER, list_at
from paddle_transfer.space.edits import Operator, in_proportion

TRAIN_OPS = "DataLoader.Train.dataset.transform_ops"
EVAL_OPS = resolve.EVAL_OPS
TEST_OPS = "DataLoader.Test.dataset.transform_ops"
FURTHER_OPS = tuple(f"DataLoader.{part}.dataset.transform_ops" for part in FURTHER)
INFER_OPS = "Infer.transforms"

#: Operators on 8 bit images, in the order in which they come before those of ``ON_NUMBERS``.
ON_IMAGES = ("AutoAugment", "RandAugment", "TimmAutoAugment")

#: Operators that turn an image into numbers.
ENCODERS = ("NormalizeImage", "Normalize", "ToTensor", "ToCHWImage")

#: Operators on normalized images (0 is the mean), in the order in which they follow NormalizeImage.
ON_NUMBERS = ("RandomErasing", "Cutout")


def find(config: dict[str, Any], name: str) -> dict[str, Any] | None:
    """A copy of the arguments of the training operator ``name``, or None."""
    return next((dict(operator[name] or {}) for operator in list_at(config, TRAIN_OPS)
                 if name in operator), None)


def put(config: dict[str, Any], name: str, arguments: dict[str, Any] | None) -> None:
    """Enable the training operator ``name``, with ``arguments`` over those that it has, or disable
    it (None)."""
    operators = list_at(config, TRAIN_OPS)
    if arguments is None:
        operators[:] = [operator for operator in operators if name not in operator]
        return
    present = [operator for operator in operators if name in operator]
    for operator in present:
        operator[name] = {**(operator[name] or {}), **arguments} or None
    if not present:
        operators.insert(_place(operators, name), {name: arguments or None})


def _place(operators: list[Operator], name: str) -> int:
    """The index for a new operator: before or after the encoders, in the order of its group."""
    names = [next(iter(operator), "") for operator in operators]
    if name in ON_IMAGES:
        later = (*ON_IMAGES[ON_IMAGES.index(name) + 1:], *ENCODERS, *ON_NUMBERS)
        return next((i for i, other in enumerate(names) if other in later), len(names))
    earlier = ("NormalizeImage", "Normalize", "ToTensor", *ON_NUMBERS[:ON_NUMBERS.index(name)])
    return max((i + 1 for i, other in enumerate(names) if other in earlier), default=len(names))


def side(config: dict[str, Any], path: str) -> int | None:
    """The side in pixels of the square images that the operators at ``path`` make; None if they
    set no size, or one that is not square."""
    size = resolve.image_size(config, path)
    return size[0] if size and size[0] == size[1] else None


def check_train_operators(config: dict[str, Any]) -> str | None:
    """The requirement of all operators on training images: there is a list of them."""
    return None if list_at(config, TRAIN_OPS) else f"needs {TRAIN_OPS}"


def resize(config: dict[str, Any], path: str, *, to: int, fallback: int) -> None:
    """Scale all sizes of the operators at ``path`` so that they make square images of side ``to``.

    Other sizes (the resize before a crop, a hole) keep their proportion. If no operator sets a
    size, a ResizeImage is added after decoding.

    :param to: new side, in pixels
    :param fallback: the old side, if the operators do not say
    """
    operators = list_at(config, path)
    if not operators:
        return
    old = side(config, path) or fallback
    if not any("size" in arguments for _, arguments in _sized(operators)):
        last = [i + 1 for i, operator in enumerate(operators)
                if "DecodeImage" in operator or "ResizeImage" in operator]
        operators.insert(max(last, default=0), {"ResizeImage": {"size": old}})
    keys = {**dict.fromkeys(resolve.SIZED, ("size", "resize_short")),
            "Cutout": ("length",), "TimmAutoAugment": ("img_size",)}
    for operator in operators:
        for name, arguments in operator.items():
            for key in keys.get(name, ()) if isinstance(arguments, dict) else ():
                if key in arguments:
                    arguments[key] = in_proportion(arguments[key], old=old, new=to)


def _sized(operators: list[Operator]) -> Iterator[tuple[str, dict[str, Any]]]:
    for operator in operators:
        for name, arguments in operator.items():
            if name in resolve.SIZED and isinstance(arguments, dict):
                yield name, arguments
