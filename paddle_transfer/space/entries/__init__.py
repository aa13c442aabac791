"""The catalogue's entries, a file for each kind. To add some, write a module with ``ENTRIES`` and name it here."""

from __future__ import annotations

from paddle_transfer.space.entries import (
    augment,
    data,
    loss,
    mixing,
    model,
    optimizer,
    pretrained,
    schedule,
)
from paddle_transfer.space.entry import Entry

#: In the order of the documentation.
MODULES = (optimizer, schedule, loss, mixing, augment, data, model, pretrained)

CATALOG: dict[str, Entry] = {entry.name: entry for module in MODULES for entry in module.ENTRIES}

__all__ = ["CATALOG"]
