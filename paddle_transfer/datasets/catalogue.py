"""The table of public data sets: archives, checksums, counts, protocol. Plain data; imports nothing heavy.

md5 sums are torchvision's published ones; counts are those of the full archives. Every data set lives in
``./dataset/<name>`` for the configs that are made from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VGG = "https://www.robots.ox.ac.uk/~vgg/data/"
SUN = "http://vision.princeton.edu/projects/2010/SUN/"


@dataclass(frozen=True)
class Archive:
    """One file that a data set is made of.

    ``md5`` is empty where none was published, ``url`` where no address works any more. ``folder`` is where it is
    extracted to, below the data set's root. ``inside`` is the archive that is handed out today with this one in it.
    """

    file: str
    md5: str = ""
    url: str = ""
    folder: str = ""
    inside: Archive | None = None

    @property
    def extracts(self) -> bool:
        return self.file.endswith((".tar.gz", ".tgz", ".tar", ".zip"))


@dataclass(frozen=True)
class DataSet:
    """One public data set.

    ``official`` counts the images of the splits as its authors made them; ``hold_out`` is the share of train (per
    class, seeded) that becomes the validation split where the authors made none, 0 where they did.
    ``metric`` is what its protocol reports: top1 or mean_per_class. ``layout`` are paths that are there once the
    archives are extracted. ``note`` is shown when files are missing.
    """

    name: str
    title: str
    classes: int
    archives: tuple[Archive, ...]
    layout: tuple[str, ...]
    official: Mapping[str, int]
    sample: str
    hold_out: float = 0.0
    metric: str = "top1"
    note: str = ""
    arch: str = "ResNet50_vd"
    lr: float = 0.003
    epochs: int = 20
    batch_size: int = 64
    fixed_lr: float = field(
        default=0.0)  # the search's fixed point, where lr is none of the published seven

    @property
    def counts(self) -> dict[str, int]:
        """Images per list that the full archives give: the hold-out taken from train."""
        counts = dict(self.official)
        if self.hold_out:
            counts["val"] = int(counts["train"] * self.hold_out + 0.5)
            counts["train"] -= counts["val"]
        return {split: counts[split] for split in ("train", "val", "test") if split in counts}

    @property
    def has_test(self) -> bool:
        return "test" in self.official


_DATASETS = (
    DataSet("oxford_iiit_pets", "Oxford-IIIT Pets", 37,
            (Archive("images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c",
                     VGG + "pets/data/images.tar.gz"),
             Archive("annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f",
                     VGG + "pets/data/annotations.tar.gz")),
            ("images", "annotations/trainval.txt", "annotations/test.txt"),
            {"train": 3680, "test": 3669}, "images", hold_out=0.2, metric="mean_per_class"),
    DataSet(
        "oxford_102_flowers", "Oxford-102 Flowers", 102,
        (Archive("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa",
                 VGG + "flowers/102/102flowers.tgz"),
         Archive("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d",
                 VGG + "flowers/102/imagelabels.mat"),
         Archive("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c", VGG + "flowers/102/setid.mat")),
        ("jpg", "imagelabels.mat", "setid.mat"), {"train": 1020, "val": 1020, "test": 6149}, "jpg",
        metric="mean_per_class"),
    DataSet("food101", "Food-101", 101,
            (Archive("food-101.tar.gz", "85eeb15f3717b99a5da872d97d918f87",
                     "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"), ),
            ("food-101/meta/train.json", "food-101/meta/test.json", "food-101/images"),
            {"train": 75750, "test": 25250}, "food-101/images/apple_pie", hold_out=0.1),
    DataSet("sun397", "SUN397 (partition 1)", 397,
            (Archive("SUN397.tar.gz", "8ca2778205c41d23104230ba66911c7a", SUN + "SUN397.tar.gz"),
             Archive("Partitions.zip", "29a205c0a0129d21f36cbecfefe81881",
                     SUN + "download/Partitions.zip", folder="Partitions")),
            ("SUN397", "Partitions/Training_01.txt", "Partitions/Testing_01.txt"),
            {"train": 19850, "test": 19850}, "SUN397/a/abbey", hold_out=0.2),
    DataSet("caltech101", "Caltech-101", 101, (Archive(
        "101_ObjectCategories.tar.gz", "b224c7392d521a49829488ab0f1120d9", inside=Archive(
            "caltech-101.zip",
            url="https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip")), ),
            ("101_ObjectCategories", ), {"train": 3030, "test": 5647},
            "101_ObjectCategories/accordion", hold_out=1 / 6, metric="mean_per_class"),
    DataSet("dtd", "DTD (split 1)", 47,
            (Archive("dtd-r1.0.1.tar.gz", "fff73e5086ae6bdbea199a49dfb8a4c1",
                     VGG + "dtd/download/dtd-r1.0.1.tar.gz"), ),
            ("dtd/images", "dtd/labels/train1.txt", "dtd/labels/val1.txt", "dtd/labels/test1.txt"),
            {"train": 1880, "val": 1880, "test": 1880}, "dtd/images/banded"),
    DataSet(
        "stanford_cars", "Stanford Cars", 196,
        (Archive("cars_train.tgz", "065e5b463ae28d29e77c1b4b166cfe61"),
         Archive("cars_test.tgz", "4ce7ebf6a94d07f1952d94dd34c4d501"),
         Archive("car_devkit.tgz", "c3b158d763b6e2245038c8ad08e45376"),
         Archive("cars_test_annos_withlabels.mat", "b0a2b23655a3edd16d84508592a98d10")),
        ("cars_train", "cars_test", "devkit/cars_train_annos.mat", "devkit/cars_meta.mat",
         "cars_test_annos_withlabels.mat"), {"train": 8144, "test": 8041}, "cars_test",
        hold_out=0.2,
        note="The official addresses of Stanford Cars are dead: bring the four files yourself."),
    DataSet(
        "fgvc_aircraft", "FGVC Aircraft (variants)", 100,
        (Archive("fgvc-aircraft-2013b.tar.gz", "",
                 VGG + "fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"), ),
        ("fgvc-aircraft-2013b/data/images", "fgvc-aircraft-2013b/data/images_variant_train.txt"),
        {"train": 3334, "val": 3333, "test": 3333}, "fgvc-aircraft-2013b/data/images",
        metric="mean_per_class"),
    DataSet(
        "voc2012", "VOC2012 (single label)", 20,
        (Archive("VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd",
                 "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar"), ),
        ("VOCdevkit/VOC2012/JPEGImages", "VOCdevkit/VOC2012/Annotations",
         "VOCdevkit/VOC2012/ImageSets/Main"), {"train": 5717, "val": 5823},
        "VOCdevkit/VOC2012/JPEGImages", arch="VGG16", lr=0.0005, fixed_lr=0.0003),
    DataSet("cifar10", "CIFAR-10", 10,
            (Archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a",
                     "http://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"), ),
            ("cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/test_batch"),
            {"train": 50000, "test": 10000}, "png/test", hold_out=0.1, arch="ResNet18", lr=0.0005,
            epochs=10, batch_size=128, fixed_lr=0.0003),
)

#: name -> DataSet, in the order of the published table; the module that reads it has the same name.
DATASETS: dict[str, DataSet] = {dataset.name: dataset for dataset in _DATASETS}
