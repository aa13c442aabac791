"""Which transforms of a PaddleClas config draw at random."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import components

#: Operators that make the same of an image each time, unless an argument says ``random`` (a
#: resampling of ResizeImage). PaddleClas's others draw, and so may those of its later versions.
DETERMINISTIC = ("DecodeImage", "ResizeImage", "CropImage", "CropImageAtRatio", "CenterCrop",
                 "Resize", "NormalizeImage", "Normalize", "ToCHWImage", "ToTensor", "Pad")


def random_transforms(config: dict[str, Any], split: str) -> list[str]:
    """The operators of ``DataLoader.<split>``, on images and on batches, that may draw."""
    place = f"DataLoader.{split}.dataset"
    return [name for name, arguments in components(config, f"{place}.transform_ops")
            if name not in DETERMINISTIC
            or any(value == "random" for _, value in dotpath.walk(arguments))
            ] + [name for name, _ in components(config, f"{place}.batch_transform_ops")]
