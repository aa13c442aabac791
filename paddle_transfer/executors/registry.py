"""Executors by name, as ``executor`` in a search file; ``local`` where it names none."""

from __future__ import annotations

from paddle_transfer.executors.base import Executor, ExecutorContext, RegisteredExecutor
from paddle_transfer.registry import Component, Registry

EXECUTORS: Registry[type[RegisteredExecutor]] = Registry(
    "executor", group="paddle_transfer.executors", attribute="options", builtin={
        "local": "paddle_transfer.executors.local:LocalExecutor",
        "ray": "paddle_transfer.executors.ray:RayExecutor",
    })


def make_executor(component: Component, context: ExecutorContext) -> Executor:
    """The executor that ``component`` names, with its options.

    Raises UnknownName, or pydantic's ValidationError, where they were not checked before.
    """
    part = EXECUTORS[component.name]
    return part.build(part.options.model_validate(dict(component.options)), context)
