"""The search file: its keys with their types, defaults and texts, in one model.

The loader, the JSON Schema for editors and the tables of both READMEs follow from it; the limits
are with the types in ``values``. The docstring of a key is its text. Chinese texts, and defaults
in words, are in ``texts.yaml``. Rules about several keys, and about the base config, are in the
modules beside this one.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from paddle_transfer.config.load import load_yaml
from paddle_transfer.config.rules import Filled
from paddle_transfer.config.validation import Section
from paddle_transfer.settings import values as v
from paddle_transfer.space.registry import HYPERPARAMETERS


class Documented(Section):
    """A section whose fields' docstrings are their texts."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class SearchItem(Documented):
    """What is searched: one setting of the training config."""

    required: ClassVar[dict[str, str]] = {
        "search_key": f"Known: {', '.join(HYPERPARAMETERS.builtin)}; or any name of your own with "
        "replace_config."}

    search_key: v.Text = ""
    """a known hyperparameter, or a name of one's own with `replace_config`"""
    search_values: v.Values = ()
    """the values to try"""
    search_range: v.LowHigh = None
    """`[low, high]`, in the place of `search_values`"""
    log: v.LogAxis = None
    """whether the axis is logarithmic"""
    integer: v.YesNo = False
    """whether the range has whole numbers only"""
    replace_config: v.DottedPaths = ()
    """dotted paths of the training config that it sets"""
    when: v.Condition = Field(default_factory=dict)
    """other keys and the values of them beside which it matters"""


class Teacher(Documented):
    """The distillation that ends a greedy search."""

    algorithm: v.Algorithm | None = "skl-ugi"
    """`skl-ugi`: the best teacher is trained first; `udml`: teacher and student together"""
    rm_keys: v.RemovedPaths | None = ()
    """dotted paths that are not set when a teacher is trained"""
    search_values: v.Teachers = None
    """architectures of teachers"""


class FinalSection(Documented):
    """The last training of the point found, and its test."""

    retrain_on: v.RetrainOn = "train+val"
    """`train+val` or `train`"""


class SearchFile(Documented):
    """A search file of `paddle-transfer search`."""

    required: ClassVar[dict[str, str]] = {
        "base_config_file": v.CONFIG_HINT, "search_dict": v.ITEMS_HINT}

    base_config_file: v.ConfigFile = ""
    """the PaddleClas training config"""
    output_dir: v.Folder = None
    """where everything goes"""
    search_dict: Annotated[tuple[Annotated[SearchItem, Filled(
        dict, rule="must be a mapping with search_key", empty=True)], ...],
        Filled(list, v.ITEMS_HINT)] = ()
    """a list of `search_key` with `search_values`, or with `search_range: [low, high]` and
    `log: True`, `integer: True`; a key that is none of [these](docs/hyperparameters.md) needs
    `replace_config`, a list of dotted paths"""
    search_mode: v.SamplerName = "greedy"
    """`bayes`, `grid` (exactly the product), `random`, `greedy` (one key at a time, as
    [PaddleClas's own search files](docs/paddleclas_search.md)), or a sampler that another package
    registers"""
    sampler: v.SamplerPart = None
    """a sampler with its options, in the place of `search_mode`: `{name: bayes, acquisition:
    logEI}`, or any of Optuna's: `{name: TPESampler, ...}`"""
    acquisition: v.Acquisition = "EI"
    """for `bayes`: the acquisition function, `EI`, `logEI`, `PI`, `LCB` or `UCB`"""
    max_iter: v.AtLeast1 | None = None
    """suggestions at most; the search ends earlier when the space is exhausted"""
    metric: v.Text | None = None
    """a metric of `Metric.Eval`, such as `top1`, or `mean_per_class` (mean per class accuracy),
    maximised over the epochs"""
    fixed: v.FixedPoint | None = None
    """the point tried first"""
    gpus: v.GpuIds = ()
    """one trial at a time on each listed GPU"""
    workers: v.AtLeast1 = 1
    """trials at once on a CPU"""
    executor: v.ExecutorPart = None
    """where trials run: `local`, worker processes on this machine, or an executor that another
    package registers, `{name: ..., ...}`"""
    search_times: v.AtLeast1 = 1
    """trainings per point, with seeds `seed`, `seed+1`, ...; their mean counts"""
    de_duplication: v.YesNo = True
    """`True`: a suggestion that was evaluated before is not trained again, its result is reused and
    counts towards `max_iter`; `False`: it is trained again with another seed and the mean counts"""
    seed: v.Seed = 0
    """of every training and of the search itself"""
    trial_timeout: v.Seconds | None = None
    """seconds that one trial may take"""
    keep_models: v.Count = 3
    """how many of the best trials keep their weights, beside the winner; while a search runs, so do
    some more that may yet win"""
    storage: v.StorageUrl | None = None
    """an Optuna storage URL instead of the journal file"""
    stop: v.Stop | None = "none"
    """`auto` (for `bayes`): the search ends by itself, after 7 points or more, when no untried
    point is expected to gain more than noise hides"""
    prior: v.Prior | None = None
    """for `bayes`: `shipped` begins with what recorded searches of the known hyperparameters have
    shown, `none` does not"""
    time_budget: v.Hours | None = None
    """hours of searching in all, restarts included: then no trial begins any more, and those under
    way are finished"""
    epoch_budget: v.AtLeast1 | None = None
    """epochs of all trials together: a trial begins only if a whole training still fits beside what
    is spent and under way. Epochs of an attempt that was killed and begun again are not counted"""
    confirm: v.Confirm | None = None
    """a number of trainings, for example 3: when the search has ended, the best three points and
    the fixed one are trained again until each has so many, with seeds `seed`, `seed+1`, ...; the
    best mean wins, and its standard error is reported beside the fixed point's. These trials do not
    count towards `max_iter`, and a budget may leave some out, which is said"""
    warm_start: v.Paths = None
    """for `bayes`: a list of `output_dir`s of earlier searches (finished or not) and recorded
    tables (`.csv`, `.csv.gz`) to learn from; like the prior, they count less with every point that
    is tried"""
    pruner: v.PrunerPart = None
    """which trials are broken off early: `auto` (our own), `none`, or one of Optuna's,
    `{name: MedianPruner, ...}`"""
    reports: v.Reports = None
    """what shows the search, beside the result files: a list of `visualdl`, `terminal` and reports
    that other packages register, each a name or `{name: ..., ...}`; or `none`"""
    final: Annotated[FinalSection, Filled(
        dict, "For example final: {retrain_on: train+val}.")] | None = None
    """`{retrain_on: train+val}` or `{retrain_on: train}`: when the search has ended, the best point
    and the fixed point are trained again and each tested once, after the last epoch, on the list of
    `DataLoader.Test` (which PaddleClas ignores); `output_dir/final.json`,
    `output_dir/final/{best,fixed}/`"""
    teacher: Annotated[Teacher, Filled(dict)] | None = None
    """for `greedy`: `{algorithm: skl-ugi, search_values: [...], rm_keys: [...]}`, the distillation
    that ends the search, as [PaddleClas](docs/paddleclas_search.md) does it"""
    distill_config_file: v.Text | None = None
    """with `teacher`: the config of the distillation"""
    final_replace: v.Moves | None = None
    """with `teacher`: paths of the training config, each with its path in `distill_config_file`"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a search file, for editors; Chinese texts are in ``x-description-zh``."""
    made: dict[str, Any] = _plain(SearchFile.model_json_schema())
    for name, text in texts().items():
        owner, _, field = name.rpartition(".")
        place = {"search_dict": "SearchItem", "teacher": "Teacher", "final": "FinalSection"}
        properties = (made["$defs"][place[owner]] if owner else made)["properties"]
        properties[field]["x-description-zh"] = _without_links(text["zh"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Search file of paddle_transfer", **made}


@cache
def texts() -> dict[str, dict[str, str]]:
    """Of every key: ``zh``, its Chinese text, and where the default needs words ``default`` and
    ``default_zh``. Keys of a section come as ``final.retrain_on``."""
    return load_yaml(str(Path(__file__).with_name("texts.yaml")))


def _without_links(text: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(text.split()))


def _plain(node: Any) -> Any:
    """``node`` without pydantic's titles and empty defaults, its texts on one line."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: _without_links(value) if name == "description" and isinstance(value, str)
            else _plain(value) for name, value in node.items()
            if (name != "title" or not isinstance(value, str))
            and (name != "default" or value not in (None, [], {}))}
