"""The data sets by name. A package adds its own by an entry point or ``DATASETS.register``."""

from paddle_transfer.datasets.base import Dataset
from paddle_transfer.registry import Registry

_PUBLIC = ("oxford_iiit_pets", "oxford_102_flowers", "food101", "sun397", "caltech101", "dtd",
           "stanford_cars", "fgvc_aircraft", "voc2012", "cifar10")

DATASETS: Registry[Dataset] = Registry(
    "data set", group="paddle_transfer.datasets", attribute="read",
    builtin={**{name: f"{__package__}.{name}:DATASET" for name in _PUBLIC},
             "folder": f"{__package__}.folder:DATASET", "csv": f"{__package__}.csv_table:DATASET"})


def public_datasets() -> dict[str, Dataset]:
    """The shipped data sets with published archives, in the order of the published table."""
    return {name: DATASETS[name] for name in _PUBLIC}
