"""From official archives, a folder or a table to PaddleClas's list files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paddle_transfer.checks.listfile import Entry, delimiter_for, list_text
from paddle_transfer.checks.scan import Progress, no_progress, scan
from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.datasets import archives
from paddle_transfer.datasets.archives import MARKERS, Fetch, Log, obtain
from paddle_transfer.datasets.base import (
    BAD_IMAGES,
    FURTHER,
    LABELS,
    SOURCE_LABELS,
    Dataset,
    Layout,
    PrepareOptions,
)
from paddle_transfer.datasets.further import check_apart, read_further
from paddle_transfer.datasets.notes import changed_labels, own_notes
from paddle_transfer.datasets.options import check_options
from paddle_transfer.datasets.own_split import OwnSplit, unedited_lists
from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.datasets.skipped import why_unlistable
from paddle_transfer.datasets.split import hold_out
from paddle_transfer.datasets.usable_images import UsableImages, usable_images
from paddle_transfer.errors import DataError, counted

SPLITS = ("train", "val", "test")

Splits = dict[str, list[Entry]]


@dataclass
class Prepared:
    """What was written: ``lists[split]`` is (file, number of images), ``bad`` are the images that
    were left out; ``source_classes`` of a source that has its own."""

    root: Path
    classes: tuple[str, ...]
    files: GeneratedFiles
    delimiter: str = " "
    lists: dict[str, tuple[str, int]] = field(default_factory=dict)
    converted: int = 0
    bad: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source_classes: tuple[str, ...] = ()


def prepare(name: str, root: Path, options: PrepareOptions | None = None, *,
            fetch: Fetch = archives.fetch, log: Log = lambda _text: None,
            progress: Progress = no_progress, cache_folder: Path | None = None) -> Prepared:
    """Write train, val, test, trainval and label lists of a data set.

    Every image is inspected: what only Pillow reads is written again as PNG, what cannot be read
    is left out and listed in ``bad_images.txt``. The same arguments write the same lists.
    Raises DataError, and UnknownName for a data set that does not exist.

    :param name: in ``DATASETS``
    :param root: folder of the data set's files; lists are written into it
    :param log: takes lines about what is being done
    :param cache_folder: of inspections; None: the default one
    """
    options, dataset = options or PrepareOptions(), DATASETS[name]
    check_options(dataset, options)
    check_apart(root, options)  # before archives are fetched
    layout, notes, official = _read(dataset, root, options, fetch=fetch, log=log)
    shares = _shares(dataset, layout, options)
    further = read_further(root, options, layout.classes)
    paths = _paths({**layout.splits, **further.lists})
    usable, digests = _look_at(paths, root, options, cache_folder, progress, log)
    own_paths = _paths(usable.of(layout.splits))
    more_lists = further.without_copies(usable.of(further.lists), own_paths, digests)
    notes += [*usable.notes(), *further.notes]
    if dataset.official:  # whole: a published split does not depend on what cannot be read
        splits = _hold_out(layout.splits, shares, options.seed)
        notes += _check_counts(dataset, splits, official=official)
        splits = usable.of(splits)
    else:
        own = OwnSplit(root, {"dataset": name, "seed": options.seed}, shares)
        splits, more = own.split(usable.of(layout.splits), digests)
        notes += more + own_notes(splits, layout.classes, shares)
    result = Prepared(
        root, layout.classes, GeneratedFiles(root, f"{MARKERS}/written.json"), notes=notes,
        converted=len(usable.converted), source_classes=further.classes,
        bad=[f"{path}: {reason}" for path, reason in usable.left_out.items()])
    _write_lists(splits, more_lists, result)
    _write_names(result)
    return result


def _look_at(paths: set[str], root: Path, options: PrepareOptions, cache_folder: Path | None,
             progress: Progress, log: Log) -> tuple[UsableImages, dict[str, str]]:
    """The images that can be used, and the digests of their content."""
    log(f"looking at {counted(len(paths), 'image')}")
    images = scan({path: os.path.join(root, path) for path in sorted(paths)}, root=str(root),
                  processes=options.processes, cache_folder=cache_folder, progress=progress)
    usable = usable_images(root, paths, images)
    return usable, {usable.converted.get(path, path): image.digest.hex()
                    for path, image in images.items() if image.digest}


def _read(dataset: Dataset, root: Path, options: PrepareOptions, *, fetch: Fetch,
          log: Log) -> tuple[Layout, list[str], bool]:
    """The layout, notes, and whether the files are the official ones."""
    if dataset.archives and options.download:
        root.mkdir(parents=True, exist_ok=True)
    elif not root.is_dir():
        raise DataError(f"{root}: is no folder. --root names the folder with the data set's files")
    obtained = obtain(dataset, root, options, fetch=fetch, log=log)
    layout = dataset.read(root, options)
    check_options(dataset, options, splits=tuple(layout.splits))
    _check_names(root, layout)
    if dataset.classes and len(layout.classes) != dataset.classes:
        message = (f"{dataset.title} should have {dataset.classes} classes, "
                   f"but has {len(layout.classes)}")
        if obtained.official:
            raise DataError(message)
        obtained.notes.append(message)
    return layout, [*obtained.notes, *layout.notes], obtained.official


def _paths(lists: Splits) -> set[str]:
    return {path for entries in lists.values() for path, _ in entries}


def _check_names(root: Path, layout: Layout) -> None:
    """Raise DataError for paths that no list file can hold."""
    faults = [f"{path!r} has {fault}" for entries in layout.splits.values()
              for path, _ in entries if (fault := why_unlistable(path))]
    if faults:
        raise DataError(f"{root}: no list file can hold these names; rename them: "
                        f"{'; '.join(faults[:20])}")


def _shares(dataset: Dataset, layout: Layout, options: PrepareOptions) -> dict[str, float]:
    """Shares of the remaining training images that become the test list and the validation list,
    in this order."""
    val = dataset.hold_out if options.val is None else options.val
    shares = {}
    if not dataset.official and "test" not in layout.splits:
        shares["test"] = options.test
    if "val" not in layout.splits:
        shares["val"] = val
    if sum(shares.values()) >= 1:
        raise DataError(f"--val {val:g} and --test {options.test:g} together must leave something "
                        "for training")
    if "val" in shares:
        shares["val"] /= 1 - shares.get("test", 0.0)
    return shares


def _hold_out(layout: Mapping[str, list[Entry]], shares: Mapping[str, float], seed: int) -> Splits:
    """The lists of a published data set: parts of train held out where the authors made none."""
    splits = {split: sorted(entries) for split, entries in layout.items()}
    for split, share in shares.items():
        train = splits["train"]
        held = hold_out([label for _, label in train], fraction=share, seed=seed)
        splits[split] = [entry for i, entry in enumerate(train) if i in held]
        splits["train"] = [entry for i, entry in enumerate(train) if i not in held]
    return {split: splits[split] for split in SPLITS if splits.get(split)}


def _check_counts(dataset: Dataset, splits: Splits, *, official: bool) -> list[str]:
    """Notes of splits that have not their official size; DataError if the files are official."""
    found = {split: len(entries) for split, entries in splits.items()}
    if "val" not in dataset.official:
        found["train"] = found.get("train", 0) + found.pop("val", 0)
    wrong = [f"{split} should have {count} images, but has {found.get(split, 0)}"
             for split, count in dataset.official.items() if found.get(split, 0) != count]
    if wrong and official:
        raise DataError(f"{dataset.title}: {'; '.join(wrong)}. Extract the archives again (delete "
                        "the folders)")
    return wrong


def _write_lists(splits: Splits, further: Splits, result: Prepared) -> None:
    root, files = result.root, result.files
    if "val" in splits:
        splits = {**splits, "trainval": sorted(splits.get("train", []) + splits["val"])}
    files.adopt(name for name in unedited_lists(root) if name.removesuffix("_list.txt") in splits)
    files.write_or_remove(BAD_IMAGES, "".join(f"{line}\n" for line in result.bad))
    if not splits.get("train"):
        raise DataError(f"{root}: no usable image for training is left; see {root / BAD_IMAGES}")
    splits = {**splits, **further}
    result.delimiter = delimiter_for(entry for entries in splits.values() for entry in entries)
    for split in (*SPLITS, "trainval", *FURTHER):
        entries = splits.get(split, [])  # none: of an earlier call with other options
        name = f"{split}_list.txt"
        files.write_or_remove(name, "".join(f"{path}\n" for path, _ in entries)
                              if split == "unlabeled" else
                              list_text(entries, delimiter=result.delimiter))
        if entries:
            result.lists[split] = str(root / name), len(entries)


def _write_names(result: Prepared) -> None:
    names, more = ("".join(f"{label} {name}\n" for label, name in enumerate(classes))
                   for classes in (result.classes, result.source_classes))
    result.notes += changed_labels(result.root / LABELS, names)
    result.files.write(LABELS, names)
    result.files.write_or_remove(SOURCE_LABELS, more)
