"""The state of an optimizer, given to another one."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate


@pytest.fixture(scope="module")
def room():
    return import_with_ppcls("optimizer_state", locate())


@contextmanager
def process(kind, dtype="float32"):
    """(three parameters, their optimizer), named as in a process of their own."""
    import paddle
    with paddle.utils.unique_name.guard():
        parameters = [paddle.create_parameter([2, 3], dtype) for _ in range(3)]
        rates = paddle.optimizer.lr.LinearWarmup(
            paddle.optimizer.lr.CosineAnnealingDecay(0.1, 9), 3, 0.0, 0.1)
        yield parameters, getattr(paddle.optimizer, kind)(rates, parameters=parameters,
                                                          multi_precision=True)


def begin(optimizer, parameters):
    """What a first step of ``parameters`` makes."""
    import paddle
    optimizer._create_accumulators(paddle.static.default_main_program().global_block(), parameters)


def saved_of(room, kind, dtype):
    with process(kind, dtype) as (parameters, optimizer):
        begin(optimizer, parameters[:2])
        for made in optimizer._accumulators.values():
            for number, value in enumerate(made.values()):
                value.set_value(np.full(value.shape, 0.5 + number, "float32"))
        return room.tensors(optimizer), room.begun(optimizer)


@pytest.mark.parametrize("kind", ["Momentum", "AdamW", "SGD"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_state_of_those_that_have_had_a_step(room, kind, dtype):
    tensors, names = saved_of(room, kind, dtype)
    assert len(names) == (0 if kind == "SGD" else 2)
    assert len(tensors["master"]) == (2 if dtype == "float16" else 0)
    with process(kind, dtype) as (parameters, optimizer):
        room.fill(optimizer, tensors, names)
        begin(optimizer, parameters)  # the last one is thawed later, and begins as always
        found = room.tensors(optimizer)
        assert len(room.begun(optimizer)) == (0 if kind == "SGD" else 3)
    for group, values in tensors.items():
        assert values.keys() <= found[group].keys()
        assert all(np.array_equal(found[group][name], value) for name, value in values.items())


def test_the_state_of_another_network_is_refused(room):
    tensors, names = saved_of(room, "Momentum", "float32")
    tensors["optimizer"]["another"] = np.zeros(2, "float32")
    with process("Momentum") as (_, optimizer), pytest.raises(KeyError, match="another"):
        room.fill(optimizer, tensors, names)


def test_a_schedule_with_one_inside_of_it(room):
    with process("Momentum") as (_, first), process("Momentum") as (_, second):
        rates, others = first._learning_rate, second._learning_rate
    for _ in range(5):
        rates.step()
    room.set_schedule(others, room.schedule(rates))
    for _ in range(4):
        assert others.get_lr() == rates.get_lr()
        assert others.last_epoch == rates.last_epoch
        rates.step()
        others.step()
