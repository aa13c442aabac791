"""Pictures and batches: their sizes."""

from __future__ import annotations

from paddle_transfer import dotpath
from paddle_transfer.space import optimizers, transforms
from paddle_transfer.space.entry import Entry, whole
from paddle_transfer.space.hyperparameter import is_number

BATCH_SIZE = "DataLoader.Train.sampler.batch_size"


def _needs_batch_size(config: dict) -> str | None:
    return None if dotpath.exists(config, BATCH_SIZE) else f"needs {BATCH_SIZE}"


def _apply_batch_size(config: dict, value: int) -> None:
    dotpath.set_(config, BATCH_SIZE, int(value))


def _apply_scaled(config: dict, value: int) -> None:
    old = dotpath.get(config, BATCH_SIZE)
    for _, arguments in optimizers.optimizers(config):
        rate = optimizers.learning_rate(arguments)
        if is_number(rate):
            optimizers.set_learning_rate(arguments, optimizers.scaled(rate, old, value))
    _apply_batch_size(config, value)


def _needs_sizes(config: dict) -> str | None:
    for path in (transforms.TRAIN_OPS, transforms.EVAL_OPS):
        if not transforms.operators(config, path):
            return f"needs {path}"
    shape = config["Global"].get("image_shape")
    if transforms.side(config, transforms.TRAIN_OPS) is None and not (isinstance(shape, list)
                                                                      and is_number(shape[-1])):
        return "needs pictures of one square size: a crop in the training operators, or Global.image_shape,"
    return None


def _apply_resolution(config: dict, value: int) -> None:
    shape = config["Global"].get("image_shape") or [3]
    fallback = int(shape[-1]) if len(shape) > 1 else int(value)
    fallback = transforms.side(config, transforms.TRAIN_OPS) or fallback
    for path in (transforms.TRAIN_OPS, transforms.EVAL_OPS, transforms.TEST_OPS,
                 transforms.INFER_OPS):
        transforms.resize(config, path, to=int(value), fallback=fallback)
    config["Global"]["image_shape"] = [shape[0], int(value), int(value)]
    if "img_size" in config["Arch"]:
        config["Arch"]["img_size"] = int(value)


ENTRIES = (
    Entry(name="batch_size",
          meaning="images per batch and device in training; the learning rate stays",
          values=(32, 64, 128), log=True, check=whole(1), apply=_apply_batch_size,
          needs=_needs_batch_size, edits=(BATCH_SIZE, ), source="Masters & Luschi 2018"),
    Entry(
        name="batch_size_scaled",
        meaning="batch_size, and the learning rate times new / old batch size (a searched lr "
        "counts for the base config's batch size)", values=(32, 64, 128), log=True, check=whole(1),
        apply=_apply_scaled, needs=_needs_batch_size, stage=1,
        edits=(BATCH_SIZE, "Optimizer.lr.learning_rate"), source="Goyal et al. 2017"),
    Entry(
        name="resolution",
        meaning="side of the pictures in pixels: crops of training, evaluation and test, the resize "
        "before these in proportion, image_shape and Infer together", values=(160, 192, 224),
        check=whole(16), apply=_apply_resolution, needs=_needs_sizes, stage=-1,
        edits=(transforms.TRAIN_OPS, transforms.EVAL_OPS, transforms.TEST_OPS, transforms.INFER_OPS,
               "Global.image_shape", "Arch.img_size"), source="Touvron et al. 2019 (FixRes)"),
)
