"""Oxford-102 Flowers: ``jpg/image_%05d.jpg``, ``imagelabels.mat`` (1-based) and ``setid.mat``."""

from pathlib import Path

from paddle_transfer.checks.listfile import Entry
from paddle_transfer.datasets.base import Archive, Dataset, Layout, PrepareOptions
from paddle_transfer.datasets.files import parse_label
from paddle_transfer.datasets.mat_files import read_mat
from paddle_transfer.errors import DataError

CLASSES = 102
URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
# PaddleClas's own train_extra_list is train + test of this split: evaluating on test with it leaks.
KEYS = {"train": "trnid", "val": "valid", "test": "tstid"}


def read(root: Path, _options: PrepareOptions) -> Layout:
    file = root / "imagelabels.mat"
    labels, sets = read_mat(file)["labels"], read_mat(root / "setid.mat")
    splits: dict[str, list[Entry]] = {split: [] for split in KEYS}
    for split, key in KEYS.items():
        for number in sets[key]:
            if not 1 <= number <= len(labels):
                raise DataError(f"{root / 'setid.mat'}: {key} names image {number}, but "
                                f"imagelabels.mat has {len(labels)} labels")
            label = parse_label(labels[int(number) - 1], classes=CLASSES, file=file)
            splits[split].append((f"jpg/image_{int(number):05d}.jpg", label))
    return Layout(tuple(f"flower {i + 1}" for i in range(CLASSES)), splits)


DATASET = Dataset(
    "oxford_102_flowers", "Oxford-102 Flowers", read,
    archives=(Archive("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa", URL + "102flowers.tgz"),
              Archive("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d",
                      URL + "imagelabels.mat"),
              Archive("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c", URL + "setid.mat")),
    files=("jpg", "imagelabels.mat", "setid.mat"),
    classes=CLASSES, official={"train": 1020, "val": 1020, "test": 6149}, metric="mean_per_class",
    sample="jpg")
