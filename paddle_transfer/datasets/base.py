"""What a data set is: its archives, its protocol, and the function that reads its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.errors import DataError

#: Names of archives end so.
ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
#: Lists beside that of training: labelled images from elsewhere, images without labels.
FURTHER = ("source", "unlabeled")
#: Folder below a data set's root for images that were written again as PNG.
CONVERTED = "converted"
#: Files in the root with the names of the classes, and those of a source that has its own.
LABELS, SOURCE_LABELS = "label_list.txt", "source_label_list.txt"
#: File in the root with the images that were left out, and the reasons.
BAD_IMAGES = "bad_images.txt"
#: File with samples of the classes, which the printed commands draw in the current folder.
CONTACT_SHEET = "contact_sheet.png"


@dataclass(frozen=True)
class Archive:
    """One official file of a data set.

    :param md5: as published; "" if none was published
    :param url: "" if no address works any more
    :param folder: below the root, to extract it to
    :param inside: the archive that is published today and holds this one
    """

    file: str
    md5: str = ""
    url: str = ""
    folder: str = ""
    inside: Archive | None = None

    @property
    def is_extracted(self) -> bool:
        return self.file.endswith(ARCHIVES)

    @property
    def address(self) -> str:
        return self.url or (self.inside.url if self.inside else "")


@dataclass(frozen=True)
class Recipe:
    """Training options of the data set's config.

    :param baseline_lr: of the search's fixed point; 0: ``lr``
    :param head_init: how the classifier's weights are drawn (``Transfer.head.init``); "": as the
        network draws them
    :param four_ways: whether the search over ways to transfer is the published comparison of four
    """

    arch: str = "ResNet50_vd"
    lr: float = 0.003
    epochs: int = 20
    batch_size: int = 64
    baseline_lr: float = 0.0
    head_init: str = ""
    four_ways: bool = False


#: For the user's own images.
CUSTOM_RECIPE = Recipe(lr=0.001)


@dataclass(frozen=True)
class PrepareOptions:
    """Options of ``prepare``.

    :param download: fetch missing archives
    :param unverified: accept archives with another md5 than the published one
    :param val: share of the training images for the validation list; None: as the data set says
    :param test: share for the test list, for a data set that does not define its splits
    :param processes: that decode images; None: one per core
    :param source: folder with a folder per class, of labelled images from elsewhere
    :param unlabeled: folder of images without labels
    :param csv: the table; None: ``labels.csv`` in the root
    :param arch: the network of the config that is written; None: the data set's
    :param size: of its images, px; None: 224
    """

    download: bool = False
    unverified: bool = False
    seed: int = 0
    val: float | None = None
    test: float = 0.0
    processes: int | None = None
    source: Path | None = None
    unlabeled: Path | None = None
    csv: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    arch: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Layout:
    """The classes (``classes[i]`` is the name of label i) and splits ("train", and "val" and "test"
    if they exist) of a data set.

    :param notes: for the user: what was skipped, and the like
    """

    classes: tuple[str, ...]
    splits: dict[str, list[Entry]]
    notes: tuple[str, ...] = ()

    @classmethod
    def by_name(cls, classes: Sequence[str], splits: Mapping[str, Collection[tuple[str, str]]], *,
                titles: Sequence[str] = (), notes: Sequence[str] = ()) -> Layout:
        """From (path, class name) pairs. Raises DataError for a name that is not in ``classes``.

        :param titles: names of the classes for people, by default ``classes``
        """
        labels = {name: label for label, name in enumerate(classes)}
        unknown = [f"{path} ({name!r})" for pairs in splits.values() for path, name in pairs
                   if name not in labels]
        if unknown:
            raise DataError(f"these images belong to no known class: {', '.join(unknown[:20])}")
        return cls(tuple(titles or classes), {
            split: [(path, labels[name]) for path, name in pairs]
            for split, pairs in splits.items()}, tuple(notes))


@dataclass(frozen=True)
class Dataset:
    """One data set. Only ``name``, ``title`` and ``read`` are needed for one without archives.

    :param read: reads the extracted files in a folder; raises DataError
    :param files: paths that exist once the archives are extracted
    :param classes: 0: not known beforehand
    :param official: images of the splits as the authors made them; {}: not known beforehand
    :param hold_out: share of train (per class, seeded) for a validation list if there is none
    :param metric: what the protocol reports, top1 or mean_per_class
    :param sample: images for inference, below the root
    :param note: shown if archives are missing
    """

    name: str
    title: str
    read: Callable[[Path, PrepareOptions], Layout]
    archives: tuple[Archive, ...] = ()
    files: tuple[str, ...] = ()
    classes: int = 0
    official: Mapping[str, int] = field(default_factory=dict)
    hold_out: float = 0.2
    metric: str = "top1"
    sample: str = ""
    note: str = ""
    recipe: Recipe = Recipe()

    @property
    def counts(self) -> dict[str, int]:
        """Images per list that the official files give, with the hold-out taken from train."""
        counts = dict(self.official)
        if "val" not in counts:
            counts["val"] = int(counts["train"] * self.hold_out + 0.5)
            counts["train"] -= counts["val"]
        return {split: counts[split] for split in ("train", "val", "test") if split in counts}
