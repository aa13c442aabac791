"""What this machine has: GPUs that are there, folders that can be written. Asked without importing paddle."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile


def find_gpus() -> list[str]:
    """The ids of the NVIDIA GPUs that a program started from here would see, as ``CUDA_VISIBLE_DEVICES`` names
    them ("0", "1", ...); none where there is no driver.

    Asks ``nvidia-smi -L`` when it is on PATH, else reads /proc/driver/nvidia.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not visible.strip().strip(","):
        return []
    present = _present()
    if visible is None:
        return [index for index, _ in present]
    names = [name for pair in present for name in pair if name]
    chosen = []
    for name in (part.strip() for part in visible.split(",")):
        if not any(known == name or name.startswith("GPU-") and known.startswith(name)
                   for known in names):
            break  # CUDA ignores an id that it does not know, and all that follow it
        chosen.append(name)
    return chosen


def _present() -> list[tuple[str, str]]:
    """(index, uuid) of every GPU of the driver."""
    if shutil.which("nvidia-smi"):
        try:
            done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired):
            return []
        if done.returncode != 0:
            return []
        return re.findall(r"^GPU (\d+):.*?\(UUID: ([^)]+)\)", done.stdout, re.MULTILINE) or [
            (index, "") for index in re.findall(r"^GPU (\d+):", done.stdout, re.MULTILINE)]
    try:
        return [(str(i), "") for i, _ in enumerate(sorted(os.listdir("/proc/driver/nvidia/gpus")))]
    except OSError:
        return []


def why_not_writable(folder: str) -> str:
    """Why files could not be made in ``folder`` (which need not be there yet); empty when they could.

    Tried out in the nearest folder that exists, since root may write where the mode forbids it and nobody may on
    some file systems. Nothing is left behind.
    """
    folder = os.path.abspath(folder)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{folder} is not a folder"
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".writable-", dir=folder))
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""
