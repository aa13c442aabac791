"""What a training must have for several processes to train it together, each on a device."""

from __future__ import annotations

from collections.abc import Iterator

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.evaluation import evaluated_sections
from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError, show
from paddle_transfer.rules.base import Config, Rule, whole
from paddle_transfer.rules.batches import LISTS, SAMPLER
from paddle_transfer.rules.lists import list_lines
from paddle_transfer.strategies.combinations import SEVERAL_DEVICES
from paddle_transfer.strategies.section import read_strategy

#: The sampler that gives every process a part of the list.
_SHARES = "DistributedBatchSampler"


def devices_rule(processes: int) -> Rule:
    """The rule for trials that ``processes`` train together."""
    def check(config: Config, issues: ValidationIssues) -> None:
        for where, rule, found, hint in _faults(config, processes):
            issues.add(where, f"{rule} where {processes} devices train a trial together", found,
                       hint)
    return Rule(("Transfer", "Global.eval_mode", "Global.use_dali", SAMPLER, *LISTS,
                 "DataLoader.Eval", "DataLoader.Test"), check)


def _faults(config: Config, processes: int) -> Iterator[tuple[str, str, str, str]]:
    try:
        chosen = read_strategy(config)
    except ConfigError:  # another rule tells it
        return
    strategy = chosen.strategy
    why = strategy.refuses.get(SEVERAL_DEVICES) or (
        "" if strategy.trains_network else "because it trains no network")
    if why:
        yield ("Transfer.strategy", "must not be one that runs on one device", chosen.name,
               f"It does, {why}. Leave gpus_per_trial and processes_per_trial at 1.")
    common = resolve.section(config, "Global")
    if common.get("eval_mode", "classification") != "classification":
        yield "Global.eval_mode", "must be classification", show(common["eval_mode"]), ""
    if common.get("use_dali"):
        yield "Global.use_dali", "must be False", show(common["use_dali"]), ""
    samplers = {SAMPLER: dotpath.find(config, SAMPLER), **{
        f"{path}.sampler": section.get("sampler")
        for path, section in evaluated_sections(config)}}
    for path, sampler in samplers.items():
        name = sampler.get("name") if isinstance(sampler, dict) else None
        if name != _SHARES:
            yield (f"{path}.name", "must be one that shares the images out", show(name),
                   f"Write {_SHARES}.")
    sampler, lines = samplers[SAMPLER], list_lines(config, "Train")
    if isinstance(sampler, dict) and lines and whole(sampler.get("batch_size")):
        size = sampler["batch_size"]
        if sampler.get("drop_last") and -(-lines // processes) < size:
            yield (f"{SAMPLER}.batch_size", "must leave each of them a whole batch",
                   f"{lines} images, batch_size {size}, drop_last True",
                   "Take a smaller one, or set drop_last: False.")
