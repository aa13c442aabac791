"""``final`` of a search file: ``{retrain_on: train+val}``, or ``{soup: greedy}`` (``loop.soup``).

The search chooses a point by the validation list; that point is trained again on more data and
tested on the test list. No function here changes its argument.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show
from paddle_transfer.files import open_file
from paddle_transfer.settings.reading import Reading
from paddle_transfer.settings.soup import check_soup
from paddle_transfer.settings.values import FINAL_HINT
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.stages.plan import under

Config = dict[str, Any]

#: What makes a list file readable; train and val can be one list only where these are the same.
_READING: Config = {"image_root": "", "delimiter": " ", "name": None}


@dataclass(frozen=True)
class Final:
    """One of both is not None.

    :param retrain_on: ``train+val`` or ``train``
    :param soup: ``greedy``
    """

    retrain_on: str | None = None
    soup: str | None = None

    @property
    def joins(self) -> bool:
        """Whether the validation list is trained on as well."""
        return self.retrain_on == "train+val"


def read_final(reading: Reading, base: Config | None, keys: Sequence[SearchKey], *,
               metric: str = "") -> Final | None:
    """``final`` of the search file, checked against the base config; None when it is not there."""
    section, issues = reading.given.final, reading.issues
    if section is None:
        return None
    final, written = Final(section.retrain_on, section.soup), show(reading.data["final"])
    if final.retrain_on and final.soup:
        issues.add("final", "may not have both retrain_on and soup: a soup is made of the trials' "
                   "weights, and a model that is trained again takes their place", written,
                   "Keep one of them.")
    elif not (final.retrain_on or final.soup or reading.spoilt("final")):
        issues.add("final", "must have retrain_on or soup", written, FINAL_HINT)
    elif reading.data.get("distill_config_file") is not None:
        issues.add("final", "is not for a search that ends with a distillation", written,
                   "Take out final or distill_config_file.")
    elif base is not None and final.soup:
        check_soup(reading, base, keys, metric=metric)
        if dotpath.exists(base, "DataLoader.Test"):
            _check_test(issues, base)
    elif base is not None and final.retrain_on:
        _check_test(issues, base)
        _check_choosers(issues, base, keys)
        if final.joins:
            _check_join(issues, base, keys)
    return final


def _check_test(issues: ValidationIssues, base: Config) -> None:
    path = "DataLoader.Test.dataset.cls_label_path"
    value = dotpath.get(base, path) if dotpath.exists(base, path) else None
    if not isinstance(value, str) or not value:
        issues.add("final", f"needs a test list: {path} of the base config", show(value),
                   "Write a section Test like Eval, with the test list; PaddleClas's own tools "
                   "ignore it.")
        return
    eval_list = _dataset(base, "Eval").get("cls_label_path")
    if eval_list and os.path.realpath(str(eval_list)) == os.path.realpath(value):
        issues.add("final", "needs a test list that the search does not choose on: DataLoader.Test "
                   "and Eval of the base config name the same", show(value),
                   "Hold a validation list out of train.")


def _check_choosers(issues: ValidationIssues, base: Config, keys: Sequence[SearchKey]) -> None:
    """Refuse settings that choose by an evaluation: here it would be that of the test list."""
    if base.get("EMA") or any(key.name == "ema" or "EMA" in key.replace_config for key in keys):
        issues.add("final", "is not for EMA, which reports the better of two models", "EMA",
                   "Take EMA out of the base config and ema out of search_dict, or take out final.")
    if "'ReduceOnPlateau'" in str(base.get("Optimizer")):
        issues.add("final", "is not for the schedule ReduceOnPlateau, which goes by the metric of "
                   "every epoch", "Optimizer.lr.name: ReduceOnPlateau",
                   "Choose another schedule, such as Cosine.")


def _check_join(issues: ValidationIssues, base: Config, keys: Sequence[SearchKey]) -> None:
    train, val = _dataset(base, "Train"), _dataset(base, "Eval")
    for key, default in _READING.items():
        a, b = (dataset.get(key) or default for dataset in (train, val))
        if key == "image_root":
            a, b = (os.path.normpath(folder or ".") for folder in (a, b))
        if a != b:
            a, b = train.get(key) or default, val.get(key) or default
            issues.add("final.retrain_on", f"train+val needs the same {key} in DataLoader.Train."
                       "dataset and DataLoader.Eval.dataset of the base config", f"{a!r} and {b!r}",
                       "Make them the same, or write retrain_on: train.")
    for part, dataset in (("Train", train), ("Eval", val)):
        if not isinstance(dataset.get("cls_label_path"), str):
            issues.add("final.retrain_on", f"train+val needs a list in DataLoader.{part}.dataset."
                       "cls_label_path of the base config", show(dataset.get("cls_label_path")),
                       "Write retrain_on: train.")
    fixed = [f"DataLoader.{part}.dataset.{key}" for part in ("Train", "Eval")
             for key in (*_READING, "cls_label_path")]
    for i, searched in enumerate(keys):
        hit = [path for path in searched.replace_config for one in fixed if under(one, path)]
        if hit:
            issues.add(f"search_dict.{i}.replace_config", "may not change the lists that final "
                       "joins", hit[0], "Take it out, or write retrain_on: train.")


def final_config(config: Config, base: Config, *, train_list: str | None = None) -> Config:
    """``config``, of a point, for its last training, which is evaluated once, after the last epoch,
    on the test list.

    :param base: the search's base config
    :param train_list: trained on in the place of the train list
    """
    made: Config = dotpath.clone(config)
    made["DataLoader"]["Eval"] = test_section(config, base)
    made["DataLoader"].pop("Test", None)
    if train_list is not None:
        made["DataLoader"]["Train"]["dataset"]["cls_label_path"] = train_list
    made["Global"]["eval_interval"] = made["Global"]["epochs"]
    made["Global"].pop("start_eval_epoch", None)
    return made


def test_section(config: Config, base: Config) -> Config:
    """How ``config`` reads the test list: as the validation list, except where ``DataLoader.Test``
    of ``base`` differs from ``DataLoader.Eval``. Edits of the point are in both."""
    section: Config
    section, mine = dotpath.clone(config["DataLoader"]["Eval"]), config["DataLoader"]["Test"]
    test, val = base["DataLoader"]["Test"], base["DataLoader"]["Eval"]
    for key, value in test.items():
        if key != "dataset" and not dotpath.same(value, val.get(key)):
            section[key] = dotpath.clone(mine[key])
    for key, value in test["dataset"].items():
        if not dotpath.same(value, val["dataset"].get(key)):
            section["dataset"][key] = dotpath.clone(mine["dataset"][key])
    return section


def joined(first: str, second: str) -> str:
    """The text of two list files as one, without blank lines.

    Raises OSError, UnicodeDecodeError.
    """
    lines = []
    for file in (first, second):
        with TextIOWrapper(open_file(file), encoding="utf-8") as stream:
            lines += [line.rstrip("\r\n") for line in stream if line.strip()]
    return "\n".join(lines) + "\n"


def _dataset(base: Config, part: str) -> Config:
    path = f"DataLoader.{part}.dataset"
    value = dotpath.get(base, path) if dotpath.exists(base, path) else None
    return value if isinstance(value, dict) else {}
