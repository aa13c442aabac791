"""Executors by the name that a search file gives."""

from __future__ import annotations

import pytest

from paddle_transfer.config.validation import Options
from paddle_transfer.executors.base import ExecutorContext, RegisteredExecutor
from paddle_transfer.executors.local import LocalExecutor
from paddle_transfer.executors.registry import EXECUTORS, make_executor
from paddle_transfer.registry import Component, UnknownName
from tests.helpers.fakes import FakeExecutor


class FakeOptions(Options):
    lag: float = 0.0


class Toy(FakeExecutor, RegisteredExecutor):
    name, options = "toy", FakeOptions

    @classmethod
    def build(cls, options, context):
        made = cls(slots=len(context.devices), trial_timeout=context.trial_timeout)
        made.lag = options.lag
        return made


def context(folder):
    return ExecutorContext(("cpu:0", "cpu:1"), "module:run", folder / "logs", trial_timeout=7.0)


def test_the_local_one_with_its_options(tmp_path):
    component = Component("local", {"startup_timeout": 5.0})
    executor = make_executor(component, context(tmp_path))
    assert isinstance(executor, LocalExecutor)
    assert (executor.slots, executor.free(), executor._startup_timeout) == (2, 2, 5.0)
    executor.close()
    with pytest.raises(ValueError, match="startup_timeout"):
        make_executor(Component("local", {"startup_timeout": -1}), context(tmp_path))


def test_one_of_another_package(tmp_path):
    EXECUTORS.register("toy", Toy)
    try:
        executor = make_executor(Component("toy", {"lag": 0.5}), context(tmp_path))
    finally:
        EXECUTORS.unregister("toy")
    assert (executor.slots, executor.trial_timeout, executor.lag) == (2, 7.0, 0.5)
    with pytest.raises(UnknownName, match="there is no executor 'toy'"):
        make_executor(Component("toy"), context(tmp_path))
