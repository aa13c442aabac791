"""VOC2012 classification in single-label form: an image's class is that of its largest non-difficult box.

An image whose boxes are all marked difficult takes the largest of those, so that the splits keep their official
sizes. The official validation split is the validation split; the labels of the test split were never published.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from paddle_transfer.datasets.base import Layout, lines_of
from paddle_transfer.errors import DataError

CLASSES = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
           "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
           "train", "tvmonitor")


def read(root: Path, seed: int) -> Layout:
    voc = root / "VOCdevkit" / "VOC2012"
    return Layout(CLASSES, {split: [
        (f"VOCdevkit/VOC2012/JPEGImages/{image}.jpg", largest(voc / "Annotations" / f"{image}.xml"))
        for image in _images(voc / "ImageSets" / "Main", split)] for split in ("train", "val")})


def _images(folder: Path, split: str) -> list[str]:
    """The ids of a split: those of ``<class>_<split>.txt``, the same in each class's file, in file order."""
    images: dict[str, None] = {}
    for name in CLASSES:
        images.update(
            dict.fromkeys(line.split()[0] for line in lines_of(folder / f"{name}_{split}.txt")))
    return list(images)


def largest(path: Path) -> int:
    """The label of the largest box in an annotation, difficult ones only when there are no others."""
    try:
        boxes = [_box(item, path) for item in ElementTree.parse(path).getroot().iter("object")]
    except FileNotFoundError:
        raise DataError(f"{path}: the archive should hold this file, but it is not there") from None
    except (ElementTree.ParseError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: should be an annotation with boxes, but {error}") from None
    if not boxes:
        raise DataError(f"{path}: should have an object, but has none")
    return max(boxes)[-1]


def _box(item: ElementTree.Element, path: Path) -> tuple[bool, float, int]:
    name = item.findtext("name", "").strip()
    if name not in CLASSES:
        raise DataError(f"{path}: unknown class {name!r}")
    x1, y1, x2, y2 = (float(item.find("bndbox").findtext(key))
                      for key in ("xmin", "ymin", "xmax", "ymax"))
    easy = item.findtext("difficult", "0").strip() != "1"
    return easy, (x2 - x1) * (y2 - y1), CLASSES.index(name)
