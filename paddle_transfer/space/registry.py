"""The hyperparameters that a search file can name as ``search_key`` without ``replace_config``.

To add one to this package, write an ``Entry`` into a module of ``entries/`` and list it here; the
constant has its name in capitals. Other packages register an ``Entry`` by an entry point.
"""

from __future__ import annotations

from paddle_transfer.registry import Registry
from paddle_transfer.space.entry import Entry

#: Module of ``entries/`` -> its hyperparameters, in the order of the documentation.
_MODULES = {
    "optimizer": ("lr", "l2_decay", "optimizer", "clip_norm"),
    "schedule": ("epochs", "warmup_epochs", "lr_schedule"),
    "soft_labels": ("label_smoothing", "mixup", "cutmix"),
    "augment": ("autoaugment", "randaugment", "randaugment_magnitude", "randaugment_layers",
                "timm_autoaugment", "cutout", "random_erasing"),
    "data": ("batch_size", "batch_size_scaled", "resolution"),
    "strategy": ("strategy", "backbone_rate", "stage_decay", "trained_stages", "head_epochs",
                 "stage_epochs", "classifier", "strength", "neighbors", "target_weight",
                 "adaptation", "adaptation_weight"),
    "head": ("head_hidden", "head_init"),
    "model": ("dropout", "lr_mult", "frozen_stages", "ema", "amp", "pretrained"),
}

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

HYPERPARAMETERS: Registry[Entry] = Registry(
    "hyperparameter", group="paddle_transfer.hyperparameters", attribute="apply",
    builtin={name: f"paddle_transfer.space.entries.{module}:{name.upper()}"
             for name, module in _MODULE_OF.items()})

#: Other words for them: the keys of a training config that they set, and what other tools say.
_ALSO = {
    **dict.fromkeys(("learning_rate", "base_lr", "max_learning_rate"), "lr"),
    **dict.fromkeys(("weight_decay", "regularizer", "decay", "wd", "coeff"), "l2_decay"),
    **dict.fromkeys(("image_shape", "image_size", "img_size", "input_size"), "resolution"),
    **dict.fromkeys(("warmup_epoch", "warmup"), "warmup_epochs"),
    **dict.fromkeys(("schedule", "scheduler"), "lr_schedule"),
    **dict.fromkeys(("epoch", "num_epochs"), "epochs"),
    **dict.fromkeys(("epsilon", "smoothing"), "label_smoothing"),
    **dict.fromkeys(("pretrained_model", "weights"), "pretrained"),
    **dict.fromkeys(("stages", "unfrozen_stages"), "trained_stages"),
    "bs": "batch_size", "lr_mult_list": "lr_mult", "dropout_prob": "dropout",
    "backbone": "backbone_rate", "method": "strategy", "transfer": "strategy"}


def registered_as(word: str) -> str:
    """The hyperparameter that ``word`` is another word for (weight_decay: l2_decay); ``word``
    itself if it is one of this package; empty if there is none."""
    return word if word in _MODULE_OF else _ALSO.get(word, "")
