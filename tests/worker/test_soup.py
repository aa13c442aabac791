"""The mean of weights in a worker: what it is, which statistics it has, and what it measures."""

import numpy as np
import pytest

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.weights.read import read
from paddle_transfer.weights.write import write
from tests.helpers.bridge import train
from tests.helpers.digits import tiny_config
from tools.digits import write_digits

STATISTICS = ("._mean", "._variance")


@pytest.fixture(scope="module")
def trained(trainings, tmp_path_factory):
    """(tensors of a network that has learnt something, a function that evaluates the mean of files
    with given tensors: the result and the tensors of that mean)."""
    root = tmp_path_factory.mktemp("soup")
    write_digits(root / "data", classes=(0, 1), per_class_train=16, per_class_val=20)
    config = tiny_config(str(root / "data"), "unused", Global__epochs=5)
    trainings(train, str(root / "source"), config)

    def evaluate(*contents, **payload):
        files = [str(write(root / f"{i}.pdparams", tensors)) for i, tensors in enumerate(contents)]
        result = trainings(train, str(root / "mean"), config,
                           **{"metric": "top1", "mean_of": files, **payload})
        return result, read(root / "mean/best_model.pdparams").tensors

    return read(root / "source/best_model.pdparams").tensors, evaluate


def test_statistics_are_taken_anew_where_they_differ(trained):
    """Two networks as far from a good one in opposite directions, with statistics of their own."""
    good, evaluate = trained
    random = np.random.default_rng(0)
    steps = {name: (0.5 * np.std(value) * random.standard_normal(value.shape)).astype("float32")
             for name, value in good.items() if not name.endswith(STATISTICS)}
    left, right = ({name: value + sign * steps[name] if name in steps else value * factor
                    for name, value in good.items()} for sign, factor in ((1, 3.0), (-1, 5.0)))
    result, tensors = evaluate(left, right)
    names = [name for name in good if name.endswith(STATISTICS)]
    assert result["statistics"] == len(names) / 2 > 0
    same, others = evaluate(good, {name: value if name in steps else value + 1
                                   for name, value in good.items()})
    for name, value in good.items():
        wanted = others[name] if name in names else value
        np.testing.assert_allclose(tensors[name], wanted, rtol=1e-3, atol=1e-3, err_msg=name)
    assert result["images"] == 40
    assert result["value"] == same["value"]
    assert result["value"] > max(evaluate(one)[0]["value"] for one in (left, right))
    again, unchanged = evaluate(tensors)
    assert again["value"] == result["value"], "what was measured is what was written"
    assert all(unchanged[name].tobytes() == value.tobytes() for name, value in tensors.items())


def test_statistics_that_all_share_stay(trained):
    good, evaluate = trained
    other = {name: value if name.endswith(STATISTICS) else value * np.float32(1.01)
             for name, value in good.items()}
    result, tensors = evaluate(good, other)
    assert result["statistics"] == 0
    for name in (name for name in good if name.endswith(STATISTICS)):
        assert tensors[name].tobytes() == good[name].tobytes(), name


def test_what_is_no_result(trained):
    good, evaluate = trained
    with pytest.raises(PaddleTransferError, match="is not evaluated outside of a training"):
        evaluate(good, metric="target_free")
    with pytest.raises(PaddleTransferError, match="they are not weights of one network"):
        evaluate(good, dict(list(good.items())[1:]))
