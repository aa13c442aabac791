"""Images that training can use: broken ones are left out, those only Pillow reads converted."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from paddle_transfer.checks.images import IMAGE_SUFFIXES, ImageInfo
from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import CONVERTED
from paddle_transfer.errors import DataError, counted, one_line
from paddle_transfer.files import open_file

#: The text in a PNG that holds the digest of its pixels, by which edits are told.
_MARK = "paddle_transfer"


@dataclass
class UsableImages:
    """``converted``: path -> path of its PNG; ``left_out``: path -> reason; ``kept``: PNGs that are
    not as they were written. Below the root."""

    converted: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    def of(self, splits: Mapping[str, list[Entry]]) -> dict[str, list[Entry]]:
        """``splits`` without what is left out, and with the paths of what was converted."""
        return {split: [(self.converted.get(path, path), label) for path, label in entries
                        if path not in self.left_out] for split, entries in splits.items()}

    def notes(self) -> list[str]:
        """What became of pictures that were there."""
        more = f" and {len(self.kept) - 1} more" if len(self.kept) > 1 else ""
        return [f"{counted(len(self.kept), 'converted image')} kept that this command did not "
                f"write as it is: {one_line(self.kept[0], 200)}{more}. Delete it to have it "
                "converted again"] if self.kept else []


def usable_images(root: Path, paths: Iterable[str],
                  images: Mapping[str, ImageInfo]) -> UsableImages:
    """Convert and leave out. GIFs are always converted: not every OpenCV reads them.

    :param images: those that exist, by path
    """
    result = UsableImages()
    for path in sorted(set(paths)):
        image = images.get(path)
        if image is None:
            result.left_out[path] = f"is not there{_other_ending(root, path)}"
        elif image.fault or image.kind == "gif":
            # one that cv2 decodes in part (it is truncated) has a thumbnail; one that was not
            # looked at (no file but a pipe, too large a picture) must not be opened either
            may_convert = "cannot decode it" in image.fault or (
                image.kind == "gif" and bool(image.thumbnail))
            converted = _convert(root, path, result.kept) if may_convert else None
            if converted is None:
                result.left_out[path] = image.fault
            else:
                result.converted[path] = converted
    return result


def _other_ending(root: Path, path: str) -> str:
    """A hint if the file is there under the name with an ending."""
    for suffix in sorted(IMAGE_SUFFIXES):
        if (root / f"{path}{suffix}").is_file():
            return f", but {path}{suffix} is: write names with their endings"
    return ""


def _convert(root: Path, path: str, kept: list[str]) -> str | None:
    """Write an image as PNG, with the folders of its path; None if Pillow cannot read it.

    A picture that is there and is not as this command wrote it is the user's: it stays, and its
    name goes to ``kept``.
    """
    inside = "/".join("__" if part == ".." else part for part in path.lstrip("/").split("/"))
    target = root / CONVERTED / f"{inside}.png"
    try:
        with Image.open(root / path) as image:
            rgb = image.convert("RGB")
    except Exception:  # Pillow's decoders raise exceptions of any type
        return None
    name = target.relative_to(root).as_posix()
    if os.path.lexists(target):
        digest, mark = _digests(target)
        if digest == _digest(rgb):
            return name
        if mark is None or mark != digest:
            kept.append(name)
            return name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".part")
        info = PngInfo()
        info.add_text(_MARK, _digest(rgb))
        rgb.save(temporary, format="PNG", pnginfo=info)
        os.replace(temporary, target)
    except OSError as error:  # the image is good: it must not be left out
        raise DataError(f"{target}: cannot be written ({error.strerror or error}). Make room, or "
                        "the folder writable, and begin again: what was converted is "
                        "kept") from None
    return name


def _digest(image: Image.Image) -> str:
    """Of size and pixels."""
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()


def _digests(target: Path) -> tuple[str, str | None]:
    """(digest of the picture that is there, the one that was noted in it when it was written)."""
    try:
        with open_file(target) as stream, Image.open(stream) as image:
            return _digest(image.convert("RGB")), image.info.get(_MARK)
    except Exception:  # Pillow's decoders raise exceptions of any type
        raise DataError(f"{target}: is there already, and is no image. Move it elsewhere") from None
