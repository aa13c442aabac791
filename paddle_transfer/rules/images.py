"""Sizes of images: what the operators of a data set make, and whether a crop fits into it."""

from __future__ import annotations

from typing import Any

from paddle_transfer.config.base import FURTHER, list_at
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import did_you_mean, show
from paddle_transfer.rules.base import Config, Rule, whole

#: Operators that cut a piece of ``size`` out of what is there, which must not be smaller.
CROPS = ("CropImage", "RandCropImageV2", "RandomCropImage", "CenterCrop")

#: Operators that make an image of ``size`` whatever was there.
MAKERS = ("ResizeImage", "Resize", "RandCropImage", "RandomResizedCrop", "CropImageAtRatio")

#: Operators after which the size is not known here.
UNKNOWN = ("Pad", "Padv2", "RandomRot90", "RandomRotation")

#: Operators with an ``interpolation``, and its names in each ``backend``.
INTERPOLATED = ("ResizeImage", "RandCropImage")
INTERPOLATIONS = {
    "cv2": ("nearest", "bilinear", "area", "bicubic", "lanczos", "random"),
    "pil": ("nearest", "bilinear", "bicubic", "box", "lanczos", "hamming", "random"),
}

PARTS = ("Train", "Eval", "Test", *FURTHER)


def check_sizes(config: Config, issues: ValidationIssues) -> None:
    """Sizes are whole numbers above 0, and no crop is larger than what it is cut from."""
    for part in PARTS:
        short: int | None = None  # the short side, where the operators before say it
        path = f"DataLoader.{part}.dataset.transform_ops"
        for i, operator in enumerate(list_at(config, path)):
            for name, arguments in operator.items() if isinstance(operator, dict) else ():
                if isinstance(arguments, dict):
                    if name in INTERPOLATED:
                        _check_interpolation(f"{path}.{i}.{name}", arguments, issues)
                    short = _after(f"{path}.{i}.{name}", name, arguments, short, issues)
                elif name in UNKNOWN:
                    short = None


def _check_interpolation(where: str, arguments: dict[str, Any], issues: ValidationIssues) -> None:
    """PaddleClas looks texts up by their names; a number is OpenCV's or Pillow's own."""
    backend, interpolation = arguments.get("backend", "cv2"), arguments.get("interpolation")
    names = INTERPOLATIONS.get(str(backend).lower())
    if names is None:
        issues.add(f"{where}.backend", f"must be one of {', '.join(INTERPOLATIONS)}", show(backend),
                   did_you_mean(backend, list(INTERPOLATIONS)))
    elif interpolation is not None and not whole(interpolation, 0) and (
            str(interpolation).lower() not in names):
        issues.add(f"{where}.interpolation", f"must be one that {backend} has: {', '.join(names)}",
                   show(interpolation))


def _after(where: str, name: str, arguments: dict[str, Any], short: int | None,
           issues: ValidationIssues) -> int | None:
    """The short side after one operator; its mistakes go to ``issues``."""
    if name in UNKNOWN:
        return None
    for key in ("size", "resize_short"):
        if name in (*CROPS, *MAKERS) and not _is_size(arguments.get(key)):
            issues.add(f"{where}.{key}", "must be a whole number of pixels, 1 or more, or two",
                       show(arguments[key]))
            return None
    made = _short(arguments.get("size"))
    if name in MAKERS:
        return _short(arguments.get("resize_short")) or made
    if name not in CROPS or made is None:
        return short
    if short is not None and made > short:
        issues.add(f"{where}.size", "must not be larger than the image that it is cut from",
                   f"size {arguments['size']} of a side of {short} pixels",
                   "Resize to more before.")
    return made


def _is_size(value: object) -> bool:
    """Whether ``value`` is a size, or not given."""
    sides = value if isinstance(value, (list, tuple)) else [value]
    return value is None or (len(sides) in (1, 2) and all(map(whole, sides)))


def _short(size: object) -> int | None:
    if isinstance(size, (list, tuple)):
        return int(min(size))
    return size if isinstance(size, int) else None


SIZES = Rule(tuple(f"DataLoader.{part}.dataset.transform_ops" for part in PARTS), check_sizes)
