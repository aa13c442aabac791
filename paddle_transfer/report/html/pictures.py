"""Small pictures that stand in the page itself."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from paddle_transfer.files import open_file

#: Of a file, in bytes, and of its picture, in pixels: larger ones are not shown.
BYTES, PIXELS = 32 << 20, 40_000_000
QUALITY = 72


@dataclass(frozen=True)
class Picture:
    """An image of the data set.

    :param source: as an address that holds it; None where it cannot be shown
    """

    file: str
    source: str | None

    @property
    def name(self) -> str:
        return Path(self.file).name


def picture(file: str, size: int) -> Picture:
    """The image in ``file``, cut to a square of ``size`` px."""
    try:
        with open_file(file, BYTES) as stream, Image.open(stream) as image:
            if image.width * image.height > PIXELS:
                return Picture(file, None)
            image.draft("RGB", (2 * size, 2 * size))  # JPEG: decoded at a fraction of its size
            small = ImageOps.fit(_flat(image), (size, size))
            out = io.BytesIO()
            small.save(out, "WEBP", quality=QUALITY, method=2)
    except Exception:  # Pillow's readers raise exceptions of any type
        return Picture(file, None)
    return Picture(file, f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}")


def _flat(image: Image.Image) -> Image.Image:
    """In RGB, on white where it is transparent, turned as its EXIF data say."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        layer = turned.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return turned.convert("RGB")
