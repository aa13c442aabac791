import os
import signal

import pytest

from paddle_transfer.checks import images, process_pool
from paddle_transfer.checks.images import inspect_image, inspect_images
from paddle_transfer.checks.near_duplicates import CONTRAST, LEVELS, Thumbnails, near_duplicates
from tests.helpers.datasets import picture


def write(folder, name, data):
    (folder / name).write_bytes(data)
    return str(folder / name)


@pytest.mark.parametrize(("ending", "kind"), [(".jpg", "jpeg"), (".png", "png"), (".bmp", "bmp"),
                                              (".webp", "webp"), (".tiff", "tiff"),
                                              (".gif", "gif")])
def test_good_images_of_all_kinds(tmp_path, ending, kind):
    seen = inspect_image(write(tmp_path, "x", picture(1, ending=ending)))
    if kind == "gif" and not seen.thumbnail:  # OpenCV 4.11 and older
        assert seen.fault.endswith("cannot decode it: only Pillow can")
        return
    assert (seen.fault, seen.kind, seen.width, seen.height, len(
        seen.thumbnail)) == ("", kind, 24, 24, 256)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.8, 0.97])
def test_a_truncated_file_never_passes(tmp_path, ending, share):
    data = picture(2, side=80, ending=ending)
    assert inspect_image(write(tmp_path, "x" + ending, data[:int(len(data) * share)])).fault


def test_bytes_after_the_end_are_no_fault(tmp_path):
    assert inspect_image(write(tmp_path, "x.jpg", picture(3) + b"trailing camera data")).fault == ""


def test_reasons(tmp_path):
    assert "Git LFS pointer" in inspect_image(
        write(tmp_path, "a", b"version https://git-lfs.github.com/spec/v1\noid x")).fault
    assert "0 bytes" in inspect_image(write(tmp_path, "b", b"")).fault
    assert "cannot be read" in inspect_image(str(tmp_path)).fault


def inspect_or_kill(path):
    if path.endswith("killer.jpg"):
        os.kill(os.getpid(), signal.SIGKILL)
    return images.ImageInfo("", "jpeg", b"", 1, 1, b"")


def test_an_image_that_kills_its_decoder_is_named(monkeypatch):
    # fork hands it to the other processes
    monkeypatch.setattr(images, "inspect_image", inspect_or_kill)
    monkeypatch.setattr(images, "_CHUNK", 3)
    monkeypatch.setattr(process_pool.threading, "active_count", lambda: 1)
    paths = [f"{i}.jpg" for i in range(10)] + ["killer.jpg"] + [f"{i}.jpg" for i in range(10, 16)]
    seen = {path: look for batch in inspect_images(paths, processes=2) for path, _, look in batch}
    assert set(seen) == set(paths)
    assert [path for path, each in seen.items() if each.fault] == ["killer.jpg"]
    assert seen["killer.jpg"].fault == "decoding it kills the process"


def test_different_pictures_are_no_copies_and_resaved_ones_are():
    """Of 1,797 real digits no two are near duplicates; each saved again is one of itself alone."""
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    digits = [cv2.resize((image * 15.9).astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
              for image in load_digits().images]

    def all_thumbs(pictures):
        return Thumbnails([
            cv2.resize(each, (16, 16), interpolation=cv2.INTER_AREA).tobytes() for each in pictures
        ])

    assert near_duplicates(all_thumbs(digits[:900]), all_thumbs(digits[900:])) == []
    again = [
        cv2.imdecode(cv2.imencode(".jpg", each, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0)
        for each in digits[:300]
    ]
    assert near_duplicates(all_thumbs(digits), all_thumbs(again)) == [(i, i) for i in range(300)]


def test_copies_are_those_that_the_definition_says():
    """All pairs of smooth pictures of all brightnesses, some again with little or much noise."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    first = np.array(
        [cv2.resize(rng.integers(0, 256, (4, 4)).astype(np.float32), (16, 16)) for _ in range(100)])
    chosen = rng.integers(0, len(first), 150)
    second = first[chosen] + rng.normal(0, 1, (150, 16, 16)) * rng.uniform(0, 5, (150, 1, 1))
    second += rng.uniform(-6, 6, (150, 1, 1))  # brighter or darker
    first, second = (np.clip(each, 0, 255).astype(np.uint8).reshape(-1, 256)
                     for each in (first, second))
    found = near_duplicates(Thumbnails([row.tobytes() for row in first]),
                   Thumbnails([row.tobytes() for row in second]))
    apart = np.sqrt(((first[None].astype(float) - second[:, None]) ** 2).mean(axis=2))
    allowed = np.minimum(
        LEVELS, CONTRAST * np.minimum(first.std(axis=1)[None],
                                      second.std(axis=1)[:, None]))
    expected = [(i, int(np.argmin(apart[i] - allowed[i])))
                for i in range(150)
                if (apart[i] <= allowed[i]).any()]
    assert found == expected
    assert 50 < len(expected) < 130


def test_plain_pictures_are_compared_by_content_only():
    assert near_duplicates(Thumbnails([bytes([200]) * 256]), Thumbnails([bytes([201]) * 256])) == []
    assert near_duplicates(Thumbnails([]), Thumbnails([bytes(range(256))])) == []
