"""The image operators of a PaddleClas config: putting one in its place, taking it out, and the sizes of pictures.

All functions that edit work in place, on the copy that ``catalog.apply_point`` made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.space.hyperparameter import is_number

TRAIN_OPS = "DataLoader.Train.dataset.transform_ops"
EVAL_OPS = "DataLoader.Eval.dataset.transform_ops"
TEST_OPS = "DataLoader.Test.dataset.transform_ops"
INFER_OPS = "Infer.transforms"

#: Operators on pictures (8 bits), in the order in which they stand before those of ``ON_NUMBERS``.
ON_PICTURES = ("AutoAugment", "RandAugment", "TimmAutoAugment")

#: Operators that turn a picture into numbers.
ENCODERS = ("NormalizeImage", "Normalize", "ToTensor", "ToCHWImage")

#: Operators on normalized images (0 is the mean), in the order in which they stand behind NormalizeImage.
ON_NUMBERS = ("RandomErasing", "Cutout")

#: Operators whose ``size`` is that of the picture that they make.
SIZED = ("RandCropImage", "RandCropImageV2", "RandomResizedCrop", "RandomCropImage", "CropImage",
         "CropWithPadding", "CropImageAtRatio", "CenterCrop", "ResizeImage", "Resize")


def operators(config: dict, path: str) -> list:
    """The list of operators at ``path``; an empty one (not part of the config) where there is none."""
    found = dotpath.get(config, path) if dotpath.exists(config, path) else None
    return found if isinstance(found, list) else []


def find(config: dict, name: str) -> dict | None:
    """A copy of the arguments of the training operator ``name``; None without it."""
    return next((dict(operator[name] or {})
                 for operator in operators(config, TRAIN_OPS)
                 if name in operator), None)


def put(config: dict, name: str, arguments: dict[str, Any] | None) -> None:
    """Switch the training operator ``name`` on (with ``arguments``, over those that it has) or off (None)."""
    ops = operators(config, TRAIN_OPS)
    if arguments is None:
        ops[:] = [operator for operator in ops if name not in operator]
        return
    present = [operator for operator in ops if name in operator]
    for operator in present:
        operator[name] = {**(operator[name] or {}), **arguments} or None
    if not present:
        ops.insert(_place(ops, name), {name: arguments or None})


def _place(ops: list, name: str) -> int:
    """Where ``name`` belongs: pictures before they become numbers, numbers after, each group in its order."""
    names = [next(iter(operator), "") for operator in ops]
    if name in ON_PICTURES:
        later = (*ON_PICTURES[ON_PICTURES.index(name) + 1:], *ENCODERS, *ON_NUMBERS)
        return next((i for i, other in enumerate(names) if other in later), len(ops))
    earlier = ("NormalizeImage", "Normalize", "ToTensor", *ON_NUMBERS[:ON_NUMBERS.index(name)])
    return max((i + 1 for i, other in enumerate(names) if other in earlier), default=len(ops))


def side(config: dict, path: str) -> int | None:
    """The side of the square pictures that the operators at ``path`` make; None where they make none of one size."""
    made = None
    for _, arguments in _sized(operators(config, path)):
        if "size" in arguments:
            made = arguments["size"]
    sides = set(made) if isinstance(made, list) else {made}
    return int(made[0] if isinstance(made, list) else made) if len(sides) == 1 and is_number(
        *sides) else None


def needs_pictures(config: dict) -> str | None:
    """What a config lacks for operators on its pictures, or None."""
    if not operators(config, TRAIN_OPS):
        return "needs DataLoader.Train.dataset.transform_ops"
    return None


def resize(config: dict, path: str, *, to: int, fallback: int) -> None:
    """Make pictures of side ``to`` of those that the operators at ``path`` make now; every other size (the resize
    before a crop, a hole) keeps its proportion. Where nothing makes a size, a ResizeImage does, after decoding.

    :param fallback: their side now, where the operators do not say
    """
    ops = operators(config, path)
    if not ops:
        return
    old = side(config, path) or fallback
    if not any("size" in arguments for _, arguments in _sized(ops)):
        last = [i + 1 for i, op in enumerate(ops) if "DecodeImage" in op or "ResizeImage" in op]
        ops.insert(max(last, default=0), {"ResizeImage": {"size": old}})
    for _, arguments in _sized(ops):
        for key in ("size", "resize_short"):
            if key in arguments:
                arguments[key] = _scaled(arguments[key], old=old, new=to)
    for operator in ops:
        for name, key in (("Cutout", "length"), ("TimmAutoAugment", "img_size")):
            if isinstance(operator.get(name), dict) and key in operator[name]:
                operator[name][key] = _scaled(operator[name][key], old=old, new=to)


def _scaled(size: Any, *, old: int, new: int) -> Any:
    if isinstance(size, list):
        return [_scaled(part, old=old, new=new) for part in size]
    return round(size * new / old) if is_number(size) else size


def _sized(ops: list) -> Iterator[tuple[str, dict]]:
    for operator in ops:
        for name, arguments in operator.items():
            if name in SIZED and isinstance(arguments, dict):
                yield name, arguments
