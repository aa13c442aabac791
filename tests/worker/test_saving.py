"""Which weights are kept of a network and its moving average."""

from types import SimpleNamespace

import numpy as np
import pytest

from paddle_transfer.predictions import Predictions
from paddle_transfer.weights.read import read
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate
from paddle_transfer.worker.options import RunOptions


@pytest.mark.parametrize(("network", "average", "kept"), [(0.5, 0.75, "average"),
                                                          (0.75, 0.5, "network"),
                                                          (0.5, 0.5, "average")])
def test_the_better_of_both_is_kept(tmp_path, network, average, kept):
    """The value that is shown is that of the weights in the file."""
    saving = import_with_ppcls("saving", locate())
    note = import_with_ppcls("engine", locate()).TransferEngine._note
    import paddle
    layers = {"network": paddle.nn.Linear(2, 2), "average": paddle.nn.Linear(2, 2)}
    saver = saving.Saver(to=str(tmp_path / "best_model.pdparams"))
    engine = SimpleNamespace(mode="train", last_eval=({}, {}), saver=saver, _epoch=None, images=4,
                             _train_scalars={})
    note(engine, 1, network, "network")
    note(engine, 1, average, "average")
    assert engine._epoch.value == max(network, average)
    assert engine._answers == kept
    saver.save_model(layers["network"], None, {"metric": engine._epoch.value, "epoch": 1},
                     str(tmp_path), prefix="best_model", ema=layers["average"])
    weight = read(tmp_path / "best_model.pdparams").tensors["weight"]
    assert np.array_equal(weight, layers[kept].weight.numpy())


def test_answers_that_cannot_be_written_end_no_training(tmp_path, capsys):
    engine = import_with_ppcls("engine", locate())
    answers = Predictions.of(np.zeros((2, 3)), np.array([0, 2]))
    options = RunOptions(predictions_to=str(tmp_path / "nowhere" / "file.npz"))
    engine.write_predictions(answers, options)
    assert "file.npz: the answers on the validation list cannot be written: No such file" in (
        capsys.readouterr().out)
