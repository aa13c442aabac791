"""The rules about whole training configs. A new one is a function, the paths that it reads, and a
line here: its combinations of searched keys follow from the paths."""

from __future__ import annotations

from pathlib import Path

from paddle_transfer.config.base import FURTHER
from paddle_transfer.config.check import (
    NEEDED,
    check_classes,
    check_files,
    check_global,
    check_needed,
    check_topk,
)
from paddle_transfer.config.pretrained import OTHER_WEIGHTS, check_transfer
from paddle_transfer.config.shape import SHAPES
from paddle_transfer.rules.arguments import arguments_rules
from paddle_transfer.rules.base import CLASSES, Rule
from paddle_transfer.rules.batches import (
    BATCHES,
    EVALUATED_BATCHES,
    MIXED_BATCHES,
    UPDATE_FREQUENCY,
)
from paddle_transfer.rules.devices import devices_rule
from paddle_transfer.rules.evaluation import EVALUATION
from paddle_transfer.rules.images import SIZES
from paddle_transfer.rules.metric import metric_rule
from paddle_transfer.rules.names import names_rule
from paddle_transfer.rules.optimizers import OPTIMIZERS
from paddle_transfer.rules.parts import DATASETS, LOSSES
from paddle_transfer.rules.schedules import SCHEDULES, WARMUPS
from paddle_transfer.strategies.combinations import COMBINATIONS
from paddle_transfer.strategies.new_head import check_new_head
from paddle_transfer.strategies.section import check_strategy

NEEDS = Rule((*SHAPES, *NEEDED), check_needed, alone=True)
LENGTH = Rule(tuple(f"Global.{name}" for name in (
    "epochs", "eval_interval", "start_eval_epoch", "eval_during_train", "iter_per_epoch",
    "update_freq")), check_global)
CLASS_COUNTS = Rule((*CLASSES, "Loss.Train", "DataLoader.Train.dataset.batch_transform_ops"),
                    check_classes)
TOPK = Rule(("Metric", *CLASSES), check_topk)
WEIGHTS = Rule(("Transfer", "Global.pretrained_model"), check_transfer)
STRATEGY = Rule(("Transfer", "Global.pretrained_model", "Arch.pretrained", "Arch.use_ssld",
                 "Arch.models", "Arch.freeze_params_list", "FineTune", "DataLoader.Source",
                 "DataLoader.Unlabeled", *(one.where for one in COMBINATIONS.values())),
                lambda config, issues: issues.extend(check_strategy(config)))
HEAD = Rule(("Transfer", *(f"Arch.{key}" for key in (
    "name", "models", "Backbone", "Head", "num_classes", "pretrained", *OTHER_WEIGHTS)),
    "MLDecoder", "FineTune.dropout"), check_new_head)

RULES = (NEEDS, LENGTH, CLASS_COUNTS, TOPK, BATCHES, UPDATE_FREQUENCY, EVALUATED_BATCHES,
         EVALUATION, MIXED_BATCHES, OPTIMIZERS, SCHEDULES, WARMUPS, SIZES, LOSSES, DATASETS,
         WEIGHTS, STRATEGY, HEAD)


def rules_for(*, metric: str = "", ppcls: Path | None = None, tested: bool = False,
              processes: int = 1) -> tuple[Rule, ...]:
    """The rules for one search.

    :param metric: that is searched; empty: not known
    :param ppcls: PaddleClas's folder of that name; None: names are not checked
    :param tested: whether the test list is read, too
    :param processes: that train each trial together
    """
    parts = ("Train", "Eval", *FURTHER, *(("Test", ) if tested else ()))
    files = Rule(tuple(f"DataLoader.{part}.dataset.{key}" for part in parts
                       for key in ("image_root", "cls_label_path")),
                 lambda config, issues: check_files(config, parts, issues), alone=True,
                 lacking=True)
    return (*RULES, files, *((metric_rule(metric), ) if metric else ()),
            *((devices_rule(processes), ) if processes > 1 else ()),
            *(parts_rules(ppcls) if ppcls is not None else ()))


def parts_rules(ppcls: Path) -> tuple[Rule, ...]:
    """The rules about the parts of PaddleClas that a config names, in any training."""
    return (names_rule(ppcls), *arguments_rules(ppcls))
