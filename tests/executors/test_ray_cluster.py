"""The connection with Ray, without Ray."""

from __future__ import annotations

import signal
import socket
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
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    made = ModuleType("ray")
    made.__spec__ = ModuleSpec("ray", None)
    made.connected, made.asked = False, []
    made.is_initialized = lambda: made.connected

    def init(**options):
        made.asked.append(options["address"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if options["address"] == "auto":
            raise ConnectionError("nobody is there")

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
        with pytest.raises(SetupError, match="no Ray cluster at address auto: "
                                             "ConnectionError: nobody is there"):
            connect("auto")
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)
    assert fake.asked == ["local", "auto"]


def test_the_address_of_the_environment_counts_where_none_is_given(fake, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(SetupError, match="address auto"):
        connect(None)
    assert fake.asked == ["auto"]


def test_nobody_at_an_address_is_told_without_ray(fake):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(SetupError, match=rf"at address {address}: .*Connection refused\. 'ray"):
            connect(address)
        closed.listen()
        assert connect(address) == (fake, True)
    assert fake.asked == [address]


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
