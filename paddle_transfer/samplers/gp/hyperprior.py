"""What a search believes of its model's parameters before it has results.

Every parameter of the covariance (``kernel.Prior``) has a log-normal distribution, the place of
the best learning rate a normal one in decades. A search draws ``COUNT`` sets of parameters from
it, and weighs them by the likelihood of its results: nothing is fitted to two or three trials,
and no single value is believed.

``DEFAULT`` is broad and was set by hand, with the recorded tables in view (docs/benchmarks/). It
says that rates act smoothly, that accuracy falls on both sides of the best rate, and that all else
matters less; it does not say which rate is best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy
from scipy.special import ndtri
from scipy.stats import qmc

from paddle_transfer.samplers.gp.encoding import Array

#: Median and spread of each parameter; the spread is the standard deviation of its logarithm (of
#: the value itself for ``peak``).
Hyperprior: TypeAlias = Mapping[str, tuple[float, float]]

#: Units: log-odds of the metric, and decades of the learning rate.
DEFAULT: Hyperprior = {
    "peak": (0.25, 1.3),  # the best rate, in decades from the middle (``kernel.Prior``)
    "rise": (0.8, 0.35),  # from a decade below the best rate to the best rate
    "fall": (1.2, 0.5),  # from the best rate to a decade above it
    "rate": (0.15, 0.4),  # standard deviation of what is left along the rate
    "length": (0.8, 0.5),  # its length scale
    "leaving": (0.1, 0.5),  # what a change of another setting costs in the mean
    "joint": (0.10, 0.6),  # effects of several settings together
    "moderation": (0.35, 0.6),  # of the rate together with the strategy, the weights, ...
    "effects": (1.0, 0.4),  # a factor of all amplitudes of ``axes.KNOWN``
    "shared_noise": (0.08, 0.5),  # of a training, for all values of a weak setting alike
    "own_noise": (0.12, 0.4),  # and its own
}

#: The spread of one axis's amplitude around the usual one of its kind (of its logarithm).
AMPLITUDE_SPREAD = 0.6

#: Sets of parameters; a power of two, as Sobol's sequence wants.
COUNT = 128

#: One value per set.
Parameters: TypeAlias = dict[str, Array]


def draw(prior: Hyperprior, axes: Sequence[str], count: int = COUNT) -> Parameters:
    """``count`` sets of parameters, the same in every process: quasi-random (Sobol).

    :param axes: names of the space's axes; ``amplitudes`` [count, axes] are factors of theirs, the
        same in whatever order a search file has them
    """
    normal = _normal(len(prior) + len(axes), count)
    drawn = {}
    for column, (name, (median, spread)) in enumerate(prior.items()):
        offset = spread * normal[:, column]
        drawn[name] = median + offset if name == "peak" else median * numpy.exp(offset)
    places = [len(prior) + sorted(axes).index(name) for name in axes]
    drawn["amplitudes"] = numpy.exp(AMPLITUDE_SPREAD * normal[:, places])
    return drawn


@lru_cache(maxsize=8)
def _normal(columns: int, count: int) -> Array:
    """Quasi-random standard normal numbers, [count, columns]."""
    uniform = qmc.Sobol(columns, seed=0).random(count)
    numbers: Array = ndtri(numpy.clip(uniform, 1e-4, 1.0 - 1e-4))
    return numbers
