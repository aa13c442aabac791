import numpy as np
import pytest

from paddle_transfer.predictions import KEPT, Predictions


def made(count=6, classes=7):
    generator = np.random.default_rng(0)
    return Predictions.of(generator.normal(size=(count, classes)).astype("float32"),
                          generator.integers(classes, size=count))


def test_the_likeliest_classes_come_first_with_their_probabilities():
    answers = Predictions.of(np.log([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]]), np.array([1, 2]))
    assert answers.classes.tolist() == [[1, 0, 2], [0, 2, 1]]
    assert answers.probabilities == pytest.approx(np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]))
    assert answers.own.tolist() == pytest.approx([0.7, 0.3])
    assert made().classes.shape == (6, KEPT)


def test_large_scores_are_no_overflow():
    answers = Predictions.of(np.array([[1e5, 0.0]], dtype="float32"), np.array([0]))
    assert answers.probabilities.tolist() == [[1.0, 0.0]]


def test_a_file_has_all_of_it(tmp_path):
    answers = Predictions.join([made(), made(3)])
    answers.write(tmp_path / "file.npz")
    read = Predictions.read(tmp_path / "file.npz")
    assert all(np.array_equal(getattr(read, name), value) for name, value in vars(answers).items())
    assert [file.name for file in tmp_path.iterdir()] == ["file.npz"]


@pytest.mark.parametrize("spoil", [
    lambda file: file.unlink(), lambda file: file.write_bytes(file.read_bytes()[:-40]),
    lambda file: np.savez(file, **{**vars(made()), "labels": np.zeros(6, dtype=object)}),
    lambda file: np.savez(file, **{**vars(made()), "labels": np.zeros(2, "int32")})],
    ids=["none", "torn", "objects", "lengths"])
def test_what_is_no_such_file_is_none(tmp_path, spoil):
    made().write(tmp_path / "file.npz")
    spoil(tmp_path / "file.npz")
    assert Predictions.read(tmp_path / "file.npz") is None
