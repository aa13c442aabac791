"""Which study of a database belongs to an output_dir: several searches share a database, and
folders of several machines have the same path."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import StudyError
from paddle_transfer.study.base import Store

#: The file in output_dir, and the study's attribute that has the same id.
FILE, ATTRIBUTE = "study.id", "folder"


@dataclass(frozen=True)
class Claim:
    """The content of ``study.id``.

    :param id: of the folder
    :param study: the study's name in the database
    """

    id: str
    study: str

    def write(self, output_dir: str | os.PathLike[str]) -> None:
        write_atomic(Path(output_dir) / FILE, json.dumps(asdict(self)) + "\n")


def read_claim(output_dir: str | os.PathLike[str]) -> Claim | None:
    """None where there is none: no search has been there, or one of an earlier version. Raises
    StudyError when it cannot be read."""
    path = Path(output_dir) / FILE
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        return Claim(str(read["id"]), str(read["study"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path}: does not say which study of the database is this folder's "
                         f"({error}). Put back a copy, or start anew with --fresh") from error


def study_name(output_dir: str | os.PathLike[str]) -> str:
    """The study's name in the database: what ``study.id`` says, or the folder's path."""
    claim = read_claim(output_dir)
    return str(Path(output_dir).resolve()) if claim is None else claim.study


def make_claim(output_dir: str | os.PathLike[str]) -> Claim:
    """The folder's claim; made when there is none, of the study with the folder's path."""
    claim = read_claim(output_dir)
    if claim is None:
        claim = Claim(secrets.token_hex(16), study_name(output_dir))
        claim.write(output_dir)
    return claim


def other_study(output_dir: str | os.PathLike[str]) -> Claim:
    """A claim of a study that no database has; not written yet. Studies of before stay as they
    are."""
    name = f"{Path(output_dir).resolve()} {datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    known = read_claim(output_dir)
    return Claim(secrets.token_hex(16), name) if known is None else replace(known, study=name)


def enforce(store: Store, claim: Claim, output_dir: str | os.PathLike[str], *, place: str) -> None:
    """Note in the study whose it is; the first write to a database, before anything is trained.

    Raises StudyError when it is another folder's, or is of something else than a search.
    """
    attributes = store.attributes()
    known = attributes.get(ATTRIBUTE)
    if known is None and "identity" not in attributes and store.records():
        raise StudyError(f"storage: {place}: the study {claim.study!r} in it holds trials of "
                         "something else than a search of this package. Choose another output_dir "
                         "or storage, or begin a study of its own with --fresh")
    if known is not None and known["id"] != claim.id:
        raise StudyError(
            f"storage: {place}: the study {claim.study!r} in it is of another search, in "
            f"{known['path']} on {known['host']}. Choose another output_dir, or begin a study "
            "beside it with --fresh; to go on with that search, bring its output_dir here whole")
    store.set_attribute(ATTRIBUTE, {  # always something new: a read-only database is noticed
        "id": claim.id, "path": str(Path(output_dir).resolve()), "host": socket.gethostname(),
        "opened": datetime.now().isoformat()})
