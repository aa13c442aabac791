"""What a training reads instead of ``paddle.load``: the same things, with nothing run."""

from unittest import mock

import numpy as np
import pytest

from paddle_transfer.errors import TrialError
from paddle_transfer.worker import safe_load
from tests.helpers.evil_weights import evil_files


def plain(value):
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.fixture(scope="module")
def trained():
    import paddle

    model = paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))
    schedule = paddle.optimizer.lr.CosineAnnealingDecay(0.1, 10)
    optimizers = [paddle.optimizer.Momentum(schedule, parameters=model.parameters()),
                  paddle.optimizer.AdamW(0.1, parameters=model.parameters())]
    for optimizer in optimizers:
        model(paddle.ones([2, 3])).sum().backward()
        optimizer.step()
        schedule.step()
    return model, optimizers


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_same_as_paddle_itself(trained, tmp_path, protocol):
    import paddle

    model, optimizers = trained
    file = str(tmp_path / "latest.pdopt")
    for saved in (model.state_dict(), [optimizer.state_dict() for optimizer in optimizers],
                  optimizers[1].state_dict(), {"metric": 0.25, "epoch": 3}, {
                      "metric": np.float64(0.1)
                  }, {"a": model.state_dict(), "b": [1, (2, None)]}):
        paddle.save(saved, file, protocol=protocol)
        assert plain(safe_load.load(file)) == plain(paddle.load(file))
        assert plain(safe_load.load(file, return_numpy=True)) == plain(
            paddle.load(file, return_numpy=True))


def test_an_optimizer_goes_on_from_it(tmp_path):
    import paddle

    def steps(count, resume):
        with paddle.utils.unique_name.guard():  # as in a process of its own
            model = paddle.nn.Linear(3, 2, weight_attr=paddle.nn.initializer.Constant(0.5))
            optimizer = paddle.optimizer.Momentum(paddle.optimizer.lr.CosineAnnealingDecay(0.1, 10),
                                                  parameters=model.parameters())
            if resume:
                optimizer.set_state_dict(safe_load.load(tmp_path / "a.pdopt"))
                model.set_state_dict(safe_load.load(tmp_path / "a.pdparams"))
            for _ in range(count):
                model(paddle.ones([2, 3])).sum().backward()
                optimizer.step()
                optimizer.clear_grad()
                optimizer._learning_rate.step()
            paddle.save(optimizer.state_dict(), str(tmp_path / "a.pdopt"))
            paddle.save(model.state_dict(), str(tmp_path / "a.pdparams"))
            return model.weight.numpy().tolist(), optimizer.get_lr()

    whole = steps(5, resume=False)
    assert steps(3, resume=False) != whole
    assert steps(2, resume=True) == whole


def test_it_stands_in_for_paddles_and_steps_back(tmp_path):
    import paddle

    stock = paddle.load
    (tmp_path / "evil.pdstates").write_bytes(next(evil_files(str(tmp_path / "mark")))[1])
    with pytest.raises(TrialError, match="nothing of it was run"), mock.patch.object(
            paddle, "load", safe_load.load):
        paddle.load(str(tmp_path / "evil.pdstates"))
    assert paddle.load is stock
    assert not (tmp_path / "mark").exists()
