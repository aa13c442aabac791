"""Digits, and the same blended into photographs: the MNIST-M recipe on what scikit-learn carries.

Ganin et al. 2016, Domain-Adversarial Training of Neural Networks, section 5.2.4: the absolute
difference of a digit and of a patch of a photograph, channel by channel. Digits (8 x 8, 1,797) and
photographs (``china.jpg``, ``flower.jpg``) come with scikit-learn: nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray
from PIL import Image

from benchmarks.real_data import Sample, write_set

#: Side of the images, and of the digit in their middle.
SIZE, DIGIT = 32, 28
#: Photographs are cut into squares of this side; every third square gives patches of test images
#: and of no others, so that these are of the same kind and share no pixel with those.
TILE = 64
#: Test digits of a class, digits of a class that a setting may be chosen on, and images that are
#: made of each other digit: as many in the source as in the target.
TEST, VAL, COPIES = 40, 10, 2


def blend(digit: NDArray[Any], patch: NDArray[Any]) -> NDArray[numpy.uint8]:
    """|patch - digit|.

    :param digit: [height, width] of uint8
    :param patch: [height, width, 3] of uint8
    """
    difference = patch.astype(numpy.int16) - digit[:, :, None]
    return numpy.abs(difference).astype(numpy.uint8)


def tile_places(height: int, width: int, *, test: bool) -> list[tuple[int, int]]:
    """(top, left) of the tiles of a photograph that test images, or that all others are made of."""
    return [(TILE * row, TILE * column) for row in range(height // TILE)
            for column in range(width // TILE) if ((row + column) % 3 == 0) == test]


def tiles(*, test: bool) -> list[NDArray[Any]]:
    """Those of both photographs, each [TILE, TILE, 3] of uint8."""
    from sklearn.datasets import load_sample_images

    return [image[top:top + TILE, left:left + TILE] for image in load_sample_images().images
            for top, left in tile_places(*image.shape[:2], test=test)]


def draw_patch(among: Sequence[NDArray[Any]], random: numpy.random.Generator) -> NDArray[Any]:
    """A patch [SIZE, SIZE, 3] of one of the tiles ``among``."""
    tile = among[random.integers(len(among))]
    top, left = (int(random.integers(TILE - SIZE + 1)) for _ in range(2))
    return tile[top:top + SIZE, left:left + SIZE]


def enlarge(digit: NDArray[Any]) -> NDArray[numpy.uint8]:
    """A digit [8, 8] of 0 to 16 as [SIZE, SIZE] of uint8, white on black."""
    image = Image.fromarray((digit * (255 / 16)).round().astype(numpy.uint8))
    framed = Image.new("L", (SIZE, SIZE))
    framed.paste(image.resize((DIGIT, DIGIT), Image.Resampling.BICUBIC),
                 ((SIZE - DIGIT) // 2,) * 2)
    return numpy.asarray(framed)


def write_digits(folder: Path, *, seed: int) -> None:
    """Write images and lists into ``folder``, unless they are there.

    ``train`` and ``val`` are digits, each white on black and black on white (the publication has
    the former alone). ``target``, ``target_val`` and ``test`` are blended into photographs: of the
    digits of ``train`` (as in the publication), of those of ``val``, and of digits and tiles that
    no other list has.
    """
    if (folder / "label_list.txt").exists():
        return
    from sklearn.datasets import load_digits

    digits, random = load_digits(), numpy.random.default_rng(seed)
    seen, unseen = tiles(test=False), tiles(test=True)
    samples: dict[str, list[Sample]] = {
        part: [] for part in ("train", "val", "target", "target_val", "test")}

    def add(part: str, index: int, copies: int) -> None:
        digit = enlarge(digits.images[index])
        for copy in range(copies):
            if part in ("train", "val"):  # a patch of one colour: the first black, the second white
                patch = numpy.full((SIZE, SIZE, 3), 255 * copy, dtype=numpy.uint8)
            else:
                patch = draw_patch(unseen if part == "test" else seen, random)
            samples[part].append(Sample(
                str(digits.target[index]), f"{part}_{index:04d}_{copy}",
                Image.fromarray(blend(digit, patch))))

    for label in range(10):
        order = random.permutation(numpy.flatnonzero(digits.target == label))
        for index in order[:TEST]:
            add("test", index, 1)
        for index in order[TEST:TEST + VAL]:
            add("val", index, COPIES)
            add("target_val", index, 1)
        for index in order[TEST + VAL:]:
            add("train", index, COPIES)
            add("target", index, COPIES)
    write_set(samples, folder, shift="none", seed=seed)
