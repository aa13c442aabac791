"""Whether a study belongs to a search: the settings that make two searches the same."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.errors import StudyError
from paddle_transfer.study.base import Store

#: The study's attribute that holds the settings.
IDENTITY = "identity"


def check_identity(store: Store, identity: dict[str, Any], *, place: str) -> None:
    """Make sure that the study's trials belong to the search of ``identity``; a new study keeps it.

    Raises StudyError with every setting that changed.
    """
    known = store.attributes().get(IDENTITY)
    if known is None:
        if store.records():
            raise StudyError(
                f"{place}: the study holds trials of something else than a search of this package. "
                "Choose another output_dir or storage, or start anew with --fresh (the old run is "
                "moved aside)")
        store.set_attribute(IDENTITY, identity)
        return
    changes = dotpath.diff(known, identity)
    if changes:
        raise StudyError("\n".join([
            f"{place}: holds a search with other settings, and its trials would not compare with "
            "new ones. Changed:", *(f"  - {change}" for change in changes),
            "Take the changes back to go on with it, choose another output_dir, or start anew with "
            "--fresh (the old run is moved aside)"]))
