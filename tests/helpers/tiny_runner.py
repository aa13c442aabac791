"""A runner without paddle that takes milliseconds, for tests of everything around a training.

It reads a section ``Tiny`` of the trial's config:

- ``value``: the metric after the last epoch (default: a smooth function of the numbers in ``x``)
- ``x``: a mapping of anything; searched settings are put here
- ``table``: the metric by one of ``x`` ({name: {value: metric}}); ``lucky``: of one point ({x: ...,
value: ...})
- ``images`` (9): how many it says that the metric was measured on; None: it does not say
- ``weights``: whether it leaves some: the numbers in ``x``, in a list
- ``epochs`` (3), ``pause``: seconds per epoch (0)
- ``misbehave``: nothing, ``raise``, ``raise_once``, ``segfault``, ``exit``, ``hang``, ``diverge``,
``invalid``, ``setup``, ``disk_full``, ``kill_self``, ``grandchild``, ``shared_memory``, ``memory``,
``memory_once``, ``gpu``, ``gpu_N`` (on GPU N), ``no_gpu``: what it does after its first epoch;
``rank1_`` before it: the second process of two does that, and the first hangs
- ``hang_in``: the number of a trial whose first attempt hangs after its first epoch

In the final trainings after a search (``output_dir/final/NAME``) the environment variable
``TINY_RUNNER_FINAL`` says what it does, and N below is ``final/NAME``. So it is in the steps of a
soup (``output_dir/final/soup/NAME``): the metric is that of the mean of the files' numbers.

It saves checkpoints as a training does, and goes on from them.

It appends "began N attempt A pid P", "resumed N E", "epoch N E", "saved N E" and "finished N
attempt A" to the file that the environment variable ``TINY_RUNNER_AUDIT`` names, each line in one
write.
"""

from __future__ import annotations

import ctypes
import errno
import json
import math
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from paddle_transfer.errors import SetupError, TrialError
from paddle_transfer.worker.checkpoints import Checkpoints, open_checkpoints
from paddle_transfer.worker.diverged import Diverged

#: What Paddle says.
OUT_OF_MEMORY = """

--------------------------------------
C++ Traceback (most recent call last):
--------------------------------------
0   phi::Copy(...)

----------------------
Error Message Summary:
----------------------
ResourceExhaustedError:

Out of memory error on GPU 0. Cannot allocate 7.6 GB memory on GPU 0, 9.8 GB memory has been allocated.

Please check whether there is any other process using GPU 0.
"""  # noqa: E501
DEVICE_BUSY = ("(External) CUDA error(46), all CUDA-capable devices are busy or unavailable. "
               "[Hint: 'cudaErrorDevicesUnavailable'.]")

AUDIT = "TINY_RUNNER_AUDIT"
FINAL = "TINY_RUNNER_FINAL"


def run(job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
    """As the runner of a worker (see worker.main)."""
    number, attempt, seed = job["number"], job["attempt"], job["payload"].get("seed", 0)
    config = yaml.safe_load((Path(job["directory"]) / "config.yaml").read_text(encoding="utf-8"))
    tiny, folder = config["Tiny"], Path(job["directory"])
    if folder.parent.name in ("final", "soup"):
        number = f"{folder.parent.name}/{folder.name}"
        tiny = {**tiny, "misbehave": os.environ.get(FINAL)}
        if tiny["misbehave"] == f"hang_{folder.name}":
            audit(f"began {number} attempt {attempt} pid {os.getpid()}")
            out = next(one for one in folder.parents if (one / "fifo").exists())
            (out / "fifo").write_text("hanging\n", encoding="utf-8")
            misbehave("hang", attempt)
    audit(f"began {number} attempt {attempt} pid {os.getpid()}")
    print(f"trial {number} begins")
    if job["payload"].get("mean_of"):
        return _mean(job["payload"]["mean_of"], folder, tiny, attempt, report)
    best = tiny["value"] if tiny.get("value") is not None else _looked_up(tiny)
    best = _score(tiny.get("x"), seed) if best is None else best
    epochs, stopped, curve = tiny.get("epochs", 3), False, list[list[float]]()
    checkpoints = _checkpoints(number, folder, config, job["payload"])
    for earlier in checkpoints.epochs:
        report(**earlier)
        curve.append([earlier["epoch"], earlier["value"]])
    images = {"images": tiny.get("images", 9)} if tiny.get("images", 9) is not None else {}
    for epoch in range(len(curve) + 1, epochs + 1):
        wait(tiny.get("pause", 0))
        curve.append([epoch, best * epoch / epochs])
        told = {"epoch": epoch, "value": curve[-1][1], **images,
                "scalars": {"train/loss": 1.0 / epoch}}
        stopped = report(**told)
        audit(f"epoch {number} {epoch}")
        if epoch == 1:
            _meet(folder / f"meet{attempt}")
        if stopped:
            break
        checkpoints.epochs.append(told)
        if checkpoints.due:
            checkpoints.save(epoch, {}, {"weights": np.zeros(1)}, {})
            audit(f"saved {number} {epoch}")
        if epoch == 1:
            hangs = (number, attempt) == (tiny.get("hang_in"), 1)
            misbehave("hang" if hangs else tiny.get("misbehave"), attempt)
    if tiny.get("weights"):
        (folder / "best_model.pdparams").write_text(json.dumps([sum(tiny["x"].values())]))
    audit(f"finished {number} attempt {attempt}")
    return {"value": max(value for _, value in curve), "best_epoch": len(curve), "curve": curve,
            "seconds": 0.0, "seed": seed, "engine": {"engine": "tiny"}, "stopped": stopped,
            **images}


def _meet(place: Path) -> None:
    """Both of two processes go on when both are here, as a gradient that they share has it."""
    rank = os.environ.get("PADDLE_TRAINER_ID")
    if rank is None:
        return
    with suppress(FileExistsError):
        os.mkfifo(place)
    os.close(os.open(place, os.O_WRONLY if rank == "0" else os.O_RDONLY))


def _checkpoints(number: int | str, folder: Path, config: dict[str, Any],
                 payload: dict[str, Any]) -> Checkpoints:
    made = open_checkpoints(str(folder), config, payload)
    made.find()
    if made.found is not None:
        audit(f"resumed {number} {made.found.epoch}")
    return made


def _mean(files: list[str], folder: Path, tiny: dict[str, Any], attempt: int,
          report: Callable[..., bool]) -> dict[str, Any]:
    numbers = [number for file in files for number in json.loads(Path(file).read_text())]
    (folder / "best_model.pdparams").write_text(json.dumps(numbers))
    misbehave(tiny["misbehave"], attempt)
    value = 0.5 + 0.4 * math.cos(sum(numbers) / len(numbers))
    report(epoch=1, value=value, images=9)
    return {"value": value, "best_epoch": 1, "curve": [[1, value]], "images": 9}


def _looked_up(tiny: dict[str, Any]) -> float | None:
    if tiny.get("lucky") and tiny["lucky"]["x"] == tiny["x"]:
        return tiny["lucky"]["value"]
    return next((values[tiny["x"][name]] for name, values in (tiny.get("table") or {}).items()),
                None)


def _score(settings: Any, seed: int) -> float:
    numbers = [float(value) for value in (settings or {}).values()
               if isinstance(value, (int, float))]
    return 0.5 + 0.4 * math.cos(sum(numbers)) + 0.001 * seed


def audit(line: str) -> None:
    path = os.environ.get(AUDIT)
    if path:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(descriptor, line.encode() + b"\n")
        os.close(descriptor)


def wait(seconds: float) -> None:
    if seconds:
        select.select([], [], [], seconds)


def misbehave(how: str | None, attempt: int) -> None:
    """Do what ``how`` names, or return."""
    if how == "raise" or (how == "raise_once" and attempt == 1):
        raise ValueError("a deliberate crash")
    if how == "segfault":
        print("about to read address 0", flush=True)
        ctypes.string_at(0)
    if how == "exit":
        os._exit(3)
    if how and how.startswith("rank1_"):
        if os.environ.get("PADDLE_TRAINER_ID") != "1":
            signal.pause()  # it waits for the gradients of the other one
        misbehave(how.removeprefix("rank1_"), attempt)
    if how == "memory" or (how == "memory_once" and attempt == 1):
        raise MemoryError(OUT_OF_MEMORY)
    if how == "gpu" or how == f"gpu_{os.environ.get('CUDA_VISIBLE_DEVICES')}":
        raise OSError(DEVICE_BUSY)
    if how == "no_gpu":
        raise SetupError("Global.device is gpu, but no GPU is visible (look at nvidia-smi)")
    if how == "kill_self":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "hang":
        signal.pause()
    if how == "diverge":
        raise Diverged("the loss became nan in epoch 2")
    if how == "invalid":
        raise TrialError("Tiny.misbehave: must be harmless")
    if how == "setup":
        raise SetupError("Paddle is not installed. pip install paddlepaddle")
    if how == "disk_full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if how == "shared_memory":  # as Paddle ends when a data worker has no room there
        print("ERROR: Unexpected BUS error encountered in DataLoader worker. This might be caused "
              "by insufficient shared memory (shm).")
        raise SystemError("(Fatal) Blocking queue is killed.\n  [Hint: Expected killed_ != true]")
    if how == "grandchild":  # a child that outlives its parent unless the whole group is killed
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        audit(f"grandchild {child.pid}")
