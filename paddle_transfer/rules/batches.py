"""Batches: every epoch trains at least one, whatever the sampler leaves out."""

from __future__ import annotations

from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import list_at
from paddle_transfer.config.evaluation import WHOLE
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show
from paddle_transfer.rules.base import Config, Rule, whole
from paddle_transfer.rules.lists import label_counts, list_lines

SAMPLER = "DataLoader.Train.sampler"
LISTS = tuple(f"DataLoader.Train.dataset.{key}" for key in ("name", "cls_label_path", "delimiter"))
BATCH_OPS = "DataLoader.Train.dataset.batch_transform_ops"

#: Of a sampler that draws so many images of one class: the argument that says how many.
PER_CLASS = {"DistributedRandomIdentitySampler": "num_instances", "PKSampler": "sample_per_id",
             "NaiveIdentityBatchSampler": "num_instances",
             "DomainShuffleBatchSampler": "num_instances"}

#: Samplers that leave the last batch out unless they are told otherwise.
DROPS_LAST = ("PKSampler",)

#: RASampler goes through whole multiples of so many images only.
RA_BLOCK = 256

#: Batch operators that mix the images of one batch with each other.
MIXING = ("MixupOperator", "CutmixOperator", "FmixOperator", "MixupCutmixHybrid")


def check_batches(config: Config, issues: ValidationIssues) -> None:
    """The sampler of the training images gives at least one batch an epoch."""
    sampler = dotpath.find(config, SAMPLER)
    if not isinstance(sampler, dict):
        return
    key = "first_bs" if sampler.get("name") == "MultiScaleSampler" else "batch_size"
    size = sampler.get(key)
    if not whole(size):
        issues.add(f"{SAMPLER}.{key}", "must be a whole number, 1 or more", show(size))
        return
    drop_last = sampler.get("drop_last", sampler.get("name") in DROPS_LAST)
    if isinstance(drop_last, str):
        issues.add(f"{SAMPLER}.drop_last", "must be True or False", show(drop_last))
        return
    lines = list_lines(config, "Train")
    used, said = lines, ""
    if lines is not None and sampler.get("name") == "RASampler":
        used, said = lines // RA_BLOCK * RA_BLOCK, f", of which RASampler uses {lines // RA_BLOCK}"\
            f" times {RA_BLOCK}"
    if used is not None and key == "batch_size" and used < (size if drop_last else 1):
        issues.add(f"{SAMPLER}.batch_size", "must leave one whole batch of the train list: not one "
                   "iteration would be trained", f"{lines} images{said}, batch_size {size}, "
                   f"drop_last {bool(drop_last)}", f"Keep it at {used} or less, or set drop_last: "
                   "False." if used else "Choose another sampler.")
    _check_per_class(sampler, size, config, issues)


def _check_per_class(sampler: dict[str, Any], size: int, config: Config,
                     issues: ValidationIssues) -> None:
    """Samplers that draw some images of each of some classes."""
    key = PER_CLASS.get(str(sampler.get("name")))
    if key is None:
        return
    each, where = sampler.get(key), f"{SAMPLER}.batch_size"
    if not whole(each):
        issues.add(f"{SAMPLER}.{key}", "must be a whole number, 1 or more", show(each))
    elif size % each:
        issues.add(where, f"must be a multiple of {key}", f"batch_size {size}, {key} {each}")
    else:
        labels = label_counts(config, "Train")
        if labels and len(labels) < size // each:
            issues.add(where, f"must not need more classes than the train list has: {key} images "
                       "are drawn of each", f"batch_size {size}, {key} {each}, {len(labels)} "
                       "classes", f"Keep it at {len(labels) * each} or less.")


def check_update_frequency(config: Config, issues: ValidationIssues) -> None:
    """Gradients of so many batches are there before an epoch ends; PaddleClas takes 1 otherwise."""
    frequency, given = (dotpath.find(config, f"Global.{key}")
                        for key in ("update_freq", "iter_per_epoch"))
    batches = given if whole(given) else _batches(config)
    if whole(frequency) and batches is not None and frequency > max(batches, 1):
        issues.add("Global.update_freq", "must not be larger than the iterations of an epoch: "
                   "PaddleClas would take 1", f"update_freq {frequency}, {batches} iterations",
                   f"Keep it at {batches} or less.")


def _batches(config: Config) -> int | None:
    """The batches of one epoch, as the sampler tells the engine; None where that is not known."""
    sampler, labels = dotpath.find(config, SAMPLER), label_counts(config, "Train")
    name = sampler.get("name", WHOLE[0]) if isinstance(sampler, dict) else None
    size = sampler.get("batch_size") if isinstance(sampler, dict) else None
    if not labels or not whole(size):
        return None
    images = sum(labels.values())
    if name == "DistributedRandomIdentitySampler":
        each, most = sampler.get("num_instances"), sampler.get("max_iters")
        if whole(most) or not whole(each):
            return most if whole(most) else None
        images = sum(max(count, each) // each * each for count in labels.values())
    elif name not in (*WHOLE, *DROPS_LAST):
        return None
    drop_last = sampler.get("drop_last", name in DROPS_LAST)
    return images // size + bool(images % size and not drop_last)


def check_evaluated_batches(config: Config, issues: ValidationIssues) -> None:
    """The batches of the evaluation have a size."""
    for part in ("Eval", "Test"):
        sampler = dotpath.find(config, f"DataLoader.{part}.sampler")
        if isinstance(sampler, dict) and "batch_size" in sampler and not whole(
                sampler["batch_size"]):
            issues.add(f"DataLoader.{part}.sampler.batch_size",
                       "must be a whole number, 1 or more", show(sampler["batch_size"]))


def check_mixing(config: Config, issues: ValidationIssues) -> None:
    """Mixing operators have something to mix, and what they need."""
    operators = [(name, arguments if isinstance(arguments, dict) else {})
                 for item in list_at(config, BATCH_OPS) if isinstance(item, dict)
                 for name, arguments in _with_drawn(item)]
    mixing = [(name, arguments) for name, arguments in operators if name in MIXING]
    for name, arguments in mixing:
        alpha = arguments.get("alpha", 1)
        if name in ("MixupOperator", "CutmixOperator") and (
                isinstance(alpha, (bool, str)) or alpha is None or not alpha > 0):
            issues.add(BATCH_OPS, f"the alpha of {name} must be a number above 0", show(alpha),
                       "Leave the operator out to train without it.")
    size = dotpath.find(config, f"{SAMPLER}.batch_size")
    if not mixing or not whole(size):
        return
    lines = list_lines(config, "Train")
    if size == 1 or lines == 1:
        issues.add(f"{SAMPLER}.batch_size", f"must be 2 or more, of as many images: {mixing[0][0]} "
                   "mixes the images of a batch", f"batch_size {size}" + (
                       ", 1 image" if lines == 1 else ""))
    elif any(name == "MixupCutmixHybrid" for name, _ in mixing):
        lines = lines or 0
        drop_last = dotpath.find(config, f"{SAMPLER}.drop_last")
        if size % 2 or (lines % size % 2 and not drop_last):
            issues.add(f"{SAMPLER}.batch_size", "must make even batches, for MixupCutmixHybrid",
                       f"{lines} images, batch_size {size}, drop_last {drop_last}",
                       "Take an even size, and drop_last: True.")


def _with_drawn(item: dict[str, Any]) -> list[tuple[str, Any]]:
    """The operators of one item; those among which OpSampler draws are told singly."""
    drawn = item.get("OpSampler")
    return [*item.items(), *(drawn.items() if isinstance(drawn, dict) else ())]


BATCHES = Rule((SAMPLER, *LISTS), check_batches)
UPDATE_FREQUENCY = Rule(("Global.update_freq", "Global.iter_per_epoch", SAMPLER, *LISTS),
                        check_update_frequency)
EVALUATED_BATCHES = Rule(("DataLoader.Eval.sampler", "DataLoader.Test.sampler"),
                         check_evaluated_batches)
MIXED_BATCHES = Rule((f"{SAMPLER}.batch_size", f"{SAMPLER}.drop_last", BATCH_OPS, *LISTS),
                     check_mixing)
