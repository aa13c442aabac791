"""The mean of the weights of several files."""

import numpy as np
import pytest

from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.mean import mean_of
from paddle_transfer.weights.write import write


@pytest.fixture
def files(tmp_path):
    """Writes a file for each mapping."""
    return lambda *contents: [write(tmp_path / f"{i}.pdparams", tensors)
                              for i, tensors in enumerate(contents)]


def test_it_is_that_of_each_tensor_and_every_file_counts_the_same(files):
    values = [np.float32([1, 2]), np.float32([2, 4]), np.float32([6, 0])]
    found = mean_of(files(*({"w": value, "scale": np.float16(i)} for i, value in
                            enumerate(values))))
    assert found.tensors["w"].tolist() == [3, 2]
    assert found.tensors["w"].dtype == np.float32
    assert (found.tensors["scale"], found.tensors["scale"].dtype) == (1, np.float16)
    assert found.moved == {"w", "scale"}


def test_what_is_equal_stays_to_the_last_bit(files):
    frozen = np.random.default_rng(0).standard_normal(1000).astype("float32")
    found = mean_of(files(*({"frozen": frozen, "index": np.arange(3), "w": np.float32([i])}
                            for i in range(7))))
    assert found.moved == {"w"}
    assert found.tensors["frozen"].tobytes() == frozen.tobytes()
    assert found.tensors["index"].tolist() == [0, 1, 2]


def test_one_file_alone_is_itself(files):
    tensors = {"w": np.float32([0.1])}
    assert mean_of(files(tensors)).tensors == tensors


def test_sums_are_of_64_bits(files):
    found = mean_of(files(*({"w": np.float32([value])} for value in (1e8, 1, -1e8))))
    assert found.tensors["w"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("other", "text"), [
    ({"w": np.float32([1, 2])}, r"1\.pdparams: w is float32 \[2\], but float32 \[1\] in .*0\.pd"),
    ({"w": np.float64([1])}, "w is float64"),
    ({"w": np.float32([1]), "more": np.float32([1])}, "more is in one of it and .* only"),
    ({}, "tensors"),
])
def test_files_of_other_networks_are_refused(files, other, text):
    with pytest.raises(WeightsError, match=text):
        mean_of(files({"w": np.float32([1])}, other))


@pytest.mark.parametrize("kind", ["int64", "uint16", "bool"])  # bfloat16 is written as uint16
def test_there_is_no_mean_of_other_types(files, kind):
    with pytest.raises(WeightsError, match=f"w is of {kind}, of which there is no mean, and dif"):
        mean_of(files({"w": np.asarray([1], kind)}, {"w": np.asarray([0], kind)}))
