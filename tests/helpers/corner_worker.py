"""What a training of a config would do, counted without Paddle: the iterations that PaddleClas's
loaders give (``ppcls/data``), the steps of its loop, the images that are evaluated, and whether
Paddle's schedules (``paddle.optimizer.lr``) can be built. Written from their sources, apart from
the package's own rules."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Config = dict[str, Any]


@dataclass
class Outcome:
    """Of one epoch: ``iterations`` and optimizer ``steps``; ``evaluated``: the images of each
    evaluation."""

    iterations: int
    steps: int
    evaluated: list[int]


def run(config: Config) -> Outcome:
    """Raises AssertionError or TypeError where PaddleClas or Paddle does."""
    loaders, common = config["DataLoader"], config["Global"]
    labels = read_labels(loaders["Train"]["dataset"])
    batches = sizes_of_batches(loaders["Train"]["sampler"], labels)
    iterations = common.get("iter_per_epoch") or len(batches)
    frequency = common.get("update_freq", 1)
    assert iterations >= frequency, "2.5 and newer would take 1"
    iterations = iterations // frequency * frequency
    build_schedule(config["Optimizer"]["lr"], common["epochs"], iterations)
    operators = loaders["Train"]["dataset"].get("batch_transform_ops") or []
    for operator in operators:
        mix(operator, config, labels, batches)
    total = read_labels(loaders["Eval"]["dataset"])
    images = sum(sizes_of_batches(loaders["Eval"]["sampler"], total))
    start = common.get("start_eval_epoch", 0) - 1
    evaluated = [images for epoch in range(1, common["epochs"] + 1)
                 if epoch % common["eval_interval"] == 0 and epoch > start]
    for part in ("Train", "Eval"):
        crop(loaders[part]["dataset"]["transform_ops"])
    for metric in config["Metric"]["Eval"]:
        for k in metric["TopkAcc"]["topk"]:
            assert 1 <= k <= config["Arch"]["class_num"], "top-k beyond the classes"
    return Outcome(iterations, iterations // frequency, evaluated)


def read_labels(dataset: Config) -> list[int]:
    with open(dataset["cls_label_path"], encoding="utf-8") as stream:
        return [int(line.split(dataset.get("delimiter") or " ")[1]) for line in stream]


def sizes_of_batches(sampler: Config, labels: list[int]) -> list[int]:
    name, size = sampler.get("name", "BatchSampler"), sampler["batch_size"]
    assert isinstance(size, int), "batch_size"
    assert size > 0, "batch_size"
    drop, classes = sampler.get("drop_last", name == "PKSampler"), len(set(labels))
    if name == "PKSampler":
        each = sampler["sample_per_id"]
        assert size % each == 0, "divisor"
        assert classes * each >= size, "classes"
        return [size] * ((len(labels) + (0 if drop else size - 1)) // size)
    if name == "DistributedRandomIdentitySampler":
        each = sampler["num_instances"]
        assert size % each == 0, "divisor"
        length = sum(max(labels.count(one), each) // each * each for one in set(labels))
        return [size] * -(-length // size) if classes >= size // each else []
    assert name in ("BatchSampler", "DistributedBatchSampler"), name
    whole, rest = divmod(len(labels), size)
    return [size] * whole + ([rest] if rest and not drop else [])


def build_schedule(lr: Config, epochs: int, steps: int) -> None:
    name, rate, warm = lr.get("name"), lr.get("learning_rate"), min(lr.get("warmup_epoch", 0),
                                                                    epochs)
    if name in ("Cosine", "Linear"):
        left = (epochs - warm) * steps
        assert isinstance(left, int), "'T_max' must be an integer"
    elif name == "Step":
        assert int(lr["step_size"] * steps) > 0
        assert lr["gamma"] < 1
    elif name == "Piecewise":
        rate = lr["values"][0]
        assert lr["decay_epochs"]
        assert len(lr["values"]) > len(lr["decay_epochs"])
    elif name == "MultiStepDecay":
        ends = lr["milestones"]
        assert all(a < b for a, b in pairwise(ends)), "must be incremented"
    warmed = round(warm * steps)
    if warmed > 0:
        assert rate > lr.get("warmup_start_lr", 0.0), "end_lr must be greater than start_lr"
    assert rate > 0, "nothing is trained"


def mix(operator: Config, config: Config, labels: list[int], batches: list[int]) -> None:
    for name, arguments in operator.items():
        if name == "OpSampler":
            for inner, given in arguments.items():
                mix({inner: given}, config, labels, batches)
            continue
        assert arguments["alpha"] > 0, "alpha"
        assert config["Arch"]["class_num"] > max(labels), "one hot"
        assert max(batches) > 1, "an image would be mixed with itself"


def crop(operators: list[Config]) -> None:
    side = 40
    for operator in operators:
        for name, arguments in operator.items():
            arguments = arguments or {}
            if name == "ResizeImage":
                side = arguments.get("resize_short") or arguments["size"]
            elif name == "RandCropImage":
                side = arguments["size"]
            elif name == "CropImage":
                assert arguments["size"] <= side, "a crop beyond the image"
                side = arguments["size"]
            assert side >= 1, "size"
