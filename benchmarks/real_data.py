"""Make image folders and PaddleClas lists of pictures that package registries carry.

    python benchmarks/real_data.py tuxpaint --source DIR --output DIR --per-class 10

``--source`` is the folder into which the package was unpacked (``dpkg-deb -x PACKAGE DIR``):

==============  ===============================  ==========================================
set             Debian package                   pictures
==============  ===============================  ==========================================
``tuxpaint``    ``tuxpaint-stamps-default``      333 photographs of 13 classes, GPL-2
``openclipart`` ``openclipart-png``              865 drawings of 16 classes, public domain
``fashion``     ``dataset-fashion-mnist``        70,000 grey images of 10 classes, MIT
``digits``      none (scikit-learn carries it)   1,797 grey images of 10 classes, BSD
==============  ===============================  ==========================================

The split is drawn with ``--seed``. Pictures that are nearly alike, or mirror images of each other,
always come to the same side of it.
"""

from __future__ import annotations

import argparse
import gzip
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageFilter

#: The folders of each class, relative to the root of the set. A folder counts with all below it,
#: except for the parts that belong to another class.
TUXPAINT: Mapping[str, Sequence[str]] = {
    "bird": ["animals/birds"],
    "mammal": ["animals/mammals", "animals/marsupials"],
    "insect": ["animals/insects", "animals/shellfish"],
    "fish": ["animals/fish", "animals/mammals/aquatic"],
    "fruit": ["food/fruit"],
    "vegetable": ["food/vegetables"],
    "flower": ["plants/flowers"],
    "coin": ["symbols/money/*/coins"],
    "handsign": ["symbols/alphabets/asl"],
    "roadsign": ["town/roadsigns"],
    "clothes": ["clothes"],
    "tool": ["household/tools", "household/arttools"],
    "vehicle": ["vehicles", "military/vehicles"],
}
OPENCLIPART: Mapping[str, Sequence[str]] = {
    "mammal": ["animals/mammals"],
    "bird": ["animals/birds"],
    "bug": ["animals/bugs"],
    "fish": ["animals/fish"],
    "fruit": ["food/fruit"],
    "dessert": ["food/desserts"],
    "beverage": ["food/beverages"],
    "sport": ["recreation/sports"],
    "music": ["recreation/music"],
    "roadsign": ["transportation/roadsigns"],
    "vehicle": ["transportation/vehicles"],
    "boat": ["transportation/boating"],
    "clothing": ["people/clothing"],
    "hardware": ["computer/hardware"],
    "home": ["buildings/homes"],
    "flower": ["plants/flowers"],
}
FASHION = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "boot",
)

#: Words in a path that tell a drawing or a toy from a photograph.
NOT_PHOTOGRAPHS = ("cartoon", "toys", "plastic")

SHIFTS = ("none", "grey", "blur", "noisy-labels")

#: The share of training labels that ``noisy-labels`` replaces.
NOISE = 0.2

#: Two pictures count as alike when the mean absolute grey difference (0 to 255) of their 16 x 16
#: thumbnails is below this.
ALIKE = 7.0
_THUMBNAIL = 16

#: Files with more pixels are left out: a few drawings are posters that take seconds to open.
MOST_PIXELS = 4_000_000


@dataclass(frozen=True)
class Picture:
    """One labelled picture.

    :param name: unique within the set, without a suffix; becomes the file's name
    :param read: returns the picture as it is stored
    """

    label: str
    name: str
    read: Callable[[], Image.Image]


@dataclass(frozen=True)
class Sample:
    """A prepared picture: RGB, square, of the size asked for."""

    label: str
    name: str
    image: Image.Image


@dataclass(frozen=True)
class Sizes:
    """How many pictures of each class a part has at most; None: all that are left."""

    train: int
    val: int | None = None
    test: int = 0


# -- reading the sets ------------------------------------------------------------------------------


def read_set(name: str, source: Path) -> list[Picture]:
    """All pictures of a set, in a fixed order.

    :raises SystemExit: when the set is not in ``source``
    """
    if name == "tuxpaint":
        folder = source / "usr/share/tuxpaint/stamps"
        found = read_folders(folder, TUXPAINT, exclude=NOT_PHOTOGRAPHS)
    elif name == "openclipart":
        folder = source / "usr/share/openclipart/png"
        found = read_folders(folder, OPENCLIPART)
    elif name == "fashion":
        folder = source / "usr/share/datasets/fashion-mnist"
        found = _read_fashion(folder) if folder.is_dir() else []
    else:
        folder, found = source, _read_digits()
    if not found:
        raise SystemExit(
            f"{folder}: no pictures found. Unpack the Debian package of {name} into {source} "
            "(dpkg-deb -x PACKAGE DIR)."
        )
    return found


def read_folders(
    root: Path, classes: Mapping[str, Sequence[str]], exclude: Sequence[str] = ()
) -> list[Picture]:
    """The PNG files below the folders of ``classes``; the innermost listed folder has a file.

    :param exclude: files with one of these words in their path below ``root`` are left out
    """
    owners: dict[Path, tuple[int, str]] = {}
    for label, patterns in classes.items():
        for folder in (found for pattern in patterns for found in sorted(root.glob(pattern))):
            for file in sorted(folder.rglob("*.png")):
                depth = len(folder.parts)
                if depth > owners.get(file, (0, ""))[0]:
                    owners[file] = (depth, label)
    pictures = []
    for file, (_, label) in sorted(owners.items()):
        inner = file.relative_to(root).with_suffix("")
        if not any(word in str(inner) for word in exclude) and png_pixels(file) <= MOST_PIXELS:
            pictures.append(Picture(label, "_".join(inner.parts), _opener(file)))
    return pictures


def png_pixels(file: Path) -> int:
    """Width times height, of the file's header."""
    with file.open("rb") as opened:
        width, height = struct.unpack(">II", opened.read(24)[16:24])
    return int(width) * int(height)


def _opener(file: Path) -> Callable[[], Image.Image]:
    return lambda: Image.open(file)


def _read_fashion(folder: Path) -> list[Picture]:
    images = read_idx(folder / "train-images-idx3-ubyte.gz")
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz")
    return _from_arrays(images, labels, FASHION)


def read_idx(path: Path) -> NDArray[numpy.uint8]:
    """A gzipped file in the IDX format of unsigned bytes, as MNIST and Fashion-MNIST come."""
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    start = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=start).reshape(shape)


def _read_digits() -> list[Picture]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * (255 / 16)).round().astype(numpy.uint8)
    return _from_arrays(images, digits.target, [str(digit) for digit in range(10)])


def _from_arrays(images: NDArray[Any], labels: NDArray[Any], names: Sequence[str]) -> list[Picture]:
    """Grey images [n, height, width] of uint8, labels [n]."""
    return [
        Picture(names[int(label)], f"{index:05d}", _array_opener(images[index]))
        for index, label in enumerate(labels)
    ]


def _array_opener(image: NDArray[Any]) -> Callable[[], Image.Image]:
    return lambda: Image.fromarray(image)


def choose_classes(pictures: Sequence[Picture], classes: Sequence[str] | None) -> list[Picture]:
    """The pictures of ``classes``; all of them for None.

    :raises SystemExit: when a class is not in the set
    """
    known = sorted({picture.label for picture in pictures})
    unknown = [name for name in classes or () if name not in known]
    if unknown:
        raise SystemExit(
            f"--classes: there is no {', '.join(unknown)}. The set has {', '.join(known)}."
        )
    return [picture for picture in pictures if classes is None or picture.label in classes]


# -- preparing pictures ----------------------------------------------------------------------------


def prepare(image: Image.Image, size: int) -> Image.Image:
    """``image`` without its transparent border, on a white square of ``size`` pixels, RGB."""
    rgba = image.convert("RGBA")
    box = rgba.getchannel("A").point([255 if alpha > 16 else 0 for alpha in range(256)]).getbbox()
    rgba = rgba.crop(box) if box else rgba
    scale = size / max(rgba.size)
    width, height = (max(1, round(side * scale)) for side in rgba.size)
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    resized = white.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    square = Image.new("RGB", (size, size), "white")
    square.paste(resized, ((size - width) // 2, (size - height) // 2))
    return square


def shift_image(image: Image.Image, shift: str) -> Image.Image:
    """``image`` in grey, or blurred by 1/40 of its side; unchanged for other shifts."""
    if shift == "grey":
        return image.convert("L").convert("RGB")
    if shift == "blur":
        return image.filter(ImageFilter.GaussianBlur(image.width / 40))
    return image


def noisy_labels(
    labels: Sequence[int], classes: int, random: numpy.random.Generator, share: float = NOISE
) -> list[int]:
    """``labels`` with a ``share`` of them, drawn at random, replaced by another class each."""
    changed = list(labels)
    for index in random.permutation(len(labels))[: round(share * len(labels))]:
        changed[index] = int((labels[index] + random.integers(1, classes)) % classes)
    return changed


# -- near-duplicates -------------------------------------------------------------------------------


def groups_of_alike(images: Sequence[Image.Image], limit: float = ALIKE) -> list[list[int]]:
    """Indices of ``images``, in groups of those that are nearly alike or mirrored.

    Two pictures count as alike when the mean absolute difference of their grey thumbnails is below
    ``limit``. The relation is extended to chains.
    """
    if not images:
        return []
    thumbnails = numpy.stack([_thumbnail(image) for image in images])
    mirrored = thumbnails[:, :, ::-1]
    parents = list(range(len(images)))

    def root(index: int) -> int:
        while parents[index] != index:
            index = parents[index]
        return index

    for index, thumbnail in enumerate(thumbnails):
        for others in (thumbnails, mirrored):
            distance = numpy.abs(others[:index] - thumbnail).mean(axis=(1, 2))
            for other in numpy.flatnonzero(distance < limit):
                parents[max(root(index), root(int(other)))] = min(root(index), root(int(other)))
    groups: dict[int, list[int]] = {}
    for index in range(len(images)):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _thumbnail(image: Image.Image) -> NDArray[numpy.float32]:
    small = image.convert("L").resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return numpy.asarray(small, dtype=numpy.float32)


# -- splitting -------------------------------------------------------------------------------------


def split_groups(
    groups: Iterable[Sequence[int]], sizes: Sizes, random: numpy.random.Generator
) -> dict[str, list[int]]:
    """The indices of one class as ``train``, ``test`` and ``val``; no group is torn apart.

    Groups come in random order. One that is too large for what is missing in ``train`` and in
    ``test`` goes to ``val``.
    """
    drawn = list(groups)
    order = random.permutation(len(drawn))
    parts: dict[str, list[int]] = {"train": [], "test": [], "val": []}
    for group in (drawn[position] for position in order):
        if len(parts["train"]) + len(group) <= sizes.train:
            parts["train"] += group
        elif len(parts["test"]) + len(group) <= sizes.test:
            parts["test"] += group
        elif sizes.val is None or len(parts["val"]) + len(group) <= sizes.val:
            parts["val"] += group
    return parts


def draw_samples(
    pictures: Sequence[Picture], sizes: Sizes, *, size: int, seed: int, photographs: bool
) -> dict[str, list[Sample]]:
    """The prepared samples of each part, class by class.

    :param photographs: whether to look for near-duplicates; digits and clothes are all alike
    """
    random = numpy.random.default_rng(seed)
    samples: dict[str, list[Sample]] = {"train": [], "test": [], "val": []}
    for label in sorted({picture.label for picture in pictures}):
        members = [picture for picture in pictures if picture.label == label]
        if photographs:
            images = [prepare(member.read(), size) for member in members]
            groups = groups_of_alike(images)
        else:
            groups = [[index] for index in range(len(members))]
        for part, indices in split_groups(groups, sizes, random).items():
            samples[part] += [
                Sample(label, members[index].name, prepare(members[index].read(), size))
                for index in sorted(indices)
            ]
    return samples


# -- writing ---------------------------------------------------------------------------------------


def write_set(
    samples: Mapping[str, Sequence[Sample]], output: Path, *, shift: str, seed: int
) -> None:
    """PNG files in ``output/images``, ``label_list.txt``, a list file of each part with members.

    With ``noisy-labels`` only the training list is wrong.
    """
    names = sorted({sample.label for part in samples.values() for sample in part})
    numbers = {name: number for number, name in enumerate(names)}
    output.mkdir(parents=True, exist_ok=True)
    for part, members in samples.items():
        labels = [numbers[sample.label] for sample in members]
        if shift == "noisy-labels" and part == "train":
            labels = noisy_labels(labels, len(names), numpy.random.default_rng([seed, 1]))
        lines = []
        for sample, label in zip(members, labels, strict=True):
            path = output / "images" / sample.label / f"{sample.name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            shift_image(sample.image, shift).save(path)
            lines.append(f"{path.relative_to(output)} {label}\n")
        if lines:
            (output / f"{part}_list.txt").write_text("".join(lines))
    (output / "label_list.txt").write_text("".join(f"{i} {name}\n" for name, i in numbers.items()))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("set", choices=["tuxpaint", "openclipart", "fashion", "digits"])
    made.add_argument(
        "--source",
        type=Path,
        default=Path("."),
        metavar="DIR",
        help="where the Debian package was unpacked (not needed for digits)",
    )
    made.add_argument("--output", type=Path, required=True, metavar="DIR")
    made.add_argument("--per-class", type=int, required=True, help="training pictures of a class")
    made.add_argument("--val-per-class", type=int, help="at most (default: all that are left)")
    made.add_argument(
        "--test-per-class", type=int, default=0, help="for a test list (default: none)"
    )
    made.add_argument("--classes", nargs="+", action="extend", metavar="CLASS",
                      help="only these (default: all)")
    made.add_argument("--size", type=int, default=64, help="side in pixels (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the split and of wrong labels")
    made.add_argument(
        "--shift", choices=SHIFTS, default="none", help="what makes the set unlike the source's"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(arguments)
    sizes = Sizes(chosen.per_class, chosen.val_per_class, chosen.test_per_class)
    photographs = chosen.set in ("tuxpaint", "openclipart")
    pictures = choose_classes(read_set(chosen.set, chosen.source), chosen.classes)
    samples = draw_samples(
        pictures, sizes, size=chosen.size, seed=chosen.seed, photographs=photographs
    )
    write_set(samples, chosen.output, shift=chosen.shift, seed=chosen.seed)
    counts = ", ".join(f"{len(members)} {part}" for part, members in samples.items() if members)
    print(f"{chosen.output}: {counts} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
