"""The options of ``executor: ray``: which cluster, and what a trial holds of it."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import core_schema

from paddle_transfer.config.rules import Rule, above_zero, broken
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import one_line

#: Resources that have options of their own.
_OWN = {"CPU", "GPU", "memory", "object_store_memory"}


def _custom_only(resources: dict[str, float]) -> dict[str, float]:
    if resources.keys() & _OWN:
        raise ValueError
    return resources


Address = Annotated[str | None, Rule(
    "must be HOST:PORT, auto or null", "For example 10.0.0.1:6379.",
    schema=core_schema.nullable_schema(core_schema.str_schema(
        strict=True, pattern=r"^(auto|[^/\s]+:[0-9]{1,5})$")))]
_NUMBER = core_schema.float_schema(ge=0, strict=True, allow_inf_nan=False)
Share = Annotated[float, Rule(
    "must be a number from 0 to 1", "A trial trains on one GPU; 0.5 puts two trials on each.",
    schema=core_schema.float_schema(ge=0, le=1, strict=True))]
Cpus = Annotated[float, Rule("must be a number from 0", schema=_NUMBER)]
Resources = Annotated[dict[str, float], Rule(
    "must be a mapping of Ray's custom resources to numbers above 0",
    "For example {big_disk: 1}; CPU and GPU are cpus_per_trial and gpus_per_trial.",
    schema=core_schema.no_info_after_validator_function(_custom_only, core_schema.dict_schema(
        core_schema.str_schema(pattern=r"\S"),
        core_schema.float_schema(gt=0, strict=True, allow_inf_nan=False))))]
Shipped = Annotated[list[str], Rule(
    "must be a list of files and folders",
    "For example [dataset/flowers]; nodes that lack them get a copy under the same path.",
    schema=core_schema.list_schema(core_schema.str_schema(strict=True, min_length=1)))]


def _there(paths: list[str]) -> list[str]:
    absent = [path for path in paths if not os.path.exists(path)]
    if absent:
        raise broken("must be files and folders that are there", one_line(", ".join(absent), 200),
                     "Paths are relative to the folder that the search is started in.")
    return paths


class RayOptions(Options):
    #: See ``ray_cluster.connect``.
    address: Address = None
    gpus_per_trial: Share = 0.0
    cpus_per_trial: Cpus = 1.0
    #: Ray's custom resources that a trial holds.
    resources: Resources = Field(default_factory=dict)
    #: Files and folders that nodes get through Ray's object store where they lack them.
    ship: Annotated[Shipped, AfterValidator(_there)] = Field(default_factory=list)
    #: Seconds until Ray has placed the first trial, and for a worker to import the runner.
    startup_timeout: Annotated[float, above_zero("seconds")] = 600.0

    def needs(self) -> dict[str, float]:
        """What a trial holds, by Ray's names."""
        asked = {"CPU": self.cpus_per_trial, "GPU": self.gpus_per_trial, **self.resources}
        return {name: value for name, value in asked.items() if value}
