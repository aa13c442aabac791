"""From official archives, a folder or a table to PaddleClas's list files."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from paddle_transfer.checks.images import ImageInfo
from paddle_transfer.checks.listfile import Entry, delimiter_for, write_list
from paddle_transfer.checks.scan import scan
from paddle_transfer.config.load import write_atomic
from paddle_transfer.datasets.archives import Fetch, obtain
from paddle_transfer.datasets.base import Layout
from paddle_transfer.datasets.catalogue import DATASETS
from paddle_transfer.datasets.csv_table import read_table
from paddle_transfer.datasets.folder import check_name
from paddle_transfer.datasets.folder import read as read_folder
from paddle_transfer.datasets.split import hold_out
from paddle_transfer.errors import DataError

CONVERTED = "converted"       # pictures that only Pillow reads, written again as PNG
BAD_IMAGES = "bad_images.txt"  # what was left out, and why


@dataclass(frozen=True)
class Wishes:
    """How to prepare.

    :param val: share of the training images that becomes the validation list; None: the protocol's own, and 0.2
        for a folder or a table
    :param test: share that becomes the test list, for a folder or a table without one
    :param processes: for looking at the images; None: one per core
    """

    download: bool = False
    unverified: bool = False
    seed: int = 0
    val: float | None = None
    test: float = 0.0
    processes: int | None = None
    csv: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None


@dataclass
class Prepared:
    """What was written: ``lists[split]`` is (file, number of images)."""

    root: Path
    classes: tuple[str, ...]
    delimiter: str
    lists: dict[str, tuple[str, int]] = field(default_factory=dict)
    converted: int = 0
    bad: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def prepare(name: str, root: object, wishes: Wishes = Wishes(), *, fetch: Fetch | None = None,
            tell: Callable[[str], None] = lambda text: None,
            progress: Callable[[int, int], None] = lambda done, total: None,
            cache_folder: Path | None = None) -> Prepared:
    """Write train, val, test, trainval and label lists of data set ``name`` into ``root``.

    ``name`` is one of ``table.DATASETS``, "folder" or "csv". Every image is looked at once: what only Pillow reads
    is written again as PNG, what nobody reads is left out and listed in ``bad_images.txt``.
    The same call with the same seed writes the same lists. Raises DataError.
    """
    root = Path(root)
    layout, notes, strict = _read(name, root, wishes, fetch=fetch, tell=tell)
    _check_names(root, layout)
    result = Prepared(root, layout.classes, " ", notes=notes)
    paths = {path for entries in layout.splits.values() for path, _ in entries}
    tell(f"looking at {len(paths)} images")
    looks = _looks(root, paths, wishes, progress=progress, cache_folder=cache_folder)
    splits = _hold_out(name, layout, looks, wishes)
    if name in DATASETS:
        _check_counts(name, splits, strict=strict, notes=result.notes)
    splits = _usable(root, splits, looks, result)
    _write(root, splits, result)
    return result


def _read(name: str, root: Path, wishes: Wishes, *, fetch: Fetch | None,
          tell: Callable[[str], None]) -> tuple[Layout, list[str], bool]:
    if not root.is_dir() and (name not in DATASETS or not wishes.download):
        raise DataError(f"{root}: is no folder. --root names the folder with the data set's files")
    if name == "folder":
        return read_folder(root, wishes.seed), [], False
    if name == "csv":
        table = Path(wishes.csv) if wishes.csv else root / "labels.csv"
        return read_table(root, table, image=wishes.image_column, label=wishes.label_column,
                          split=wishes.split_column), [], False
    root.mkdir(parents=True, exist_ok=True)
    dataset = DATASETS[name]
    obtained = obtain(dataset, root, download=wishes.download, unverified=wishes.unverified,
                      fetch=fetch, tell=tell)
    layout = importlib.import_module(f"paddle_transfer.datasets.{name}").read(root, wishes.seed)
    if len(layout.classes) != dataset.classes:
        message = f"{dataset.title} should have {dataset.classes} classes, but has {len(layout.classes)}"
        if obtained.official:
            raise DataError(message)
        obtained.notes.append(message)
    return layout, obtained.notes, obtained.official


def _check_names(root: Path, layout: Layout) -> None:
    faults = [
        f"{path!r} has {fault} in its name" for entries in layout.splits.values()
        for path, _ in entries if (fault := check_name(path))
    ]
    if faults:
        raise DataError(
            f"{root}: no list file can hold these names; rename them: {'; '.join(faults[:20])}")


def _looks(root: Path, paths: set[str], wishes: Wishes, *, progress: Callable[[int, int], None],
           cache_folder: Path | None) -> dict[str, ImageInfo]:
    names = {path: os.path.join(str(root), path) for path in sorted(paths)}
    return scan(names, root=str(root), processes=wishes.processes, cache_folder=cache_folder,
                progress=progress)


def _hold_out(name: str, layout: Layout, looks: dict[str, ImageInfo],
              wishes: Wishes) -> dict[str, list[Entry]]:
    """The splits with validation (and test) images taken from train where there are none."""
    own = name not in DATASETS
    splits = {split: sorted(entries) for split, entries in layout.splits.items()}
    # Copies of one picture stay on one side in one's own data; a published protocol's sizes are kept as they are.
    sha = {path: look.digest for path, look in looks.items() if look.digest} if own else {}
    val = wishes.val if wishes.val is not None else 0.2 if own else DATASETS[name].hold_out
    parts = [("test", wishes.test)] if own and "test" not in splits else []
    if parts and wishes.test + (val if "val" not in splits else 0.0) >= 1:
        raise DataError(
            f"--val {val:g} and --test {wishes.test:g} together must leave something for training")
    if "val" not in splits and val:
        parts.append(("val", val / (1 - wishes.test) if parts else val))
    for split, share in parts:
        if not share:
            continue
        train = splits["train"]
        held = hold_out([label for _, label in train], fraction=share, seed=wishes.seed,
                        groups=[sha.get(path, path) for path, _ in train] if own else None)
        splits[split] = [entry for i, entry in enumerate(train) if i in held]
        splits["train"] = [entry for i, entry in enumerate(train) if i not in held]
    return {split: splits[split] for split in ("train", "val", "test") if splits.get(split)}


def _check_counts(name: str, splits: dict[str, list[Entry]], *, strict: bool,
                  notes: list[str]) -> None:
    """The full archives must give exactly the official numbers; others are noted."""
    official = DATASETS[name].official
    got = {split: len(entries) for split, entries in splits.items()}
    if "val" not in official:
        got["train"] = got.get("train", 0) + got.pop("val", 0)
    wrong = [
        f"{split} should have {count} images, but has {got.get(split, 0)}"
        for split, count in official.items()
        if got.get(split, 0) != count
    ]
    if wrong and strict:
        raise DataError(
            f"{DATASETS[name].title}: {'; '.join(wrong)}. Extract the archives again (delete the folders)"
        )
    notes += wrong


def _usable(root: Path, splits: dict[str, list[Entry]], looks: dict[str, ImageInfo],
            result: Prepared) -> dict[str, list[Entry]]:
    """The splits with broken images left out, and those that only Pillow reads converted."""
    instead: dict[str, str | None] = {}
    for path in sorted({path for entries in splits.values() for path, _ in entries}):
        look = looks.get(path)
        if look is not None and not look.fault and look.kind != "gif":
            continue
        pillow_may = look is not None and (not look.thumbnail or look.kind == "gif")
        instead[path] = _convert(root, path) if pillow_may else None
        if instead[path] is None:
            result.bad.append(f"{path}: {look.fault if look else 'is not there'}")
        else:
            result.converted += 1
    if result.bad:
        write_atomic(str(root / BAD_IMAGES), "".join(f"{line}\n" for line in result.bad))
    elif (root / BAD_IMAGES).exists():
        (root / BAD_IMAGES).unlink()
    return {split: [(instead.get(path) or path, label) for path, label in entries
                    if path not in instead or instead[path]] for split, entries in splits.items()}


def _convert(root: Path, path: str) -> str | None:
    """Write an image that OpenCV (in some version) cannot read as PNG; None when Pillow cannot read it either."""
    from PIL import Image

    inside = "/".join("__" if part == ".." else part for part in path.lstrip("/").split("/"))
    target = root / CONVERTED / f"{inside}.png"  # with the folders of its path: no two images meet in one file
    try:
        with Image.open(root / path) as image:
            picture = image.convert("RGB")
    except Exception:  # Pillow's decoders raise anything
        return None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".part")
        picture.save(temporary, format="PNG")
        os.replace(temporary, target)
    except OSError as error:  # a good image, and no place for it: nothing to be left out
        raise DataError(
            f"{target}: cannot be written ({error.strerror or error}). Make room, or the folder writable, "
            "and begin again: what was converted is kept") from None
    return target.relative_to(root).as_posix()


def _write(root: Path, splits: dict[str, list[Entry]], result: Prepared) -> None:
    everything = [entry for entries in splits.values() for entry in entries]
    if not everything or not splits.get("train"):
        raise DataError(f"{root}: no usable image for training is left; see {root / BAD_IMAGES}")
    result.delimiter = delimiter_for(everything)
    lists = dict(splits)
    if "val" in splits:
        lists["trainval"] = sorted(splits["train"] + splits["val"])
    for split, entries in lists.items():
        file = root / f"{split}_list.txt"
        write_list(file, entries, delimiter=result.delimiter)
        result.lists[split] = str(file), len(entries)
    for split in ("val", "test", "trainval"):  # of an earlier call with other wishes
        if split not in lists and (root / f"{split}_list.txt").exists():
            (root / f"{split}_list.txt").unlink()
    write_atomic(str(root / "label_list.txt"),
                 "".join(f"{label} {name}\n" for label, name in enumerate(result.classes)))
