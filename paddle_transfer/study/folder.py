"""What a search writes into its output_dir: how it is told from the files of others."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

#: What to do about a study that is not whole.
WAYS_OUT = ("Put back a copy, rebuild it from the trials' own files with --rebuild, or start anew "
            "with --fresh (the old run is moved aside)")
#: Files and folders of a search by their names; nothing else there is ever moved or deleted.
OWN = frozenset((
    ".lock", ".written.json", "study.journal", "search.yaml", "search_results.csv",
    "search_results.json", "best_config.yaml", "best_model.pdparams",
    "best_model_student.pdparams", "best_predictions.npz", "final.json", "report.html", "trials",
    "logs", "pretrained", "vdl", "tensorboard", "final", "inputs", "best", "inference"))
_OWN_FORMS = re.compile(r"study\..+|best_model[\w.]*|(search|best_config)\.new\d*\.yaml")
#: The comment above ``search.yaml``, by which it is told from one that a person wrote.
UNDERSTOOD = "as it was understood"
#: Temporary files of ``write_atomic`` and others, which only a kill leaves.
_TEMPORARY = re.compile(
    r"\.(?P<name>.+)\.[a-z0-9_]{8}(\.tmp)?|(?P<other>[^.].*)\.tmp\d*|\.room\d+")
_WRITTEN = frozenset(("config.yaml", "trial.json", "result.json", "made_of.txt", "study.json",
                      "train_val_list.txt"))


def is_own(name: str) -> bool:
    """Whether a search writes ``name`` into its output_dir."""
    return name in OWN or bool(_OWN_FORMS.fullmatch(name)) or is_temporary(name)


def is_temporary(name: str) -> bool:
    """Whether ``name`` is a temporary file of one that a search writes."""
    found = _TEMPORARY.fullmatch(name)
    if found is None:
        return False
    meant = found["name"] or found["other"] or ""
    return not meant or meant in OWN or meant in _WRITTEN or bool(_OWN_FORMS.fullmatch(meant))


def is_search_folder(folder: str | os.PathLike[str]) -> bool:
    """Whether a search has worked in ``folder``."""
    root = Path(folder)
    if (root / "study.journal").exists() or any(root.glob("trials/[0-9]*/config.yaml")):
        return True
    return is_written_by_search(root / "search.yaml")


def search_around(folder: str | os.PathLike[str]) -> str:
    """The output_dir of a search among whose own files ``folder`` lies (out/trials/0003: out);
    empty if there is none."""
    inner = Path(os.path.realpath(folder))
    return next((str(outer) for outer in inner.parents
                 if is_own(inner.relative_to(outer).parts[0]) and is_search_folder(outer)), "")


def is_written_by_search(file: str | os.PathLike[str]) -> bool:
    """Whether ``file``, a ``search.yaml``, is the copy that a search writes."""
    try:
        with open(file, "rb") as stream:
            return UNDERSTOOD.encode() in stream.read(2000)
    except OSError:
        return False


def delete_leftovers(output_dir: str | os.PathLike[str]) -> None:
    """Delete the temporary files that a killed search left. Only for the process that holds the
    directory's lock."""
    root = Path(output_dir)
    for folder in (root, *root.glob("trials/[0-9]*"), *root.glob("final/*"),
                   *root.glob("final/soup/*"), root / "inputs", root / "pretrained"):
        with suppress(OSError):
            for name in os.listdir(folder):
                copies = folder.name in ("inputs", "pretrained") and _TEMPORARY.fullmatch(name)
                if (is_temporary(name) or copies) and (folder / name).is_file():
                    (folder / name).unlink(missing_ok=True)


def move_entries(folder: Path, target: Path) -> list[str]:
    """Move what a search wrote from ``folder`` to the new folder ``target``, the study first: what
    a kill leaves behind is no study without its results. Returns the names of what stays."""
    names = sorted((path.name for path in folder.iterdir()),
                   key=lambda name: (not name.startswith("study."), name))
    target.mkdir()
    for name in names:
        if is_own(name) and name != ".lock":
            shutil.move(folder / name, target / name)
    return [name for name in names if not is_own(name)]
