"""Strategies beside a distillation, mixed precision, a moving average and any optimizer: which
tensors move, and by how much."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from paddle_transfer.strategies.discriminative import DiscriminativeOptions
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate

NET = {"name": "PPLCNet_x0_25", "class_num": 7}
CHAIN = {"name": "AttentionModel", "freeze_params_list": [False, False], "models": [
    {"Net": {"name": "ResNet18", "class_num": 7, "return_patterns": ["blocks[0]"]}},
    {"Transform": {"name": "LinearTransformStudent", "qk_dim": 4, "keys": ["blocks[0]"],
                   "s_shapes": [[64, 8, 8]], "t_shapes": [[64, 8, 8]]}}]}


@pytest.fixture(scope="module")
def networks():
    return import_with_ppcls("networks", locate())


@pytest.fixture(scope="module")
def average():
    return import_with_ppcls("average", locate())


def build(networks, arch):
    import paddle
    paddle.seed(3)
    with paddle.utils.unique_name.guard():  # SqueezeNet's names are there once in a process
        model = networks.build_network({"Arch": copy.deepcopy(arch)})
    norms = [layer for layer in model.sublayers() if hasattr(layer, "_variance")]
    for norm in norms:  # the statistics of trained ones: with those of new ones features vanish
        norm._momentum = 0.0
    model.train()
    forward(model)
    for norm in norms:
        norm._momentum = 0.9
    return model, networks.head_of(copy.deepcopy(arch))


def forward(model):
    """The outputs for random images, the same ones each time."""
    import paddle
    paddle.seed(5)
    out = model(paddle.rand([2, 3, 32, 32]))
    return [one for one in out.values() if hasattr(one, "square")] if isinstance(out, dict) else [
        out]


def half(kind, head, options=None):
    from paddle_transfer.strategies.worker import frozen, rates
    made = getattr(frozen if hasattr(frozen, kind) else rates, kind)(options, {})
    made.find_head = lambda: head
    return made


def distillation(*, frozen=True, student=NET):
    return {"name": "DistillationModel", "class_num": 7, "freeze_params_list": [frozen, False],
            "models": [{"Teacher": NET}, {"Student": student}]}


def tensors(model):
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def changed(before, after):
    return {name for name in before if not np.array_equal(before[name], after[name])}


def step(model, optimizer, *, context=None):
    import paddle
    with context or paddle.amp.auto_cast(enable=False):
        loss = sum(one.astype("float32").square().mean() for one in forward(model))
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()


def sgd(model, rate=0.1):
    import paddle
    return paddle.optimizer.SGD(rate, parameters=model.parameters())


def test_head_trains_the_classifier_of_the_student(networks):
    model, head = build(networks, distillation())
    made = half("HeadHalf", head)
    made.model_built(model)
    made.epoch_started(SimpleNamespace(model=model), 1)
    before = tensors(model)
    step(model, sgd(model))
    teacher_statistics = {name for name in before if name.startswith("Teacher.")
                          and name.endswith(("_mean", "_variance"))}
    assert changed(before, tensors(model)) - teacher_statistics == {
        "Student.fc.weight", "Student.fc.bias"}


def test_stages_of_two_networks_that_learn_from_each_other_are_counted_from_the_last(networks):
    other = {"name": "SqueezeNet1_1", "class_num": 7}
    model, head = build(networks, distillation(frozen=False, student=other))
    both = half("HeadHalf", head).split(model)
    _, own = build(networks, NET)
    one = half("HeadHalf", own).split(model.Teacher)
    two = half("HeadHalf", networks.head_of(other)).split(model.Student)
    assert [len(stage) for stage in both.stages] == [len(one.stages[0]), *(
        len(a) + len(b) for a, b in zip(one.stages[1:], two.stages, strict=True))]
    assert len(both.head) == len(one.head) + len(two.head)


def test_layers_beside_a_student_that_have_no_classifier_are_new(networks):
    model, head = build(networks, distillation(student=CHAIN))
    assert set(head) == {f"{place}.fc.{name}" for place in ("Teacher", "Student.Net")
                         for name in ("weight", "bias")}
    parts = half("HeadHalf", head).split(model)
    names = {id(layer): name for name, layer in model.named_sublayers()}
    new = {names[id(layer)] for layer in parts.head}
    assert "Student.Net.fc" in new
    assert all(name.startswith(("Student.Net.fc", "Student.Transform")) for name in new)
    assert len(new) > 1
    assert {names[id(layer)].partition(".")[0] for layer in parts.backbone} == {"Student"}


OPTIMIZERS = {"SGD": {}, "Momentum": {"momentum": 0.9}, "Adam": {}, "RMSProp": {"momentum": 0.9},
              "AdamW": {"weight_decay": 0.1}}


@pytest.mark.usefixtures("networks")  # imports PaddleClas
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_multiplier_multiplies_the_step_of_every_optimizer(name):
    """Three steps with the same gradients, so that momentum and second moments count."""
    factor = 0.25
    plain, slow = (moves(name, multiplied) for multiplied in (1.0, factor))
    for key, moved in plain.items():
        wanted = moved * (1.0 if key.startswith("2.") else factor)
        # decoupled decay takes a part of the weight, which is not the same after a step
        np.testing.assert_allclose(slow[key], wanted, rtol=3e-3, atol=1e-5, err_msg=key)


def moves(name, backbone):
    """What PaddleClas's optimizer ``name`` adds to each tensor of a small network."""
    import paddle
    from ppcls.optimizer import build_optimizer
    from ppcls.utils.config import AttrDict
    paddle.seed(3)
    model = paddle.nn.Sequential(paddle.nn.Conv2D(3, 2, 3), paddle.nn.Flatten(),
                                 paddle.nn.Linear(72, 7))
    made = half("DiscriminativeHalf", ("2.weight", "2.bias"),
                DiscriminativeOptions(backbone=backbone))
    made.config = {"DataLoader": {"Eval": {"dataset": {"transform_ops": [
        {"ResizeImage": {"size": 8}}]}}}}
    made.model_built(model)
    lr = AttrDict(name="Constant", learning_rate=0.01)
    (optimizer,), _ = build_optimizer(AttrDict(name=name, lr=lr, **OPTIMIZERS[name]), 2, 4, [model])
    before, rng = tensors(model), np.random.default_rng(1)
    for _ in range(3):
        for parameter in model.parameters():
            gradient = rng.normal(size=parameter.shape).astype("float32")
            (parameter * paddle.to_tensor(gradient)).sum().backward()
        optimizer.step()
        optimizer.clear_grad()
    return {key: value - before[key] for key, value in tensors(model).items()}


def test_half_precision_in_the_forward_pass_moves_no_frozen_tensor(networks):
    import paddle
    model, head = build(networks, NET)
    made = half("HeadHalf", head)
    made.model_built(model)
    before = tensors(model)
    model.train()
    made.epoch_started(SimpleNamespace(model=model), 1)
    step(model, sgd(model), context=paddle.amp.auto_cast(level="O1", dtype="bfloat16"))
    assert changed(before, tensors(model)) == set(head)


def test_a_moving_average_keeps_what_is_frozen_to_the_last_bit(networks, average):
    """PaddleClas's own step rounds equal values: 0.9 w + 0.1 w is not always w."""
    model, head = build(networks, NET)
    ema = SimpleNamespace(module=copy.deepcopy(model), decay=0.9)
    start, made = tensors(model), half("HeadHalf", head)
    made.model_built(model)
    made.epoch_started(SimpleNamespace(model=model), 1)
    optimizer, moving = sgd(model), average.moving(model)
    for _ in range(2):
        step(model, optimizer)
        average.update(ema, model, moving)
    assert changed(start, tensors(ema.module)) == set(head)
    rounded = {name for name, value in start.items()
               if np.any(np.float32(0.9) * value + np.float32(0.1) * value != value)}
    assert rounded - set(head), "or this would show nothing"


def test_a_moving_average_follows_all_that_is_trained(networks, average):
    model, _ = build(networks, NET)
    ema = SimpleNamespace(module=copy.deepcopy(model), decay=0.9)
    before, optimizer = tensors(model), sgd(model)
    step(model, optimizer)
    after = tensors(model)
    average.update(ema, model, average.moving(model))
    for name, value in tensors(ema.module).items():
        np.testing.assert_allclose(value, 0.9 * before[name] + 0.1 * after[name], rtol=1e-5,
                                   atol=1e-7, err_msg=name)
