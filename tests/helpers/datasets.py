"""Small archives with the official layouts of the public data sets, real images inside, for tests.

``build(name, root)`` writes the archives of ``name`` into ``root``: few images of ``SIDE`` px, all
classes. Every picture is different, also to the eye.
"""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.datasets.voc2012 import CLASSES as VOC_CLASSES

SIDE = 24  # px


def picture(seed: int, *, side: int = SIDE, ending: str = ".jpg", quality: int = 90) -> bytes:
    """A file of random colour blots; ``ending`` chooses the format (.gif needs Pillow)."""
    import cv2
    import numpy as np

    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    if ending == ".gif":
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(image).save(stream, format="GIF")
        return stream.getvalue()
    return cv2.imencode(ending, image, [cv2.IMWRITE_JPEG_QUALITY, quality] if ending == ".jpg"
                        else [])[1].tobytes()


class Pictures:
    """Files by name; each call of ``add`` draws a new picture."""

    def __init__(self):
        self.files: dict[str, bytes] = {}

    def add(self, name: str) -> None:
        self.files[name] = picture(len(self.files))


def tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as bundle:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            bundle.addfile(member, io.BytesIO(data))


def zipped(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)


def text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def build(name: str, root: Path) -> dict[str, int]:
    """Write the archives; returns the number of images per official split."""
    root.mkdir(parents=True, exist_ok=True)
    return globals()[f"_{name}"](root, DATASETS[name].classes)


def _oxford_iiit_pets(root: Path, classes: int) -> dict[str, int]:
    images, lists = Pictures(), {"trainval": [], "test": []}
    for label in range(1, classes + 1):
        for i, split in enumerate(("trainval", "trainval", "trainval", "test")):
            name = f"Great_Breed_{label}_{i + 1}"
            images.add(f"images/{name}.jpg")
            lists[split].append(f"{name} {label} 1 {label}")
    tar(root / "images.tar.gz", images.files)
    tar(root / "annotations.tar.gz",
        {f"annotations/{split}.txt": text(lines) for split, lines in lists.items()})
    return {"train": len(lists["trainval"]), "test": len(lists["test"])}


def _oxford_102_flowers(root: Path, classes: int) -> dict[str, int]:
    import numpy as np
    from scipy.io import savemat

    images, labels, sets = Pictures(), [], {"trnid": [], "valid": [], "tstid": []}
    for label in range(1, classes + 1):
        for split in ("trnid", "trnid", "valid", "tstid"):
            labels.append(label)
            sets[split].append(len(labels))
            images.add(f"jpg/image_{len(labels):05d}.jpg")
    tar(root / "102flowers.tgz", images.files)
    savemat(root / "imagelabels.mat", {"labels": np.array([labels], "uint8")})
    savemat(root / "setid.mat",
            {key: np.array([numbers], "uint16") for key, numbers in sets.items()})
    return {"train": len(sets["trnid"]), "val": len(sets["valid"]), "test": len(sets["tstid"])}


def _food101(root: Path, classes: int) -> dict[str, int]:
    images, meta = Pictures(), {"train": {}, "test": {}}
    for label in range(classes):
        for split, count in (("train", 3), ("test", 1)):
            names = [f"dish_{label:03d}/{split}{i}" for i in range(count)]
            meta[split][f"dish_{label:03d}"] = names
            for name in names:
                images.add(f"food-101/images/{name}.jpg")
    tar(root / "food-101.tar.gz", {**images.files, **{
        f"food-101/meta/{split}.json": json.dumps(names).encode()
        for split, names in meta.items()}})
    return {"train": 3 * classes, "test": classes}


def _sun397(root: Path, classes: int) -> dict[str, int]:
    images, names, lists = Pictures(), [], {"Training": [], "Testing": []}
    for label in range(classes):
        names.append(f"/s/scene_{label:03d}" + ("/outdoor" if label % 9 == 0 else ""))
        for i, split in enumerate(("Training", "Training", "Testing")):
            lists[split].append(f"{names[-1]}/sun_{i}.jpg")
            images.add(f"SUN397{names[-1]}/sun_{i}.jpg")
    files = list(images.files)
    # as in the real one: not what the suffix says
    for file, ending in zip(files[3:9:3], (".png", ".bmp"), strict=True):
        images.files[file] = picture(10_000 + len(ending) + files.index(file), ending=ending)
    images.files[files[9]] = picture(20_000, ending=".gif")
    images.files[files[12]] = b"not an image at all"
    tar(root / "SUN397.tar.gz", images.files)
    zipped(root / "Partitions.zip", {"ClassName.txt": text(names), **{
        f"{split}_01.txt": text(lines) for split, lines in lists.items()}})
    return {"train": 2 * classes, "test": classes}


def _caltech101(root: Path, classes: int) -> dict[str, int]:
    images = Pictures()
    for name in ["BACKGROUND_Google", *(f"thing_{label:03d}" for label in range(classes))]:
        for i in range(5):
            images.add(f"101_ObjectCategories/{name}/image_{i + 1:04d}.jpg")
    inner = root / "101_ObjectCategories.tar.gz"
    tar(inner, images.files)
    zipped(root / "caltech-101.zip",
           {"caltech-101/101_ObjectCategories.tar.gz": inner.read_bytes()})
    inner.unlink()
    return {"train": 3 * classes, "test": 2 * classes}


def _dtd(root: Path, classes: int) -> dict[str, int]:
    images, lists = Pictures(), {"train": [], "val": [], "test": []}
    for label in range(classes):
        for i, split in enumerate(("train", "train", "val", "test")):
            lists[split].append(f"texture{label:02d}/texture{label:02d}_{i:04d}.jpg")
            images.add(f"dtd/images/{lists[split][-1]}")
    tar(root / "dtd-r1.0.1.tar.gz", {**images.files, **{
        f"dtd/labels/{split}1.txt": text(lines) for split, lines in lists.items()}})
    return {split: len(lines) for split, lines in lists.items()}


def _stanford_cars(root: Path, classes: int) -> dict[str, int]:
    from scipy.io import savemat

    images, devkit = Pictures(), root / "devkit.tmp"
    devkit.mkdir()
    counts = {}
    for folder, per_class, file in (("cars_train", 3, devkit / "cars_train_annos.mat"),
                                    ("cars_test", 1, root / "cars_test_annos_withlabels.mat")):
        labels = [label for label in range(1, classes + 1) for _ in range(per_class)]
        for i in range(len(labels)):
            images.add(f"{folder}/{i + 1:05d}.jpg")
        savemat(file, {"annotations": _structs(
            [{"bbox_x1": 1, "class": label, "fname": f"{i + 1:05d}.jpg"}
             for i, label in enumerate(labels)])})
        counts[folder[5:]] = len(labels)
    savemat(devkit / "cars_meta.mat",
            {"class_names": _cells([f"Maker Car {i} 2012" for i in range(classes)])})
    for folder in ("cars_train", "cars_test"):
        tar(root / f"{folder}.tgz",
            {name: data for name, data in images.files.items() if name.startswith(folder + "/")})
    tar(root / "car_devkit.tgz",
        {f"devkit/{path.name}": path.read_bytes() for path in devkit.iterdir()})
    for path in devkit.iterdir():
        path.unlink()
    devkit.rmdir()
    return counts


def _structs(rows: list[dict]):
    import numpy as np

    array = np.empty((1, len(rows)), dtype=[(key, object) for key in rows[0]])
    for i, row in enumerate(rows):
        array[0, i] = tuple(row.values())
    return array


def _cells(values: list[str]):
    import numpy as np

    array = np.empty((1, len(values)), dtype=object)
    array[0, :] = values
    return array


def _fgvc_aircraft(root: Path, classes: int) -> dict[str, int]:
    images, lists = Pictures(), {"train": [], "val": [], "test": []}
    variants = [f"Maker {label}-{label * 7} ER" for label in range(classes)]
    for variant in variants:
        for split in ("train", "train", "val", "test"):
            number = f"{len(images.files):07d}"
            images.add(f"fgvc-aircraft-2013b/data/images/{number}.jpg")
            lists[split].append(f"{number} {variant}")
    data = "fgvc-aircraft-2013b/data"
    tar(root / "fgvc-aircraft-2013b.tar.gz", {**images.files,
                                              f"{data}/variants.txt": text(variants),
                                              **{f"{data}/images_variant_{split}.txt": text(lines)
                                                 for split, lines in lists.items()}})
    return {split: len(lines) for split, lines in lists.items()}


def _voc2012(root: Path, classes: int) -> dict[str, int]:
    images, files, ids = Pictures(), {}, {"train": [], "val": []}
    truth: dict[str, dict[str, int]] = {name: {} for name in VOC_CLASSES}
    for label, name in enumerate(VOC_CLASSES):
        other = VOC_CLASSES[(label + 1) % classes]
        for split in ("train", "train", "val"):
            image = f"2008_{len(images.files):06d}"
            images.add(f"VOCdevkit/VOC2012/JPEGImages/{image}.jpg")
            ids[split].append(image)
            truth[name][image] = truth[other][image] = 1
            # the largest box of all is difficult, the largest other one is the class
            files[f"VOCdevkit/VOC2012/Annotations/{image}.xml"] = _annotation(
                (other, 0, 0, 24, 24, 1), (other, 0, 0, 8, 8, 0), (name, 4, 4, 20, 20, 0))
    for name in VOC_CLASSES:
        for split, images_of in ids.items():
            files[f"VOCdevkit/VOC2012/ImageSets/Main/{name}_{split}.txt"] = text(
                [f"{image} {truth[name].get(image, -1):2d}" for image in images_of])
    tar(root / "VOCtrainval_11-May-2012.tar", {**images.files, **files})
    return {split: len(images_of) for split, images_of in ids.items()}


def _annotation(*boxes: tuple) -> bytes:
    objects = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox><part><name>head</name><bndbox><xmin>0</xmin><ymin>0</ymin>"
        "<xmax>99</xmax><ymax>99</ymax></bndbox></part></object>"
        for name, x1, y1, x2, y2, difficult in boxes)
    return f"<annotation><folder>VOC2012</folder>{objects}</annotation>".encode()


def _cifar10(root: Path, classes: int) -> dict[str, int]:
    import cv2
    import numpy as np

    def batch(first: int, count: int) -> bytes:
        images = [cv2.imdecode(np.frombuffer(picture(first + i, side=32, ending=".png"), np.uint8),
                               1) for i in range(count)]
        data = np.stack([image.transpose(2, 0, 1).reshape(-1) for image in images])
        labels = [(first + i) % classes for i in range(count)]
        # protocol 2 and keys of bytes, as Python 2 wrote it
        return pickle.dumps({b"data": data, b"labels": labels, b"batch_label": b"x",
                             b"filenames": [b"a.png"] * count}, 2)

    files = {f"cifar-10-batches-py/data_batch_{i + 1}": batch(10 * i, 10) for i in range(5)}
    files["cifar-10-batches-py/test_batch"] = batch(50, 10)
    files["cifar-10-batches-py/batches.meta"] = pickle.dumps({b"label_names": [b"airplane"]}, 2)
    tar(root / "cifar-10-python.tar.gz", files)
    return {"train": 50, "test": 10}
