import os
import signal

import pytest

from paddle_transfer.checks import images, process_pool
from paddle_transfer.checks.images import look, look_at
from paddle_transfer.checks.near_duplicates import CONTRAST, LEVELS, Thumbs, copies
from tests.helpers.datasets import picture


def write(folder, name, data):
    (folder / name).write_bytes(data)
    return str(folder / name)


@pytest.mark.parametrize(("ending", "kind"), [(".jpg", "jpeg"), (".png", "png"), (".bmp", "bmp"),
                                              (".webp", "webp"), (".tiff", "tiff"),
                                              (".gif", "gif")])
def test_good_images_of_all_kinds(tmp_path, ending, kind):
    seen = look(write(tmp_path, "x", picture(1, ending=ending)))
    if kind == "gif" and not seen.thumb:  # OpenCV 4.11 and older
        assert seen.fault.endswith("cannot decode it: only Pillow can")
        return
    assert (seen.fault, seen.kind, seen.width, seen.height, len(
        seen.thumb)) == ("", kind, 24, 24, 256)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.8, 0.97])
def test_a_truncated_file_never_passes(tmp_path, ending, share):
    data = picture(2, side=80, ending=ending)
    assert look(write(tmp_path, "x" + ending, data[:int(len(data) * share)])).fault


def test_bytes_after_the_end_are_no_fault(tmp_path):
    assert look(write(tmp_path, "x.jpg", picture(3) + b"trailing camera data")).fault == ""


def test_reasons(tmp_path):
    assert "Git LFS pointer" in look(
        write(tmp_path, "a", b"version https://git-lfs.github.com/spec/v1\noid x")).fault
    assert "0 bytes" in look(write(tmp_path, "b", b"")).fault
    assert "cannot be read" in look(str(tmp_path)).fault


def killing_look(path):
    if path.endswith("killer.jpg"):
        os.kill(os.getpid(), signal.SIGKILL)
    return images.Look("", "jpeg", b"", 1, 1, b"")


def test_an_image_that_kills_its_decoder_is_named(monkeypatch):
    monkeypatch.setattr(images, "look", killing_look)  # fork hands it to the other processes
    monkeypatch.setattr(images, "_CHUNK", 3)
    monkeypatch.setattr(process_pool.threading, "active_count", lambda: 1)
    paths = [f"{i}.jpg" for i in range(10)] + ["killer.jpg"] + [f"{i}.jpg" for i in range(10, 16)]
    seen = {path: look for batch in look_at(paths, processes=2) for path, _, look in batch}
    assert set(seen) == set(paths)
    assert [path for path, each in seen.items() if each.fault] == ["killer.jpg"]
    assert seen["killer.jpg"].fault == "decoding it kills the process"


def test_different_pictures_are_no_copies_and_resaved_ones_are():
    """1,797 real digits: no two are called copies, and each saved again is called the copy of itself alone."""
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    digits = [cv2.resize((image * 15.9).astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
              for image in load_digits().images]

    def all_thumbs(pictures):
        return Thumbs([
            cv2.resize(each, (16, 16), interpolation=cv2.INTER_AREA).tobytes() for each in pictures
        ])

    assert copies(all_thumbs(digits[:900]), all_thumbs(digits[900:])) == []
    again = [
        cv2.imdecode(cv2.imencode(".jpg", each, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0)
        for each in digits[:300]
    ]
    assert copies(all_thumbs(digits), all_thumbs(again)) == [(i, i) for i in range(300)]


def test_copies_are_those_that_the_definition_says():
    """Against every pair of them: smooth pictures of all brightnesses, and some again with a little or much noise."""
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
    found = copies(Thumbs([row.tobytes() for row in first]),
                   Thumbs([row.tobytes() for row in second]))
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
    assert copies(Thumbs([bytes([200]) * 256]), Thumbs([bytes([201]) * 256])) == []
    assert copies(Thumbs([]), Thumbs([bytes(range(256))])) == []
