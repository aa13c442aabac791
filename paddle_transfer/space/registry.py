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
                 "stage_epochs"),
    "model": ("dropout", "lr_mult", "frozen_stages", "ema", "amp", "pretrained"),
}

HYPERPARAMETERS: Registry[Entry] = Registry(
    "hyperparameter", group="paddle_transfer.hyperparameters", attribute="apply",
    builtin={name: f"paddle_transfer.space.entries.{module}:{name.upper()}"
             for module, names in _MODULES.items() for name in names})
