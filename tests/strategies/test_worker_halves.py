"""What the strategies do to networks of PaddleClas: which tensors move, and by how much."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from paddle_transfer.strategies.discriminative import DiscriminativeOptions
from paddle_transfer.strategies.gradual import GradualOptions
from paddle_transfer.strategies.partial import PartialOptions
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate
from tests.helpers.small_vgg import small_vgg

REC = {"name": "RecModel", "infer_output_key": "features", "infer_add_softmax": False,
       "Backbone": {"name": "PPLCNet_x0_25", "pretrained": False},
       "BackboneStopLayer": {"name": "flatten"},
       "Neck": {"name": "FC", "embedding_size": 1280, "class_num": 64},
       "Head": {"name": "FC", "embedding_size": 64, "class_num": 7}}
#: section Arch, stages, the head's layers, resolution of the images that are trained on
NETWORKS = [
    ({"name": "ResNet18_vd"}, 5, {"fc"}, 64), ({"name": "SqueezeNet1_1"}, 4, {"_conv9"}, 64),
    ({"name": "MobileNetV2_x0_25"}, 5, {"out"}, 64), ({"name": "VGG11"}, 5, {"fc3"}, 224),
    ({"name": "PPLCNet_x0_25"}, 5, {"fc"}, 64), (REC, 5, {"head.fc"}, 64)]
IDS = [arch["name"] for arch, *_ in NETWORKS]


@pytest.fixture(scope="module")
def networks():
    return import_with_ppcls("networks", locate())


@pytest.fixture(scope="module", params=range(len(NETWORKS)), ids=IDS)
def network(request, networks):
    """A network with its expected parts, built once."""
    arch, stages, head, size = NETWORKS[request.param]
    arch = arch if "Head" in arch else {**arch, "class_num": 7}
    import paddle
    paddle.seed(3)
    with small_vgg(side=224, dense=128):
        made = SimpleNamespace(model=networks.build_network({"Arch": dict(arch)}), stages=stages,
                               size=size, head=head, names=networks.head_of(dict(arch)))
    norms = [layer for layer in made.model.sublayers() if hasattr(layer, "_variance")]
    for norm in norms:  # the statistics of trained ones: with those of new ones features vanish
        norm._momentum = 0.0
    made.model.train()
    forward(made)
    for norm in norms:
        norm._momentum = 0.9
    return made


def forward(network):
    """The logits of random images, the same ones each time."""
    import paddle
    paddle.seed(5)
    images = paddle.rand([2, 3, network.size, network.size])
    recognition = type(network.model).__name__ == "RecModel"
    out = network.model(images, *[paddle.zeros([2, 1], "int64")] * recognition)
    return out["logits"] if recognition else out


@pytest.fixture
def model(network):
    frozen = {name: value.stop_gradient for name, value in network.model.named_parameters()}
    yield network.model
    for name, parameter in network.model.named_parameters():
        parameter.stop_gradient = frozen[name]
        parameter.optimize_attr["learning_rate"] = 1.0


def half_of(name, options, network):
    from paddle_transfer.strategies.worker import frozen, rates
    made = getattr(frozen if hasattr(frozen, name) else rates, name)(options, {})
    made.find_head = lambda: network.names
    return made


def train_once(half, model, network, *, epoch=1, rate=0.1):
    """One step of plain SGD: (tensors before, after, gradients) by name."""
    import paddle
    assert half.model_built(model) == ()
    optimizer = paddle.optimizer.SGD(rate, parameters=model.parameters())
    model.train()
    half.epoch_started(SimpleNamespace(model=model), epoch)
    before = tensors(model)
    forward(network).square().mean().backward()
    gradients = {name: value.grad.numpy().copy() for name, value in model.named_parameters()
                 if value.grad is not None}
    optimizer.step()
    optimizer.clear_grad()
    return before, tensors(model), gradients


def tensors(model):
    """Copies by name."""
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def changed(before, after):
    return {name for name in before if not np.array_equal(before[name], after[name])}


def of(layers, model):
    """The parameters and statistics that ``layers`` own, by name."""
    own = {id(value) for layer in layers for value in layer.state_dict(
        include_sublayers=False).values()}
    return {name for name, value in model.state_dict().items() if id(value) in own}


def test_parts_hold_every_tensor_once_and_leave_the_network_as_it_was(network, model):
    model.train()
    before = tensors(model)
    parts = half_of("HeadHalf", None, network).split(model)
    names = {id(layer): name for name, layer in model.named_sublayers(include_self=True)}
    assert {names[id(layer)] for layer in parts.head} == network.head
    assert len(parts.stages) == network.stages
    held = [name for layer in (*parts.backbone, *parts.head) for name in of([layer], model)]
    assert sorted(held) == sorted(model.state_dict())
    assert not changed(before, tensors(model))
    assert all(layer.training for layer in model.sublayers())
    assert not any(layer._forward_post_hooks for layer in model.sublayers())


def test_head_moves_no_tensor_and_no_statistic_of_the_backbone(network, model):
    half = half_of("HeadHalf", None, network)
    before, after, gradients = train_once(half, model, network)
    assert changed(before, after) == set(network.names) == set(gradients)


def test_partial_trains_the_last_stages(network, model):
    half = half_of("PartialHalf", PartialOptions(stages=2), network)
    before, after, _ = train_once(half, model, network)
    parts = half.split(model)
    moved, frozen = changed(before, after), of([one for s in parts.stages[:-2] for one in s], model)
    assert not moved & frozen
    assert moved | frozen == set(before), "all that is not frozen moves, statistics as well"


def test_partial_refuses_more_stages_than_there_are(network, model):
    from paddle_transfer.errors import TrialError
    half_of("PartialHalf", PartialOptions(stages=network.stages), network).model_built(model)
    half = half_of("PartialHalf", PartialOptions(stages=network.stages + 1), network)
    with pytest.raises(TrialError, match=f"Transfer.strategy.stages is {network.stages + 1}, but "
                       f".* has {network.stages} stages. Write at most {network.stages}"):
        half.model_built(model)


def test_discriminative_multiplies_each_step(network, model):
    half = half_of("DiscriminativeHalf", DiscriminativeOptions(backbone=0.5, decay=0.5), network)
    before, after, gradients = train_once(half, model, network)
    parts = half.split(model)
    factors = dict.fromkeys(of(parts.head, model), 1.0)
    for i, stage in enumerate(reversed(parts.stages)):
        factors |= dict.fromkeys(of(stage, model), 0.5**(i + 1))
    assert set(gradients) <= set(factors)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(after[name], before[name] - 0.1 * factors[name] * gradient,
                                   rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_rate_for_every_layer(network, model):
    half = half_of("DiscriminativeHalf", DiscriminativeOptions(decay=0.5, per="layer"), network)
    assert half.model_built(model) == ()
    rates = {parameter.optimize_attr["learning_rate"] for layer in half.split(model).backbone
             for parameter in layer.parameters(include_sublayers=False)}
    assert max(rates) == 0.1
    assert sorted(rates, reverse=True) == [0.1 * 0.5**i for i in range(len(rates))]
    assert {parameter.optimize_attr["learning_rate"] for layer in half.split(model).head
            for parameter in layer.parameters()} == {1.0}


@pytest.mark.parametrize(("options", "trained"), [
    (GradualOptions(head_epochs=2), [0, 0, 99, 99]),
    (GradualOptions(head_epochs=1, stage_epochs=1), [0, 1, 2, 3]),
    (GradualOptions(head_epochs=1, stage_epochs=2), [0, 1, 1, 2])])
def test_gradual_thaws_at_the_right_epochs(network, model, options, trained):
    half = half_of("GradualHalf", options, network)
    half.model_built(model)
    stages = half.split(model).stages
    for epoch, wanted in enumerate(trained, start=1):
        model.train()
        half.epoch_started(SimpleNamespace(model=model), epoch)
        for i, stage in enumerate(stages):
            frozen = i < len(stages) - wanted
            values = [value for layer in stage
                      for name, value in layer.named_parameters(include_sublayers=False)
                      if name not in ("_mean", "_variance")]
            assert {value.stop_gradient for value in values} == {frozen}
            statistics = [layer for layer in stage if hasattr(layer, "_mean")]
            assert all(layer.training is not frozen for layer in statistics)


def test_gradual_trains_what_it_has_thawed(network, model):
    half = half_of("GradualHalf", GradualOptions(), network)
    before, after, gradients = train_once(half, model, network, epoch=2)
    assert changed(before, after) == set(before)
    assert len(gradients) == sum(not value.stop_gradient for value in model.parameters())


def test_gradual_trains_one_stage_more_after_each_epoch(network, model):
    """One network and one optimizer, whose momentum moves nothing that is frozen."""
    import paddle
    half = half_of("GradualHalf", GradualOptions(stage_epochs=1), network)
    half.model_built(model)
    parts = half.split(model)
    optimizer = paddle.optimizer.Momentum(0.01, parameters=model.parameters())
    optimizer._use_multi_tensor = False
    for epoch in range(1, len(parts.stages) + 2):
        model.train()
        half.epoch_started(SimpleNamespace(model=model), epoch)
        before = tensors(model)
        forward(network).square().mean().backward()
        optimizer.step()
        optimizer.clear_grad()
        trained = parts.stages[max(0, len(parts.stages) - epoch + 1):]
        moved = changed(before, tensors(model))
        assert moved <= of([*(layer for stage in trained for layer in stage), *parts.head], model)
        assert all(moved & of(stage, model) for stage in (*trained, parts.head))


def test_a_network_without_a_classifier_is_refused(networks):
    from paddle_transfer.errors import TrialError
    model = networks.build_network({"Arch": {"name": "PPLCNet_x0_25", "class_num": 7}})
    half = half_of("HeadHalf", None, SimpleNamespace(names=()))
    with pytest.raises(TrialError, match="PPLCNet has no layer whose size depends on the number"):
        half.split(model)
