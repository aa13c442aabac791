"""The connection with a Ray cluster, and what its nodes can hold. Ray is imported when needed."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from paddle_transfer.errors import SetupError, cause
from paddle_transfer.executors.ray_host import Shared, look

MISSING = "executor: ray needs Ray, which is not installed. pip install 'ray>=2.9'"
#: Seconds for the first look at all nodes, unless they get files meanwhile. Each slot looks once
#: more where it is placed.
_LOOK = 60.0
#: Seconds for a cluster to answer at all.
_ANSWER = 10.0


def why_no_ray() -> str:
    """Empty where Ray can be imported."""
    return "" if find_spec("ray") else MISSING


def connect(address: str | None) -> tuple[ModuleType, bool]:
    """Ray, connected, and whether it was connected here (then ``shutdown`` is for the caller).

    :param address: ``HOST:PORT``, or ``auto`` for a cluster that ``ray start`` has begun on this
        machine; None: what ``RAY_ADDRESS`` says, else a new one of this machine
    Raises SetupError: it is not installed, or there is no cluster.
    """
    if why_no_ray():
        raise SetupError(MISSING)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # they come with an actor's death
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        return ray, False
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    before = signal.getsignal(signal.SIGTERM)
    try:
        if ":" in address and "/" not in address:  # Ray itself would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _ANSWER).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and others
        raise SetupError(f"executor: no Ray cluster at address {address}: {cause(error)}. "
                         "'ray status' there shows one that runs; address: null starts one on this "
                         "machine") from error
    finally:
        signal.signal(signal.SIGTERM, before)  # Ray sets its own, and a search would not end well
    return ray, True


def check_nodes(ray: ModuleType, needs: Mapping[str, float], slots: int, shared: Shared) -> None:
    """Look at every node that can hold a trial. Raises SetupError, naming node and path; says it
    where the cluster holds less than ``slots`` trials now.

    :param needs: of one trial, by Ray's names of resources
    """
    nodes = {node["NodeID"]: room_for(node["Resources"], needs, slots)
             for node in ray.nodes() if node["Alive"]}
    room = sum(nodes.values())
    if room < slots:
        asked = ", ".join(f"{value:g} {name}" for name, value in needs.items())
        print(f"workers is {slots}, but the Ray cluster holds {room} trials at once now (each asks "
              f"for {asked}); the others wait in Ray's queue.", file=sys.stderr)
    _look_at(ray, [node for node, some in nodes.items() if some], shared)


def room_for(has: Mapping[str, float], needs: Mapping[str, float], most: int) -> int:
    """How many trials fit on an empty node, ``most`` at most."""
    return min([most, *(int(has.get(name, 0.0) / value + 1e-6) for name, value in needs.items())])


def _look_at(ray: ModuleType, nodes: list[str], shared: Shared) -> None:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(look)
    looks: list[Any] = [task.options(
        num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
        ).remote(shared) for node in nodes]
    timeout = None if shared.shipments else _LOOK
    done, _ = ray.wait(looks, num_returns=len(looks), timeout=timeout) if looks else ([], [])
    for one in done:
        try:
            place = ray.get(one)
        except ray.exceptions.RayTaskError as error:  # it cannot import paddle_transfer
            raise SetupError("a node of the Ray cluster cannot run a trial: "
                             f"{cause(error)}. Every node needs the same packages") from error
        except ray.exceptions.RayError:  # it has just died: no trial is placed there
            continue
        if place.fault:
            raise SetupError(f"node {place.node} of the Ray cluster {place.fault}")
