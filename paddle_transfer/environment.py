"""The places that a search or a training needs, looked at before anything is trained."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer import dotpath, hardware
from paddle_transfer.config.base import FURTHER
from paddle_transfer.config.pretrained import NAMES
from paddle_transfer.config.shared_memory import fit_shared_memory, in_units
from paddle_transfer.errors import ConfigError, SetupError, ValidationIssue
from paddle_transfer.executors.registry import EXECUTORS
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.weights.cache import cache_folder
from paddle_transfer.weights.requests import weights_requests

#: Bytes without which no search is begun, and those below which one line is said.
LEAST, SCARCE = 16 << 20, 1 << 30


@dataclass(frozen=True)
class Machine:
    """What is looked at; each may be replaced in tests."""

    free_bytes: Callable[[str], float] = hardware.free_bytes
    shared_memory: Callable[[], hardware.SharedMemory] = hardware.shared_memory
    home_fault: Callable[[], str] = hardware.why_no_library_folders
    temp_folder: Callable[[], str] = tempfile.gettempdir
    paddle_is_cpu_only: Callable[[], bool] = hardware.paddle_is_cpu_only


def check_machine(settings: SearchSettings, machine: Machine | None = None) -> SearchSettings:
    """``settings`` with remarks on this machine. Raises SetupError for what a search cannot do
    without, all of it at once."""
    machine = machine or Machine()
    lacking = list(_lacking(settings, machine))
    if lacking:
        raise SetupError("\n".join(lacking))
    return replace(settings, notes=(*settings.notes, *_remarks(settings, machine)))


def preview_machine(settings: SearchSettings, machine: Machine | None = None) -> SearchSettings:
    """``settings`` of a dry run with what this machine lacks among its warnings, and remarks."""
    machine = machine or Machine()
    return replace(settings, warnings=(*settings.warnings, *_lacking(settings, machine)),
                   notes=(*settings.notes, *_remarks(settings, machine)))


def check_output(config: dict[str, Any], file: str, keys: Sequence[str]) -> None:
    """Raises ConfigError for every one of ``keys`` (``Global.output_dir``) that names a folder in
    which nothing can be written, and SetupError where there is no temporary folder."""
    issues = []
    for key in keys:
        folder = str(dotpath.find(config, key))
        reason = hardware.why_not_writable(folder)
        if reason:
            issues.append(ValidationIssue(key, "must be a folder that can be written",
                                          f"{folder!r}: {reason}",
                                          f"Choose another, for example -o {key}=output/run."))
    if issues:
        raise ConfigError(file, issues)
    fault = _temp_fault(Machine())
    if fault:
        raise SetupError(fault)


def _lacking(settings: SearchSettings, machine: Machine) -> Iterator[str]:
    fault = _temp_fault(machine)
    if fault:
        yield fault
    if settings.devices.gpus and machine.paddle_is_cpu_only():
        yield (f"{settings.devices.slots[0]}: the Paddle that is installed is the one for CPUs. "
               "Install paddlepaddle-gpu, or train on the CPU: -o gpus=none")
    fault = EXECUTORS[settings.devices.executor.name].lacking()
    if fault:
        yield fault
    fault = _weights_fault(settings)
    if fault:
        yield fault
    folder = settings.output.output_dir
    free = machine.free_bytes(folder)
    if free < LEAST:
        yield (f"output_dir: {folder} has room for {in_units(free)} only. Make room, or choose "
               "another folder")


def _weights_fault(settings: SearchSettings) -> str:
    """Why the weights that the search asks for by name or address cannot be kept. A folder that is
    there and cannot be written may hold them all."""
    requests = weights_requests(settings.base, settings.search_space, settings.output,
                                stages=settings.stages, plan=settings.plan).values()
    folder = str(cache_folder())
    fetched = any(one.wanted.spec in NAMES or "://" in one.wanted.spec for one in requests)
    reason = hardware.why_not_writable(folder) if fetched and not os.path.isdir(folder) else ""
    return reason and (f"the folder for pretrained weights, {folder}, cannot be made: {reason}. "
                       "PADDLE_TRANSFER_HOME sets another")


def _temp_fault(machine: Machine) -> str:
    try:
        machine.temp_folder()
    except OSError as error:
        return (f"no temporary folder can be written: {error.strerror or error}. Set TMPDIR to one "
                "that can")
    return ""


def _remarks(settings: SearchSettings, machine: Machine) -> Iterator[str]:
    free = machine.free_bytes(settings.output.output_dir)
    if LEAST <= free < SCARCE:
        yield (f"{settings.output.output_dir} has room for {in_units(free)} only; the weights of "
               f"{settings.output.keep_models or 'no'} trials are kept (keep_models).")
    home = machine.home_fault()
    if home:
        yield (f"The home folder cannot be written ({home}); libraries that want to are given a "
               "temporary one.")
    memory = machine.shared_memory()
    line = fit_shared_memory(dotpath.clone(settings.base.config), ("Train", "Eval", *FURTHER),
                             memory, memory.free / (
                                 len(settings.devices.slots) * settings.devices.processes))
    if line:
        yield f"{line}."
