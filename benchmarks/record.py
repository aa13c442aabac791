"""Record a table with the product itself: a source network, then a grid search with several seeds,
as one CSV.

Everything a task needs is made here: image folders from scikit-learn's digits and from
Fashion-MNIST (Debian's package ``dataset-fashion-mnist``), the source task's weights, the search. A
second call goes on where the first one stopped.
"""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from benchmarks.recorded import BASELINE, Table, save_table
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import PaddleTransferError, SetupError, did_you_mean
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space

FASHION = Path("/usr/share/datasets/fashion-mnist")
TABLES = Path("benchmarks/tables")
SIZE = 28
SEEDS = 3

#: The published search space.
SPACE: dict[str, list] = {
    "lr": [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001],
    "l2_decay": [1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6],
    "label_smoothing": [False, True],
    "mixup": [False, True]}


@dataclass(frozen=True)
class Part:
    """Images of some classes of a set (``digits``, ``fashion``): so many per class for training and
    validation, from place ``start`` of each class on."""

    data: str
    classes: Sequence[int]
    train: int
    val: int
    start: int = 0


@dataclass(frozen=True)
class Task:
    """A transfer: what the source network learns, what is searched, on which architecture."""

    arch: Mapping[str, Any]
    source: Part
    target: Part
    epochs: int
    batch: int
    source_epochs: int
    source_lr: float = 0.03
    crop: float = 0.7
    flip: bool = False


FIRST, LAST = range(5), range(5, 10)

#: As it is, PPLCNet leaves one pixel of 28: here it leaves 4 x 4.
FINER = {
    "name": "PPLCNet_x0_25", "stride_list": [2, 2, 2, 1, 1], "class_expand": 128,
    "dropout_prob": 0.0
}

TASKS: dict[str, Task] = {
    # few images, few steps, one pixel left of 28 before the last layers: seeds differ by as much as
    # settings
    "digits_pplcnet_150": Task({"name": "PPLCNet_x0_25"}, Part("digits", FIRST, 140, 30),
                               Part("digits", LAST, 30, 60), epochs=6, batch=16, source_epochs=15),
    # from garments to digits, ten classes
    "digits_shufflenet_200": Task({"name": "ShuffleNetV2_x0_25"}, Part(
        "fashion", range(10), 200, 30), Part("digits", range(10), 20, 30), epochs=6, batch=16,
                                  source_epochs=12),
    # a task much like the source's, and a source network that was trained on many images
    "fashion_pplcnet_250": Task(FINER, Part("fashion", FIRST, 1000, 40),
                                Part("fashion", LAST, 50, 50), epochs=4, batch=16, source_epochs=6,
                                crop=0.8, flip=True),
    # clothes that look alike, after shoes, bags and trousers: hard, and unlike the source
    "fashion_clothes_250": Task(FINER, Part("fashion", (1, 5, 7, 8, 9), 1000, 40),
                                Part("fashion", (0, 2, 3, 4, 6), 50, 100), epochs=5, batch=16,
                                source_epochs=6, crop=0.8, flip=True),
    # handwriting after garments, small batches
    "digits_finer_200": Task(FINER, Part("fashion", range(10), 500, 40), Part(
        "digits", LAST, 40, 90), epochs=4, batch=8, source_epochs=6, crop=0.8),
}


def write_images(part: Part, folder: Path) -> None:
    """PNG files of ``SIZE`` px and PaddleClas's lists."""
    from PIL import Image

    if (folder / "label_list.txt").exists():
        return
    images, labels = _read(part.data)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for label, of_class in enumerate(part.classes):
        found = numpy.flatnonzero(labels == of_class)[part.start:part.start + part.train + part.val]
        if len(found) < part.train + part.val:
            raise SetupError(
                f"{part.data}: class {of_class} has {len(found)} images, "
                f"{part.train + part.val} are needed")
        for position, index in enumerate(found):
            split = "train" if position < part.train else "val"
            name = f"images/{split}_{of_class}_{index:05d}.png"
            picture = Image.fromarray(images[index])
            if picture.size != (SIZE, SIZE):
                picture = picture.resize((SIZE, SIZE), Image.BICUBIC)
            picture.convert("RGB").save(folder / name)
            lists[split].append(f"{name} {label}")
    for split, lines in lists.items():
        (folder / f"{split}_list.txt").write_text("\n".join(lines) + "\n")
    (folder / "label_list.txt").write_text("".join(
        f"{i} {c}\n" for i, c in enumerate(part.classes)))


def _read(data: str):
    """(uint8 images [n, side, side], labels [n])."""
    if data == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        return (digits.images * (255 / 16)).round().astype("uint8"), digits.target
    try:
        return (_idx(
            FASHION / "train-images-idx3-ubyte.gz"), _idx(FASHION / "train-labels-idx1-ubyte.gz"))
    except OSError as error:
        raise SetupError(
            f"{error.filename}: cannot be read ({error.strerror}). On Debian the images of "
            "Fashion-MNIST are in a package: apt install dataset-fashion-mnist") from None


def _idx(path: Path):
    with gzip.open(path) as stream:
        data = stream.read()
    dimensions = data[3]
    shape = struct.unpack(f">{dimensions}I", data[4:4 + 4 * dimensions])
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def train_config(task: Task, part: Part, *, data: Path, output: Path, epochs: int, lr: float,
                 pretrained: Any = None) -> dict[str, Any]:
    """A whole PaddleClas config."""
    decode = {"DecodeImage": {"to_rgb": True, "channel_first": False}}
    normalize = {
        "NormalizeImage": {
            "scale": "1.0/255.0", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "order": ""
        }
    }
    crops = [{"RandCropImage": {"size": SIZE, "scale": [task.crop, 1.0]}}]
    crops += [{"RandFlipImage": {"flip_code": 1}}] if task.flip else []

    def loader(split: str, operations: list, batch: int) -> dict[str, Any]:
        return {
            "dataset": {
                "name": "ImageNetDataset", "image_root": str(data),
                "cls_label_path": str(data / f"{split}_list.txt"), "transform_ops": operations
            }, "sampler": {
                "name": "DistributedBatchSampler", "batch_size": batch, "drop_last": False,
                "shuffle": split == "train"
            }, "loader": {"num_workers": 0, "use_shared_memory": False}
        }

    return {
        "Global": {
            "checkpoints": None, "pretrained_model": pretrained, "output_dir": str(output),
            "device": "cpu", "save_interval": 1000, "eval_during_train": True, "eval_interval": 1,
            "epochs": epochs, "print_batch_step": 100, "use_visualdl": False, "seed": 0,
            "image_shape": [3, SIZE, SIZE], "save_inference_dir": str(output / "inference")
        }, "Arch": {**task.arch, "class_num": len(part.classes)},
        "Loss": {"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]},
        "Optimizer": {
            "name": "Momentum", "momentum": 0.9,
            "lr": {"name": "Cosine", "learning_rate": lr,
                   "warmup_epoch": 0}, "regularizer": {"name": "L2", "coeff": 0.0001}
        }, "DataLoader": {
            "Train": loader("train", [decode, *crops, normalize], task.batch), "Eval": loader(
                "val", [decode, normalize], 50)
        }, "Metric": {"Train": [{"TopkAcc": {"topk": [1]}}], "Eval": [{"TopkAcc": {"topk": [1]}}]}
    }


def prepare(name: str, task: Task, folder: Path) -> Path:
    """Write images and configs, train the source network; returns the search file."""
    configs = TABLES / name
    configs.mkdir(parents=True, exist_ok=True)
    write_images(task.source, folder / "source_data")
    write_images(task.target, folder / "target_data")
    source, result = configs / "source.yaml", folder / "source" / "train_result.json"
    dump_yaml(train_config(task, task.source, data=folder / "source_data", output=folder / "source",
                           epochs=task.source_epochs, lr=task.source_lr), str(source))
    weights = folder / "source.pdparams"
    if not weights.exists():
        subprocess.run([sys.executable, "tools/train.py", "-c", str(source)], check=True)
        shutil.copyfile(json.loads(result.read_text())["weights"], weights)
    target = train_config(task, task.target, data=folder / "target_data", output=folder / "target",
                          epochs=task.epochs, lr=BASELINE["lr"],
                          pretrained=str(weights.with_suffix("")))
    dump_yaml(target, str(configs / "target.yaml"))
    search = configs / "search.yaml"
    dump_yaml(
        {
            "base_config_file": str(configs / "target.yaml"), "output_dir": str(folder / "search"),
            "search_mode": "grid", "search_times": SEEDS, "workers": 1, "metric": "top1", "seed": 0,
            "keep_models": 0, "search_dict": [{"search_key": key, "search_values": values}
                                              for key, values in SPACE.items()]
        }, str(search))
    return search


def collect(output: Path, *, epochs: int, classes: int, name: str) -> Table:
    """The study in ``output`` as a table. A training that diverged stands at chance from there on:
    that is what a network of NaN gives.

    :raises PaddleTransferError: while the grid is not whole
    """
    from paddle_transfer.study.store import open_store

    space = Space(
        tuple(
            Choice(key, tuple(values), log=key in ("lr", "l2_decay"))
            for key, values in SPACE.items()))
    store = open_store(output_dir=output, space=space)
    try:
        records = [record for record in store.records() if record.state in ("complete", "diverged")]
    finally:
        store.close()
    seeds = sorted({record.seed for record in records})
    curves = numpy.full((space.size, len(seeds), epochs), numpy.nan)
    for record in records:
        place = curves[space.index(record.point), seeds.index(record.seed)]
        place[:] = 1.0 / classes
        for epoch, value in record.curve:
            place[epoch - 1] = value
    missing = int(numpy.isnan(curves[:, :, -1]).sum())
    if missing or len(seeds) != SEEDS:
        raise PaddleTransferError(
            f"{output}: {missing} trainings of the grid are missing; the same command goes on")
    return Table(name, space, curves)


def main(argv=None) -> int:
    parser = OptionParser(prog="benchmark.py record", description=__doc__.split("\n")[0])
    parser.add_argument("task", nargs="+", help=f"of {', '.join(TASKS)}")
    parser.add_argument("--work", type=Path, default=Path("output/record"),
                        help="images, weights and trials "
                        "(default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        for name in arguments.task:
            if name not in TASKS:
                raise PaddleTransferError(
                    f"record: there is no task '{name}'. {did_you_mean(name, list(TASKS))}")
        for name in arguments.task:
            task, folder = TASKS[name], arguments.work / name
            search = prepare(name, task, folder)
            done = subprocess.run(
                [sys.executable, "tools/search.py", "-c",
                 str(search), "--no-data-check"])
            if done.returncode:
                return done.returncode
            table = collect(folder / "search", epochs=task.epochs, classes=len(task.target.classes),
                            name=name)
            place = TABLES / f"{name}.csv.gz"
            save_table(
                table, str(place), comments=[
                    f"made by: python tools/benchmark.py record {name}",
                    f"configs: {TABLES / name}/",
                    f"{len(task.target.classes)} classes, {task.target.train} training and "
                    f"{task.target.val} validation images each, {task.arch['name']}, "
                    f"{task.epochs} epochs, batch {task.batch}, {SEEDS} seeds"
                ])
            print(
                f"{place}: best {table.truth.max():.4f}, "
                f"reach {int(table.within_reach.sum())} of {table.space.size}"
            )
    except PaddleTransferError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
