"""VOC2012 with a single label: an image's class is that of its largest non-difficult box.

If all boxes are difficult, the largest of them counts, so that the splits keep their official
sizes. The official validation split is the validation list; test labels were never published.
"""

from pathlib import Path
from xml.etree import ElementTree

from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions, Recipe
from paddle_transfer.datasets.files import missing, read_lines
from paddle_transfer.errors import DataError
from paddle_transfer.files import read_bytes

CLASSES = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
           "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
           "train", "tvmonitor")
FOLDER = "VOCdevkit/VOC2012"
MAX_ANNOTATION = 1 << 20  # bytes


def read(root: Path, _options: PrepareOptions) -> Layout:
    lists, annotations = root / FOLDER / "ImageSets" / "Main", root / FOLDER / "Annotations"
    return Layout(CLASSES, {
        split: [(f"{FOLDER}/JPEGImages/{image}.jpg", read_label(annotations / f"{image}.xml"))
                for image in _images(lists, split)] for split in ("train", "val")})


def _images(folder: Path, split: str) -> list[str]:
    """The ids of a split: the union of ``<class>_<split>.txt``, in file order."""
    lines = (line for name in CLASSES for line in read_lines(folder / f"{name}_{split}.txt"))
    return list(dict.fromkeys(line.split()[0] for line in lines))


def read_label(path: Path) -> int:
    """The label of the largest box in an annotation. Raises DataError."""
    try:
        root = ElementTree.fromstring(read_bytes(path, MAX_ANNOTATION))
        boxes = [_box(item, path) for item in root.iter("object")]
    except FileNotFoundError:
        raise missing(path) from None
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise DataError(f"{path}: should be an annotation with boxes, but {error}") from None
    if not boxes:
        raise DataError(f"{path}: should have an object, but has none")
    return max(boxes)[-1]


def _box(item: ElementTree.Element, path: Path) -> tuple[bool, float, int]:
    """(not difficult, area in px, label)."""
    name = item.findtext("name", "").strip()
    if name not in CLASSES:
        raise DataError(f"{path}: unknown class {name!r}")
    x1, y1, x2, y2 = (float(item.findtext(f"bndbox/{key}", ""))
                      for key in ("xmin", "ymin", "xmax", "ymax"))
    easy = item.findtext("difficult", "0").strip() != "1"
    return easy, (x2 - x1) * (y2 - y1), CLASSES.index(name)


DATASET = Dataset(
    "voc2012", "VOC2012 (single label)", read,
    archives=(Archive("VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd",
                      "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/"
                      "VOCtrainval_11-May-2012.tar"),),
    files=(f"{FOLDER}/JPEGImages", f"{FOLDER}/Annotations", f"{FOLDER}/ImageSets/Main"),
    classes=len(CLASSES), official={"train": 5717, "val": 5823}, sample=f"{FOLDER}/JPEGImages",
    recipe=Recipe(arch="VGG16", lr=0.0005, baseline_lr=0.0003, four_ways=True))
