"""Whether a training has trained."""

import types

import paddle
import pytest

from paddle_transfer.errors import TrialError
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate

learnt = import_with_ppcls("learnt", locate())


def network():
    return paddle.nn.Sequential(paddle.nn.Conv2D(3, 4, 1), paddle.nn.BatchNorm2D(4))


def test_one_weight_that_differs_in_its_last_bit_is_enough():
    net = network()
    seen = learnt.Learnt(net, resumed=False)
    assert not seen
    bias = net[0].bias
    bias.set_value(paddle.full([4], 1e-30))
    assert seen
    bias.set_value(paddle.zeros([4]))
    assert seen, "what was learnt once stays"


def test_statistics_of_batchnorm_are_no_weights():
    net = network()
    seen = learnt.Learnt(net, resumed=False)
    before = net[1]._mean.numpy().tolist()
    net.train()
    net(paddle.rand([8, 3, 2, 2]))
    assert net[1]._mean.numpy().tolist() != before
    assert not seen


def test_a_network_from_a_checkpoint_has_learnt():
    assert learnt.Learnt(network(), resumed=True)


@pytest.mark.parametrize(("rate", "reason"), [
    (0.0, "the learning rate was 0 in every iteration"),
    (0.1, "the optimizer has changed nothing"),
    (float("nan"), "the optimizer has changed nothing")])
def test_an_unchanged_network_is_told_with_its_reason(rate, reason):
    engine = types.SimpleNamespace(global_step=4)
    with pytest.raises(TrialError, match=f"has changed no weight: {reason}.*4 iterations"):
        learnt.require_learnt(learnt.Learnt(network(), resumed=False), engine, rate)


def test_another_update_freq_than_asked_for():
    loader = types.SimpleNamespace(dataset=range(18))
    config = {"Global": {"update_freq": 8},
              "DataLoader": {"Train": {"sampler": {"batch_size": 8, "drop_last": False}}}}
    engine = types.SimpleNamespace(config=config, update_freq=1, iter_per_epoch=3,
                                   train_dataloader=loader)
    with pytest.raises(TrialError, match="Global.update_freq is 8, but an epoch has only 3 iter"
                       r"ations \(18 images, batch_size 8, drop_last False\), so it would be 1"):
        learnt.check_steps(engine)
    engine.update_freq = 8
    learnt.check_steps(engine)
    del engine.update_freq
    with pytest.raises(TrialError, match="this PaddleClas does not know it"):
        learnt.check_steps(engine)
