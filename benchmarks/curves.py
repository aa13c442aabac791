"""How often pruners stop the eventual winner, and what they save, on public records of trainings.

python tools/benchmark.py curves --records DIR [--pruner auto MedianPruner ...]

A search takes trainings of one record in random order, one after another, and asks the pruner
after every epoch, as the product does. The winner is the training with the best epoch.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy

from benchmarks.records import RecordSet, Training, best_epochs, read_records
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.pruners.base import Length, Pruner
from paddle_transfer.pruners.registry import make_pruner
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Space


@dataclass(frozen=True)
class Outcome:
    """One search. ``trained`` and ``epochs``: with the pruner and without; ``lost``: by how much
    (0..1) the best training that went to its end is below the best of all."""

    trained: int
    epochs: int
    winner_stopped: bool
    lost: float


def search(space: Space, trainings: Sequence[Training], pruner: Pruner, *, seed: int,
           warmup: bool = True) -> Outcome:
    """``trainings`` one after another, each until it ends or ``pruner`` stops it.

    :param warmup: no trial is stopped in its warmup, as in the product
    """
    finished: list[Observation] = []
    stopped, spent = [], 0
    for number, training in enumerate(trainings):
        length = _length(space, training if warmup else replace(training, warmup=0), number,
                         finished, pruner, seed)
        curve = training.curve[:length]
        early = length < len(training.curve)
        state = "pruned" if early else "diverged" if training.diverged else "complete"
        value = max((value for _, value in curve), default=None)
        finished.append(Observation(number, training.point, value, state, curve))
        stopped.append(early)
        spent += length
    values = [training.value for training in trainings]
    best = max(range(len(values)), key=values.__getitem__)
    left = max((value for value, early in zip(values, stopped, strict=True) if not early))
    return Outcome(spent, sum(len(training.curve) for training in trainings), stopped[best],
                   values[best] - left)


def _length(space: Space, training: Training, number: int, finished: Sequence[Observation],
            pruner: Pruner, seed: int) -> int:
    """The epochs until the pruner stops it, or it ends."""
    whole = Length(training.epochs, training.warmup)
    for length in range(1, len(training.curve)):
        if whole.is_warming_up(training.curve[:length]):
            continue
        trial = Observation(number, training.point, None, "running", training.curve[:length])
        if pruner.should_stop(space, trial, finished, epochs=training.epochs, seed=seed):
            return length
    return len(training.curve)


def searches(record: RecordSet, name: str, *, count: int, trials: int,
             warmup: bool = True) -> list[Outcome]:
    """``count`` searches of ``trials`` trainings each, the same ones for every pruner."""
    pruner = make_pruner(Component(name), epochs=max(one.epochs for one in record.trainings))
    assert pruner is not None, "--pruner has no 'none'"
    found = []
    for seed in range(count):
        drawn = random.Random(seed).sample(record.trainings, min(trials, len(record.trainings)))
        if any(not training.diverged for training in drawn):
            found.append(search(record.space, drawn, pruner, seed=seed, warmup=warmup))
    return found


def line(record: RecordSet, name: str, outcomes: Sequence[Outcome]) -> str:
    """One row of the table."""
    saved = 1 - sum(one.trained for one in outcomes) / sum(one.epochs for one in outcomes)
    wrong = 100 * float(numpy.mean([one.winner_stopped for one in outcomes]))
    lost = 100 * numpy.array([one.lost for one in outcomes])
    return (f"| {record.name} | {len(record.trainings)} | {name} | {100 * saved:.0f} | {wrong:.1f} "
            f"| {lost.mean():.2f} | {100 * (lost > 0.5).mean():.1f} |")


HEAD = ("| record | trainings | pruner | epochs saved, % | winner stopped, % of searches "
        "| points lost, mean | more than 0.5 lost, % |\n|---|---|---|---|---|---|---|")


def main(argv: Sequence[str]) -> int:
    parser = OptionParser(prog="benchmark.py curves", description=__doc__)
    parser.add_argument("--records", required=True, type=Path, help="folder of public records")
    parser.add_argument("--pruner", nargs="+", default=["auto"])
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--warmup-unknown", action="store_true",
                        help="trials may be stopped in their warmup, too")
    parser.add_argument("--only", nargs="+", help="names of records")
    arguments: argparse.Namespace = parser.parse_args(list(argv))
    records = read_records(arguments.records)
    print(HEAD, flush=True)
    for record in records:
        if arguments.only and record.name not in arguments.only:
            continue
        for name in arguments.pruner:
            outcomes = searches(record, name, count=arguments.searches, trials=arguments.trials,
                                warmup=not arguments.warmup_unknown)
            print(line(record, name, outcomes), flush=True)
    for text in best_epochs(arguments.records):
        print(text)
    return 0
