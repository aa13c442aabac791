"""Which devices trials run on."""

from __future__ import annotations

from paddle_transfer.hardware import find_gpus
from paddle_transfer.settings.search_file import SearchSettings

__all__ = ["find_gpus", "slots"]


def slots(settings: SearchSettings) -> list[str]:
    """One name per trial that runs at once: each listed GPU (``gpu:3``), else ``workers`` CPU slots (``cpu:0``)."""
    if settings.gpus:
        return [f"gpu:{gpu}" for gpu in settings.gpus]
    return [f"cpu:{i}" for i in range(settings.workers)]
