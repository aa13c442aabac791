"""``python tools/benchmark.py fit-prior``: what a search believes before it has results, fitted to
recorded tables.

The covariance of a search has a dozen parameters (``samplers/gp/hyperprior.py``), each with a
log-normal distribution over tasks. Its median and spread are fitted by expectation maximisation:
sets of parameters are drawn from the present distributions, weighed by the likelihood of what a
search may see of each table, and the weighted means and variances over the tables are the next
distributions. So a spread is wide where tables disagree, and where they cannot tell. ``PSEUDO``
more tables behave as ``START`` says: with eight tables a spread must not shrink on luck.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
from numpy.typing import NDArray

from benchmarks.recorded import Table, load_table
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import counted
from paddle_transfer.progress import tracked
from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.dimension_prior import axis_of
from paddle_transfer.samplers.gp.hyperprior import FITTED, Hyperprior, Parameters, draw
from paddle_transfer.samplers.gp.kernel import Prior, Trainings
from paddle_transfer.samplers.gp.model import log_likelihoods
from paddle_transfer.samplers.gp.training_data import training_data

#: Where the fit begins, and what ``PSEUDO`` tables more would say: round numbers, wide spreads.
START: Hyperprior = {
    "peak": (0.0, 1.5), "rise": (1.0, 0.7), "fall": (1.0, 0.7), "rate": (0.2, 0.7),
    "length": (1.0, 0.7), "leaving": (0.1, 0.7), "joint": (0.1, 0.7), "moderation": (0.35, 0.6),
    "effects": (1.0, 0.7), "shared_noise": (0.1, 0.7), "own_noise": (0.1, 0.7)}
PSEUDO = 1.0

#: Sets of parameters in each round, rounds, and the share of the way that each of them goes.
SETS, ROUNDS, STEP = 512, 12, 0.6

#: Searches that are made up of each table, and points in each; a quarter of them twice.
SEARCHES, POINTS = 3, 40

#: The trainings of one table are not as many independent facts: its log-likelihood is divided.
TEMPER = 2.5


@dataclass(frozen=True)
class Seen:
    """What the likelihood needs of one made-up search."""

    axes: tuple[object, ...]
    trainings: Trainings
    values: NDArray[numpy.float64]
    weights: NDArray[numpy.float64]
    baseline: NDArray[numpy.float64] | None


def fit(tables: Sequence[Table], *, rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """Median and spread of every parameter (``hyperprior.Hyperprior``), fitted to ``tables``."""
    seen = [[_seen(table, number) for number in range(SEARCHES)] for table in tables]
    names = list(START)
    at = numpy.array([_place(name, START[name][0]) for name in names])
    wide = numpy.array([START[name][1] for name in names])
    place, spread = at, wide
    for turn in tracked(range(rounds), rounds, "rounds"):
        prior = _prior(names, place, spread)
        means, variances = zip(*(_posterior(prior, names, searches, turn) for searches in seen),
                               strict=True)
        count = len(tables) + PSEUDO
        centre = (numpy.sum(means, axis=0) + PSEUDO * at) / count
        total = (numpy.sum((means - centre) ** 2 + variances, axis=0)
                 + PSEUDO * (wide ** 2 + (at - centre) ** 2))
        place = STEP * centre + (1.0 - STEP) * place
        spread = STEP * numpy.sqrt(total / count) + (1.0 - STEP) * spread
    return _prior(names, place, spread)


def _prior(names: Sequence[str], place: NDArray[numpy.float64],
           spread: NDArray[numpy.float64]) -> dict[str, tuple[float, float]]:
    return {name: (float(one if name == "peak" else numpy.exp(one)), float(other))
            for name, one, other in zip(names, place, spread, strict=True)}


def _place(name: str, values):
    """Parameters on the scale on which they are normal."""
    return values if name == "peak" else numpy.log(values)


def _posterior(prior: Hyperprior, names: Sequence[str], searches: Sequence[Seen],
               turn: int) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
    """Mean and variance of every parameter, given the searches of one table."""
    axes = [axis.name for axis in searches[0].axes]
    parameters = draw(prior, axes, SETS, seed=turn)
    score = sum(_score(parameters, one) for one in searches) / (len(searches) * TEMPER)
    weights = numpy.exp(score - score.max())
    weights /= weights.sum()
    placed = numpy.column_stack([_place(name, parameters[name]) for name in names])
    mean = weights @ placed
    return mean, weights @ (placed - mean) ** 2


def _score(parameters: Parameters, seen: Seen) -> NDArray[numpy.float64]:
    prior = Prior(seen.axes, parameters, seen.baseline)
    return log_likelihoods(prior, seen.trainings, seen.values, seen.weights)


def _seen(table: Table, number: int) -> Seen:
    """What search ``number`` sees of ``table``: one seed of the fixed point, of as many points of
    the better third as of all; another seed of a quarter of them."""
    rng = numpy.random.default_rng([number, 7])
    seed, half = int(rng.integers(table.seeds)), POINTS // 2
    order = numpy.argsort(-table.truth, kind="stable")
    fixed = table.baseline()
    first = [] if fixed is None else [table.space.index(fixed)]
    places = list(dict.fromkeys(
        [*first, *map(int, rng.choice(order[:len(order) // 3], half, replace=False)),
         *map(int, rng.choice(order, half, replace=False))]))
    again = rng.choice(places, POINTS // 4, replace=False)
    pairs = [(place, seed) for place in places] + [(int(place), (seed + 1) % table.seeds)
                                                   for place in again]
    results = [_observation(table, i, *pair) for i, pair in enumerate(pairs)]
    axes, data = tuple(map(axis_of, table.space.hyperparameters)), training_data(table.space,
                                                                                 results)
    trainings = Trainings(encoding.matrix(axes, data.points), data.seeds,
                          numpy.maximum(0.0, data.best - data.values)[None])
    start = None if fixed is None else encoding.matrix(axes, [fixed])[0]
    return Seen(axes, trainings, data.values, data.weights, start)


def _observation(table: Table, number: int, place: int, seed: int) -> Observation:
    point = table.space.point(place)
    curve = table.curve(point, seed)
    return Observation(number, point, max(value for _, value in curve), curve=curve)


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = OptionParser(prog="benchmark.py fit-prior",
                                     description="fit what a search believes to recorded tables")
    parser.add_argument("--table", nargs="+", required=True, help="recorded grids")
    parser.add_argument("--output", type=Path, default=FITTED)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args(arguments)
    tables = [load_table(path) for path in given.table]
    fitted = fit(tables, rounds=given.rounds)
    lines = ",\n".join(f"  {json.dumps(name)}: [{median:.3g}, {spread:.3g}]"
                       for name, (median, spread) in fitted.items())
    names = json.dumps([table.name for table in tables])
    write_atomic(given.output, f'{{"fitted_on": {names},\n "parameters": {{\n{lines}\n}}}}\n')
    print(f"{given.output}: fitted to {counted(len(tables), 'table')}")
    return 0
