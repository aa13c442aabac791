"""GPUs and writable folders of this machine, found without importing paddle."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions

#: Where Paddle and VisualDL make folders, below the home folder, while they are imported.
_LIBRARY_FOLDERS = (".cache/paddle/dataset", ".visualdl/conf")

#: Bytes of a file's name on the usual file systems.
_LONGEST_NAME = 255
#: Bytes of a path on Linux.
_LONGEST_PATH = 4096


def find_gpus() -> list[str]:
    """The ids of the NVIDIA GPUs that a child process would see, such as ``["0", "1"]``, as
    ``CUDA_VISIBLE_DEVICES`` names them. Empty without a driver.

    Runs ``nvidia-smi -L`` if it is on PATH, else reads /proc/driver/nvidia.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not visible.strip().strip(","):
        return []
    present = _installed_gpus()
    if visible is None:
        return [index for index, _ in present]
    names = [name for pair in present for name in pair if name]
    chosen: list[str] = []
    for name in (part.strip() for part in visible.split(",")):
        if name not in names and not (
                name.startswith("GPU-") and any(known.startswith(name) for known in names)):
            break  # CUDA ignores an unknown id and all ids that follow it
        chosen.append(name)
    return chosen


@dataclass(frozen=True)
class GpuMemory:
    """Bytes of a GPU's memory, and how many of them all processes together use."""

    used: float
    total: float


def gpu_memory(gpus: str) -> GpuMemory | None:
    """Of the GPU with the id ``gpus``; of several, with commas between, the fullest. None where
    that is not known: it takes ``nvidia-smi``."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=memory.used,memory.total", "--id=" + gpus,
             "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    pairs = re.findall(r"^(\d+), (\d+)\s*$", done.stdout if done.returncode == 0 else "",
                       re.MULTILINE)
    found = [GpuMemory(int(used) * 2**20, int(total) * 2**20) for used, total in pairs]
    return max(found, key=lambda one: one.used / max(one.total, 1), default=None)


def out_of_memory_kills() -> int:
    """How many processes of this machine the kernel has ended since it booted because memory was
    short; 0 where it does not say."""
    try:
        with open("/proc/vmstat", encoding="ascii") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def paddle_is_cpu_only() -> bool:
    """Whether the Paddle that is installed is the build without CUDA, by its package's name. False
    where there is none, or one of another name."""
    names = ("paddlepaddle-gpu", "paddlepaddle")
    found = next((name for name in names if list(distributions(name=name))), "")
    return found == "paddlepaddle"


def _installed_gpus() -> list[tuple[str, str]]:
    """(index, UUID) of every GPU of the driver; the UUID is empty where it is not known."""
    if shutil.which("nvidia-smi"):
        try:
            done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired):
            return []
        listing = done.stdout if done.returncode == 0 else ""
        return re.findall(r"^GPU (\d+):.*?\(UUID: ([^)]+)\)", listing, re.MULTILINE) or [
            (index, "") for index in re.findall(r"^GPU (\d+):", listing, re.MULTILINE)]
    try:
        return [(str(i), "") for i, _ in enumerate(os.listdir("/proc/driver/nvidia/gpus"))]
    except OSError:
        return []


def why_not_writable(folder: str) -> str:
    """Why no file can be made in ``folder``, which may not exist yet; empty if one can.

    The nearest folder that exists is tried out, since root may write where the mode forbids it
    and nobody may on some file systems. Nothing is left behind.
    """
    folder = os.path.abspath(folder)
    if "\0" in folder or any(len(os.fsencode(part)) > _LONGEST_NAME
                             for part in folder.split(os.sep)):
        return f"the name of a folder has at most {_LONGEST_NAME} bytes, and no NUL"
    if len(os.fsencode(folder)) > _LONGEST_PATH - 2 * _LONGEST_NAME:
        return f"a path of {len(os.fsencode(folder)):,} bytes leaves no room for files in it"
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{folder} is not a folder"
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".writable-", dir=folder))
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""


@dataclass(frozen=True)
class SharedMemory:
    """What this machine has for processes that share memory.

    :param free: bytes; infinite where that is not known
    :param place: where it is
    :param fault: why none can be used; empty where it can
    """

    free: float
    place: str = "/dev/shm"
    fault: str = ""


def shared_memory(place: str = "/dev/shm") -> SharedMemory:
    """The shared memory of Linux, which other systems do not keep in a folder."""
    if not os.path.isdir(place):
        return SharedMemory(math.inf, place, f"there is no {place}" if sys.platform == "linux"
                            else "")
    reason = why_not_writable(place)
    if reason:
        return SharedMemory(0, place, reason)
    return SharedMemory(free_bytes(place), place)


def shared_memory_share(parts: int) -> float | None:
    """The bytes that each of ``parts`` users at once may take; None: as many as they like."""
    free = shared_memory().free
    return None if math.isinf(free) else free / parts


def free_bytes(folder: str) -> float:
    """The bytes that may be written to the file system of ``folder``, which may not exist yet: 0
    where no file can be made any more. Infinite where that is not known."""
    folder = os.path.abspath(folder)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    try:
        found = os.statvfs(folder)
    except OSError:
        return math.inf
    full = found.f_files > 0 and found.f_favail == 0
    return 0 if full else found.f_bavail * found.f_frsize


def why_no_library_folders() -> str:
    """Why Paddle and VisualDL cannot write to the home folder; empty if they can."""
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return "no home folder is known"
    reasons = (why_not_writable(os.path.join(home, folder)) for folder in _LIBRARY_FOLDERS)
    return next(filter(None, reasons), "")


@contextmanager
def writable_home() -> Iterator[None]:
    """Within it Paddle and VisualDL can be imported: where they could not write to the home folder,
    ``HOME`` is a temporary one. Raises OSError: there is no temporary folder, either."""
    if not why_no_library_folders():
        yield
        return
    before = os.environ.get("HOME")
    with tempfile.TemporaryDirectory(prefix="paddle_transfer-home-") as folder:
        os.environ["HOME"] = folder
        try:
            yield
        finally:
            os.environ.pop("HOME")
            if before is not None:
                os.environ["HOME"] = before
