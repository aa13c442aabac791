"""Where trials run: as the search file says, else on what the base config asks for."""

from __future__ import annotations

import os
from typing import Any

from paddle_transfer.config import resolve
from paddle_transfer.errors import did_you_mean
from paddle_transfer.executors.registry import EXECUTORS
from paddle_transfer.hardware import find_gpus
from paddle_transfer.registry import Component
from paddle_transfer.settings import groups
from paddle_transfer.settings.reading import Reading


def read_devices(reading: Reading, base_file: str, base: dict[str, Any] | None) -> groups.Devices:
    """The devices; remarks on them are added to ``reading.notes``.

    GPUs that are named and not on this machine are added to ``reading.lacking``, an unknown
    ``Global.device`` to ``reading.issues``.
    """
    given, gpus, data = reading.given, reading.given.gpus, reading.data
    executor = given.executor or groups.LOCAL
    part = EXECUTORS[executor.name]
    placed = part.places_trials
    sharing = part.sharing(part.options.model_validate(dict(executor.options)))
    device = "" if base is None else resolve.device(base)
    if device and device not in resolve.DEVICES:
        reading.issues.add(f"{base_file}: Global.device", "must be a device that PaddleClas knows",
                           repr(device), "For CUDA write gpu." if device == "cuda" else
                           did_you_mean(device, resolve.DEVICES))
    elif placed:
        _check_placed(reading, executor, device)
    elif not gpus:
        present = find_gpus()
        if device == "gpu" and not data.keys() & {"gpus", "workers"}:
            gpus = _default_gpus(reading, present, alone=sharing == groups.ALONE)
        elif present:
            reading.notes.append("Trials run on the CPU. GPUs are there: "
                                 f"-o gpus={','.join(present)} uses them.")
        elif device not in ("", "cpu", "gpu"):
            reading.notes.append(f"Global.device is {device}, but a search trains on NVIDIA GPUs "
                                 "and CPUs only: trials run on the CPU.")
    elif "workers" in data:
        reading.notes.append("workers is for the CPU: with gpus, one trial runs on each listed "
                             "GPU.")
    devices = groups.Devices(gpus, given.workers, given.trial_timeout, executor,
                             given.checkpoint_every, sharing)
    if not placed:
        _check_gpus(reading)
        _check_cores(reading, devices)
        _check_sharing(reading, devices)
    return devices


def _check_cores(reading: Reading, devices: groups.Devices) -> None:
    cores, workers = os.cpu_count() or 1, reading.given.workers
    if not devices.gpus and workers > cores:
        reading.notes.append(f"{workers} workers share {cores} CPU cores; more than that is no "
                             "faster.")


def _check_sharing(reading: Reading, devices: groups.Devices) -> None:
    """Whether the devices can be shared out as the executor's options say, and remarks on that."""
    sharing, asked = devices.sharing, devices.executor.options
    for key in ("processes_per_trial", ) if devices.gpus else ("gpus_per_trial", "trials_per_gpu"):
        if asked.get(key, 1) != 1:
            found = f"gpus {','.join(devices.gpus)}" if devices.gpus else "no gpus"
            reading.issues.add(f"executor.{key}", "is for trials on a CPU" if devices.gpus else
                               "is for trials on GPUs", f"{asked[key]!r} and {found}",
                               "Write gpus_per_trial." if devices.gpus else
                               "Name some in gpus, or write processes_per_trial.")
    size, count = devices.processes, len(devices.gpus)
    if size > 1 and sharing.trials_per_gpu > 1:
        reading.issues.add("executor.trials_per_gpu", "must be 1 where several GPUs train a trial",
                           f"{sharing.trials_per_gpu} and gpus_per_trial {size}")
    if 0 < count < size:
        reading.issues.add("executor.gpus_per_trial", "must not be more than there are gpus",
                           f"{size} and gpus {','.join(devices.gpus)}")
    elif count % size:
        reading.notes.append(f"Not used, for {size} GPUs train each trial: GPU "
                             f"{', '.join(devices.gpus[-(count % size):])}.")
    if size == 1:
        return
    if reading.given.final is not None and reading.given.final.soup:
        reading.issues.add("final.soup", "cannot be where several devices train a trial",
                           f"{size} for each", "A soup is measured on one.")
    rates = (f"learning rates are multiplied by {size} (-o executor.scale_learning_rate=False "
             "keeps them)" if sharing.scale_learning_rate else "learning rates stay")
    reading.notes.append(f"{size} devices train each trial together, with the config's batch on "
                         f"each: {rates}.")


def _check_placed(reading: Reading, executor: Component, device: str) -> None:
    """For an executor that finds the devices itself."""
    name = executor.name
    if reading.given.gpus:
        reading.issues.add("gpus", f"must be left out with executor: {name}",
                           ",".join(reading.given.gpus), "They are GPUs of this machine. Write "
                           f"executor: {{name: {name}, gpus_per_trial: 1}}, and workers for how "
                           "many trials at once.")
    elif device == "gpu" and not executor.options.get("gpus_per_trial"):
        reading.notes.append("Global.device is gpu, but the executor is asked for none: trials run "
                             f"on the CPU. executor: {{name: {name}, gpus_per_trial: 1}} asks.")


def _default_gpus(reading: Reading, present: list[str], *, alone: bool) -> tuple[str, ...]:
    """All visible GPUs for a base config that asks for one; () where there is none.

    :param alone: whether one trial runs on each
    """
    if not present:
        reading.notes.append("Global.device is gpu, but no GPU is visible: trials run on the CPU.")
        return ()
    each = (f"GPU {present[0]}" if len(present) == 1 else
            f"the GPUs {', '.join(present)}, one on each" if alone else
            f"the GPUs {', '.join(present)}")
    reading.notes.append(f"Global.device is gpu: trials run on {each}. -o gpus={present[0]} "
                         "chooses, -o gpus=none trains on the CPU.")
    return tuple(present)


def _check_gpus(reading: Reading) -> None:
    ids, visible = reading.given.gpus, os.environ.get("CUDA_VISIBLE_DEVICES")
    present = find_gpus() if ids else []
    there = (f"There are {', '.join(present)}." if present else
             "There is none; leave gpus out for the CPU.")
    for gpu in ids:
        if gpu not in present:
            reading.lacking.add("gpus", "must be GPUs that are there", gpu, there + (
                f" (CUDA_VISIBLE_DEVICES={visible})" if visible is not None else ""))
