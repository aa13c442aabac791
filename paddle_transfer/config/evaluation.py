"""What an evaluation reads: every image of its list once, whatever the config's sampler says.

A metric is over the whole list. Under ``drop_last`` PaddleClas leaves out the last images of a
list; its samplers for training repeat images and leave others out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import show

#: Samplers that read a list from its beginning to its end; one without a name does so, too.
WHOLE = ("DistributedBatchSampler", "BatchSampler")
#: PaddleClas's other samplers, all made for training: they repeat images and leave others out.
RESAMPLING = ("PKSampler", "RASampler", "MixSampler", "MultiScaleSampler",
              "DistributedRandomIdentitySampler", "DomainShuffleBatchSampler",
              "NaiveIdentityBatchSampler")
#: The sections of DataLoader that are evaluated; PaddleClas's own tools do not know Test.
EVALUATED = ("Eval", "Test")


def evaluated_sections(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(dotted path, section) of every list that is evaluated; Eval of a retrieval has several
    (``DataLoader.Eval.Query``, ``DataLoader.Eval.Gallery``)."""
    for name in EVALUATED:
        path = f"DataLoader.{name}"
        section = dotpath.find(config, path)
        if not isinstance(section, dict):
            continue
        if "dataset" in section:
            yield path, section
            continue
        for part, inner in section.items():
            if isinstance(inner, dict) and "dataset" in inner:
                yield f"{path}.{part}", inner


def read_whole_lists(config: dict[str, Any]) -> None:
    """Edit ``config`` in place so that evaluations read whole lists, in their order.

    So they do in PaddleClas's own tools. (Several processes fill up a list by repeating images; in
    a shuffled one nobody knows which are the repeated ones.)
    """
    for _, section in evaluated_sections(config):
        sampler = section.get("sampler")
        if not isinstance(sampler, dict) or not sampler:
            continue
        if sampler.get("name", WHOLE[0]) not in WHOLE:
            continue
        for key in ("drop_last", "shuffle"):
            if sampler.get(key) or "name" not in sampler:
                sampler[key] = False


def forget_order(config: dict[str, Any]) -> None:
    """Delete in place what ``read_whole_lists`` makes of no effect."""
    for _, section in evaluated_sections(config):
        sampler = section.get("sampler")
        if isinstance(sampler, dict) and sampler.get("name", WHOLE[0]) in WHOLE:
            sampler.pop("drop_last", None)
            sampler.pop("shuffle", None)


def check_whole_lists(config: dict[str, Any], issues: ValidationIssues) -> None:
    """Add an issue for every evaluation that cannot be one of the whole list."""
    for path, section in evaluated_sections(config):
        sampler = section.get("sampler")
        if not isinstance(sampler, dict):
            continue
        if sampler.get("name") in RESAMPLING:
            issues.add(f"{path}.sampler.name", "must read every image of the list once: a metric "
                       "is over the whole list", show(sampler["name"]), f"Write {WHOLE[0]}.")
        for key in ("num_replicas", "rank"):
            if sampler.get(key) is not None:
                issues.add(f"{path}.sampler.{key}", "must not be set: a part of the list would be "
                           "evaluated", show(sampler[key]), "Take it out.")
    retrieval = dotpath.find(config, "Global.eval_mode") == "retrieval"
    if retrieval and not dotpath.find(config, "Loss.Eval"):
        issues.add("Loss.Eval", "is needed for a retrieval: without it PaddleClas measures nothing "
                   "and says 0.0", "nothing there", "Write the losses of Loss.Train, for example.")
