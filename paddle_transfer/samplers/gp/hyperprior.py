"""What a search believes of its model's parameters before it has results.

Every parameter of the covariance (``kernel.Prior``) has a log-normal distribution, the place of
the best learning rate a normal one in decades. A search draws ``COUNT`` sets of parameters from
it, and weighs them by the likelihood of its results: nothing is fitted to two or three trials,
and no single value is believed.

The distributions were fitted to recorded tables by ``python tools/benchmark.py fit-prior``, all
but one: where the best learning rate is, a search finds out by itself (``ANY_RATE``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy
from scipy.special import ndtri
from scipy.stats import qmc

from paddle_transfer.samplers.gp.encoding import Array

#: Median and spread of each parameter; the spread is the standard deviation of its logarithm (of
#: the value itself for ``peak``). Units: log-odds of the metric, and decades of the learning rate.
#:
#: - ``peak``: the best rate, in decades from the middle of its axis
#: - ``rise``, ``fall``: from a decade below the best rate to it, and from it to a decade above
#: - ``rate``, ``length``: standard deviation and length scale of what is left along the rate
#: - ``leaving``: what a change of another setting costs in the mean
#: - ``joint``: effects of several settings together
#: - ``moderation``: of the rate together with the strategy, the weights, the optimizer
#: - ``effects``: a factor of all amplitudes of ``dimension_prior.KNOWN``
#: - ``shared_noise``, ``own_noise``: of a training, for all values of a weak setting alike, and its
#:   own
Hyperprior: TypeAlias = Mapping[str, tuple[float, float]]

#: The fitted distributions.
FITTED = Path(__file__).with_name("hyperprior.json")

#: The best rate may be anywhere on the published axis (three decades).
ANY_RATE = (0.0, 1.5)

#: The spread of one axis's amplitude around the usual one of its kind (of its logarithm).
AMPLITUDE_SPREAD = 0.6

#: Sets of parameters; a power of two, as Sobol's sequence wants.
COUNT = 128

#: One value per set.
Parameters: TypeAlias = dict[str, Array]


@lru_cache(maxsize=1)
def fitted() -> Hyperprior:
    """The distributions of ``FITTED``, with the best rate anywhere."""
    parameters = json.loads(FITTED.read_text(encoding="utf-8"))["parameters"]
    read = {name: (float(median), float(spread)) for name, (median, spread) in parameters.items()}
    return {**read, "peak": ANY_RATE}


def draw(prior: Hyperprior, axes: Sequence[str], count: int = COUNT, *,
         seed: int = 0) -> Parameters:
    """``count`` sets of parameters, the same in every process: quasi-random (Sobol).

    :param axes: names of the space's axes; ``amplitudes`` [count, axes] are factors of theirs, the
        same in whatever order a search file has them
    """
    normal = _normal(len(prior) + len(axes), count, seed)
    drawn = {}
    for column, (name, (median, spread)) in enumerate(prior.items()):
        offset = spread * normal[:, column]
        drawn[name] = median + offset if name == "peak" else median * numpy.exp(offset)
    places = [len(prior) + sorted(axes).index(name) for name in axes]
    drawn["amplitudes"] = numpy.exp(AMPLITUDE_SPREAD * normal[:, places])
    return drawn


@lru_cache(maxsize=8)
def _normal(columns: int, count: int, seed: int) -> Array:
    """Quasi-random standard normal numbers, [count, columns]."""
    uniform = qmc.Sobol(columns, seed=seed).random(count)
    numbers: Array = ndtri(numpy.clip(uniform, 1e-4, 1.0 - 1e-4))
    return numbers
