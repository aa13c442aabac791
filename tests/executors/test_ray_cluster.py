"""The connection with Ray, without Ray."""

from __future__ import annotations

import signal
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from paddle_transfer.errors import SetupError
from paddle_transfer.executors import ray_cluster
from paddle_transfer.executors.ray import RayExecutor
from paddle_transfer.executors.ray_cluster import connect, room_for


@pytest.fixture
def fake(monkeypatch):
    """A package ``ray`` that is not connected."""
    made = ModuleType("ray")
    made.__spec__ = ModuleSpec("ray", None)
    made.connected, made.asked = False, []
    made.is_initialized = lambda: made.connected

    def init(**options):
        made.asked.append(options["address"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if options["address"] == "10.0.0.1:1":
            raise ConnectionError("nobody answers")

    made.init = init
    monkeypatch.setitem(sys.modules, "ray", made)
    return made


def test_a_search_keeps_its_own_handling_of_signals(fake):
    def mine(*_):
        return

    before = signal.signal(signal.SIGTERM, mine)
    try:
        assert connect(None) == (fake, True)
        assert signal.getsignal(signal.SIGTERM) is mine
        with pytest.raises(SetupError, match=r"no Ray cluster at address 10\.0\.0\.1:1: "
                                             r"ConnectionError: nobody answers"):
            connect("10.0.0.1:1")
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)
    assert fake.asked == [None, "10.0.0.1:1"]


def test_a_connection_that_is_there_is_used_and_left(fake):
    fake.connected = True
    assert connect("auto") == (fake, False)
    assert fake.asked == []


def test_without_ray_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    assert "pip install 'ray>=2.9'" in RayExecutor.lacking()
    with pytest.raises(SetupError, match=r"pip install 'ray>=2\.9'"):
        connect(None)


@pytest.mark.parametrize(("has", "needs", "room"), [
    ({"CPU": 8.0}, {"CPU": 1.0}, 4), ({"CPU": 3.0}, {"CPU": 1.0}, 3),
    ({"CPU": 8.0, "GPU": 1.0}, {"CPU": 1.0, "GPU": 0.5}, 2), ({"CPU": 8.0}, {"GPU": 0.5}, 0),
    ({"GPU": 1.0}, {"GPU": 0.1}, 4), ({"GPU": 0.3}, {"GPU": 0.1}, 3), ({}, {}, 4)])
def test_how_many_trials_fit_on_a_node(has, needs, room):
    assert room_for(has, needs, 4) == room
