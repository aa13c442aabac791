"""Trainings of so few steps that no setting can show what it is worth."""

from collections.abc import Sequence
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.checks.config_splits import Split
from paddle_transfer.checks.findings import Report
from paddle_transfer.config import resolve
from paddle_transfer.config.evaluation import WHOLE

#: A training of fewer steps is told: a head that is drawn anew has hardly begun to learn.
FEW = 60
#: Networks of smaller images, px, are told nothing: those of demonstrations learn in few steps.
LEAST_SIDE = 64


def few_steps(config: dict[str, Any], images: int) -> tuple[int, int] | None:
    """(steps of an epoch on one device, epochs) of a training that has fewer than ``FEW`` in all;
    None of others, and where the sampler does not go through the list once.

    :param images: of the train list
    """
    sampler = dotpath.find(config, "DataLoader.Train.sampler")
    size = resolve.image_size(config, "DataLoader.Train.dataset.transform_ops")
    if not isinstance(sampler, dict) or (size is not None and min(size) < LEAST_SIDE):
        return None
    batch, epochs = resolve.whole(sampler.get("batch_size")), resolve.epochs(config)
    given = resolve.whole(resolve.section(config, "Global").get("iter_per_epoch"))
    if batch is None or epochs is None or sampler.get("name", WHOLE[0]) not in WHOLE:
        return None
    steps = given or images // batch + bool(images % batch and not sampler.get("drop_last"))
    return (steps, epochs) if 0 < steps * epochs < FEW else None


def check_steps(splits: Sequence[Split], *, config: dict[str, Any], file: str, report: Report
                ) -> None:
    """Warn of a training of few steps."""
    images = next((len(split.rows) for split in splits if split.name == "train"), 0)
    found = few_steps(config, images)
    if found is not None:
        steps, epochs = found
        report.add("few-steps", file, 0, f"a training has {steps * epochs} steps in all ({steps} "
                   f"an epoch x {epochs} epochs)", error=False, hint="Its network has hardly begun "
                   "to learn then: take a smaller DataLoader.Train.sampler.batch_size or more "
                   "Global.epochs.")
