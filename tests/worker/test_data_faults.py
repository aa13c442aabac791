"""Whether it is the images or the code where PaddleClas has no batch."""

import os

import cv2
import numpy as np
import pytest

from paddle_transfer.worker.data_faults import data_fault, unusable_image


class Images:
    """Replaces an image that fails by another one, as PaddleClas's data sets do."""

    def __init__(self, *files, operator=lambda image: image):
        self.images, self.operator = list(map(str, files)), operator

    def __len__(self):
        return len(self.images)

    def __getitem__(self, number):
        try:
            with open(self.images[number], "rb") as stream:
                image = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), 1)
            return self.operator(image).transpose((2, 0, 1))
        except Exception:
            return self.__getitem__(np.random.randint(len(self)))


def without_an_attribute(image):
    return image.no_such_attribute


@pytest.fixture
def image(tmp_path):
    cv2.imwrite(str(tmp_path / "good.png"), np.zeros((4, 4, 3), np.uint8))
    return tmp_path / "good.png"


def test_a_fault_of_the_code_is_told_with_its_place_and_not_as_unreadable_images(image):
    dataset = Images(image, operator=without_an_attribute)
    told = str(data_fault(dataset, None))
    assert told.startswith("the images can be read, but PaddleClas fails on every one of them. "
                           "Look at transform_ops of the data set: AttributeError: ")
    assert "has no attribute 'no_such_attribute' (test_data_faults.py, line " in told
    assert "__getitem__" not in vars(dataset), "the data set is left as it was"


@pytest.mark.parametrize(("content", "reason"), [
    (b"no image", "is no image"), (b"", "is empty"),
    (None, "cannot be opened (No such file or directory)")])
def test_images_that_cannot_be_read_are_told_by_the_first_file(tmp_path, content, reason):
    file = tmp_path / "bad.jpg"
    if content is not None:
        file.write_bytes(content)
    assert str(data_fault(Images(file, file), None)) == (
        f"not one image can be read; the first, {file}, {reason}")


def test_what_has_another_cause_is_left_to_it(image):
    assert data_fault(Images(image), None) is None
    assert data_fault(object(), None) is None


def test_a_failure_in_the_reading_thread_is_told_by_its_first_cause():
    try:
        try:
            without_an_attribute("a text")
        except AttributeError:
            raise RecursionError("maximum recursion depth exceeded")  # noqa: B904
    except RecursionError as error:
        failure = error
    assert str(data_fault(object(), failure)).startswith(
        "PaddleClas fails on every image: AttributeError: 'str' object has no attribute "
        "'no_such_attribute' (test_data_faults.py, line ")


def test_an_image_that_has_no_prediction_is_told_by_the_same_rule(image, tmp_path):
    fault, bad = KeyError("scale"), tmp_path / "bad.png"
    bad.write_text("no image")
    assert str(unusable_image(str(bad), fault)) == f"{bad} is no image"
    bad.unlink()
    os.mkfifo(bad)  # which nobody writes to: reading it would wait for ever
    assert "is a named pipe, not a file" in str(unusable_image(str(bad), fault))
    assert str(unusable_image(str(image), fault)) == (
        f"{image} can be read, but PaddleClas fails on it. Look at Infer.transforms: KeyError: "
        "'scale'")
