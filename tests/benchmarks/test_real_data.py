"""The pictures of package registries as image folders: classes, near-duplicates, split, shifts."""

from __future__ import annotations

import gzip
import importlib.util
import struct
import sys
from pathlib import Path
from types import ModuleType

import numpy
import pytest
from PIL import Image


def _load() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "real_data.py"
    spec = importlib.util.spec_from_file_location("real_data", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_data"] = module
    spec.loader.exec_module(module)
    return module


real_data = _load()


def picture(seed: int, size: tuple[int, int] = (40, 40)) -> Image.Image:
    """Coarse noise: no two seeds are alike."""
    pixels = numpy.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=numpy.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def members(output: Path, part: str) -> dict[str, int]:
    lines = (output / f"{part}_list.txt").read_text().splitlines()
    return {name: int(label) for name, _, label in (line.rpartition(" ") for line in lines)}


@pytest.fixture
def clipart(tmp_path: Path) -> Path:
    """Six birds and six boats as the package of openclipart has them."""
    root = tmp_path / "source/usr/share/openclipart/png"
    for i in range(6):
        save(picture(i), root / f"animals/birds/bird_{i}.png")
        save(picture(100 + i), root / f"transportation/boating/boat_{i}.png")
    return tmp_path / "source"


# -- reading ---------------------------------------------------------------------------------------


def test_inner_folder_has_the_file(tmp_path: Path) -> None:
    save(picture(0), tmp_path / "animals/mammals/aquatic/whale.png")
    save(picture(1), tmp_path / "animals/mammals/dog.png")
    found = real_data.read_folders(tmp_path, real_data.TUXPAINT)
    assert [(p.label, p.name) for p in found] == [
        ("fish", "animals_mammals_aquatic_whale"),
        ("mammal", "animals_mammals_dog"),
    ]


def test_stars_stand_for_folders(tmp_path: Path) -> None:
    save(picture(0), tmp_path / "symbols/money/euro/coins/one.png")
    save(picture(1), tmp_path / "symbols/money/us/coins/dime.png")
    save(picture(2), tmp_path / "symbols/money/us/bill.png")
    found = real_data.read_folders(tmp_path, real_data.TUXPAINT)
    assert [p.label for p in found] == ["coin", "coin"]


@pytest.mark.parametrize("name", ["cartoon/apple.png", "plastic_apple.png", "toys/apple.png"])
def test_drawings_and_toys_are_left_out(tmp_path: Path, name: str) -> None:
    save(picture(0), tmp_path / "food/fruit" / name)
    assert real_data.read_folders(tmp_path, real_data.TUXPAINT, real_data.NOT_PHOTOGRAPHS) == []


def test_posters_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_data, "MOST_PIXELS", 1000)
    save(picture(0, size=(40, 25)), tmp_path / "clothes/hat.png")
    save(picture(0, size=(41, 25)), tmp_path / "clothes/large_hat.png")
    found = real_data.read_folders(tmp_path, real_data.TUXPAINT)
    assert [p.name for p in found] == ["clothes_hat"]


def test_idx_files(tmp_path: Path) -> None:
    data = numpy.arange(12, dtype=numpy.uint8).reshape(3, 2, 2)
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", *data.shape)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(header + data.tobytes()))
    assert numpy.array_equal(real_data.read_idx(path), data)


def test_fashion_has_names(tmp_path: Path) -> None:
    folder = tmp_path / "usr/share/datasets/fashion-mnist"
    folder.mkdir(parents=True)
    images = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 28, 28) + bytes(2 * 28 * 28)
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + bytes([9, 0])
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    found = real_data.read_set("fashion", tmp_path)
    assert [(p.label, p.name) for p in found] == [("boot", "00000"), ("t-shirt", "00001")]
    assert found[0].read().size == (28, 28)


def test_digits_come_with_scikit_learn(tmp_path: Path) -> None:
    found = real_data.read_set("digits", tmp_path)
    assert len(found) == 1797
    assert sorted({p.label for p in found}) == list("0123456789")


@pytest.mark.parametrize("name", ["tuxpaint", "openclipart", "fashion"])
def test_a_set_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SystemExit, match=rf"no pictures found\. Unpack the Debian package of {name}"
    ):
        real_data.read_set(name, tmp_path)


# -- preparing -------------------------------------------------------------------------------------


def test_transparent_border_is_cut_and_the_rest_white() -> None:
    image = Image.new("RGBA", (100, 60), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (40, 20, 60, 30))
    made = real_data.prepare(image, 20)
    assert (made.mode, made.size) == ("RGB", (20, 20))
    assert made.getpixel((0, 10)) == (255, 0, 0)
    assert made.getpixel((19, 10)) == (255, 0, 0)
    assert made.getpixel((10, 2)) == (255, 255, 255)


def test_transparent_holes_are_white() -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 255, 255))
    image.paste((0, 0, 0, 0), (5, 5, 15, 15))
    assert real_data.prepare(image, 20).getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(1, 300), (300, 1)])
def test_a_line_stays_visible(size: tuple[int, int]) -> None:
    made = real_data.prepare(Image.new("L", size, 0), 32)
    assert made.size == (32, 32)
    assert numpy.asarray(made).min() == 0


def test_an_empty_picture_is_white() -> None:
    made = real_data.prepare(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), 8)
    assert numpy.asarray(made).min() == 255


def test_grey() -> None:
    channels = numpy.asarray(real_data.shift_image(picture(0), "grey"))
    assert channels.shape == (40, 40, 3)
    assert numpy.ptp(channels.astype(int), axis=2).max() == 0


def test_blur_takes_detail_away() -> None:
    before, after = (
        numpy.asarray(image, dtype=float)
        for image in (picture(0), real_data.shift_image(picture(0), "blur"))
    )
    assert (
        numpy.abs(numpy.diff(after, axis=1)).max() < numpy.abs(numpy.diff(before, axis=1)).max() / 2
    )
    assert after.mean() == pytest.approx(before.mean(), abs=2)


def test_a_fifth_of_the_labels_is_replaced() -> None:
    labels = [0, 1, 2, 3] * 25
    noisy = real_data.noisy_labels(labels, 4, numpy.random.default_rng(0))
    assert sum(a != b for a, b in zip(labels, noisy, strict=True)) == 20
    assert set(noisy) == {0, 1, 2, 3}


# -- near-duplicates and split ---------------------------------------------------------------------


def test_mirrored_and_recoloured_pictures_are_grouped() -> None:
    first, other = picture(1), picture(2)
    mirrored = first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    lighter = first.point([min(255, value + 4) for value in range(256)] * 3)
    assert real_data.groups_of_alike([first, other, mirrored, lighter]) == [[0, 2, 3], [1]]
    assert real_data.groups_of_alike([]) == []


def test_chains_are_one_group() -> None:
    images = [Image.new("L", (16, 16), shade) for shade in (100, 112, 106)]
    assert real_data.groups_of_alike(images) == [[0, 1, 2]]


@pytest.mark.parametrize("seed", range(8))
def test_groups_stay_on_one_side(seed: int) -> None:
    groups = [[0, 1, 2], [3], [4, 5], [6], [7], [8]]
    parts = real_data.split_groups(
        groups, real_data.Sizes(train=4, test=2), numpy.random.default_rng(seed)
    )
    assert len(parts["train"]) <= 4
    assert len(parts["test"]) <= 2
    assert sorted(parts["train"] + parts["test"] + parts["val"]) == list(range(9))
    sides = {index: part for part, indices in parts.items() for index in indices}
    assert all(len({sides[index] for index in group}) == 1 for group in groups)


def test_val_is_limited() -> None:
    groups = [[index] for index in range(30)]
    parts = real_data.split_groups(groups, real_data.Sizes(10, val=5), numpy.random.default_rng(0))
    assert {part: len(indices) for part, indices in parts.items()} == {
        "train": 10,
        "test": 0,
        "val": 5,
    }


# -- the command -----------------------------------------------------------------------------------


def run(source: Path, output: Path, *options: str) -> None:
    arguments = [
        "openclipart",
        "--source",
        str(source),
        "--output",
        str(output),
        "--size",
        "16",
        *options,
    ]
    assert real_data.main(arguments) == 0


def test_command_writes_lists_and_images(
    clipart: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(clipart, tmp_path / "set", "--per-class", "3", "--test-per-class", "1")
    train, val, test = (members(tmp_path / "set", part) for part in ("train", "val", "test"))
    assert [sorted(part.values()) for part in (train, val, test)] == [
        [0] * 3 + [1] * 3,
        [0] * 2 + [1] * 2,
        [0, 1],
    ]
    assert (tmp_path / "set/label_list.txt").read_text() == "0 bird\n1 boat\n"
    assert len({*train, *val, *test}) == 12
    for name, label in {**train, **val, **test}.items():
        assert Image.open(tmp_path / "set" / name).size == (16, 16)
        assert ("bird" in name) == (label == 0)
    assert "6 train, 2 test, 4 val pictures" in capsys.readouterr().out


def test_same_seed_same_split(clipart: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        run(clipart, tmp_path / name, "--per-class", "3", "--seed", seed)
    first, again, other = (members(tmp_path / name, "train") for name in "abc")
    assert first == again != other


def test_no_test_list_unless_asked_for(clipart: Path, tmp_path: Path) -> None:
    run(clipart, tmp_path / "set", "--per-class", "3")
    assert not (tmp_path / "set/test_list.txt").exists()


def test_only_training_labels_are_noisy(clipart: Path, tmp_path: Path) -> None:
    run(clipart, tmp_path / "set", "--per-class", "5", "--shift", "noisy-labels")
    wrong = {
        part: sum(
            ("bird" in name) != (label == 0)
            for name, label in members(tmp_path / "set", part).items()
        )
        for part in ("train", "val")
    }
    assert wrong == {"train": 2, "val": 0}


def test_some_classes(clipart: Path, tmp_path: Path) -> None:
    run(clipart, tmp_path / "set", "--per-class", "3", "--classes", "boat")
    assert (tmp_path / "set/label_list.txt").read_text() == "0 boat\n"
    with pytest.raises(SystemExit, match=r"there is no ship\. The set has bird, boat\."):
        run(clipart, tmp_path / "other", "--per-class", "3", "--classes", "ship")
