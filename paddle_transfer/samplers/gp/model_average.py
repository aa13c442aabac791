"""The kernels that are averaged, and their posterior weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.kernel import SHARED_NOISE, Kernel
from paddle_transfer.samplers.gp.task_prior import TaskPrior

#: Factors of the leading axes' length scale and amplitude. The shortest one expects cliffs:
#: learning rates that diverge lie beside the best one.
LENGTH_FACTORS, LEADING_FACTORS = (0.4, 0.8, 1.3, 2.2), (0.7, 1.3)

#: From so many results on, single amplitudes are fitted; the factors tried for each.
FIT_FROM, AMPLITUDE_FACTORS = 8, (1 / 3, 3.0)

#: With risky hyperparameters: factors of all other axes' amplitudes, and from how many results on
#: single ones are fitted, for less evidence (``RISKY``) than elsewhere (``USUAL``): (penalty, least
#: improvement).
OTHER_FACTORS, FIT_RISKY_FROM = (1.0, 2.5), 6
USUAL, RISKY = (0.5, 0.5), (0.25, 0.1)

#: Factors of a training's usual noise, compared from ``FIT_FROM`` results on; the penalty per
#: squared logarithm.
NOISE_FACTORS, NOISE_PENALTY = (0.7, 1.0, 1.4, 2.0, 2.8), 1.0

#: Factors of amplitude and length scale of what earlier tasks do not explain.
RESIDUAL_FACTORS, RESIDUAL_LENGTH_FACTORS = (0.33, 0.8), (0.4, 1.0)

#: (rows, values, repeats) of the points.
Data = tuple[Array, Array, Array]

#: Kernels with their weights.
Weighted = list[tuple[Kernel, float]]


def candidates(axes: tuple[Axis, ...], tasks: Sequence[PastTask], *, odds: float) -> Weighted:
    """Kernels with their prior weights (sum 1); ``odds``: of kernels with earlier tasks against
    those without."""
    others = OTHER_FACTORS if _risky(axes) else (1.0,)
    plain = [Kernel(axes, length_factor=length, leading_factor=leading, other_factor=other)
             for length, leading, other in product(LENGTH_FACTORS, LEADING_FACTORS, others)]
    past = TaskPrior(tasks, axes) if tasks else None
    if not past:
        return [(kernel, 1 / len(plain)) for kernel in plain]
    informed = [Kernel(axes, length_factor=length, leading_factor=leading, level=0.5, tasks=past)
                for length, leading in product(RESIDUAL_LENGTH_FACTORS, RESIDUAL_FACTORS)]
    return [(kernel, share / len(some)) for some, share in (
        (plain, 1 / (1 + odds)), (informed, odds / (1 + odds))) for kernel in some]


def posterior_weights(kernels: Weighted, rows: Array, values: Array, repeats: Array, *, many: int,
                      floor: float = 0.0) -> Weighted:
    """The kernels, fitted, with their posterior weights; those below 1 % are dropped. Beyond
    ``many`` results they are compared on a part of these and only the likeliest one stays.

    :param floor: the least noise of a training, in log-odds
    """
    picked = _subset(values, 100)
    data = rows[picked], values[picked], repeats[picked]
    kernels = [(replace(kernel, training_noise=max(SHARED_NOISE, floor)), prior)
               for kernel, prior in kernels]
    scored = _scored(kernels, data)
    if len(values) >= FIT_FROM:
        noise = _fit_noise(_likeliest(scored), data, floor)
        kernels = [(replace(kernel, training_noise=noise), prior) for kernel, prior in kernels]
        scored = _scored(kernels, data)
    if len(values) >= (FIT_RISKY_FROM if _risky(kernels[0][0].axes) else FIT_FROM):
        factors = _fit_amplitudes(_likeliest(scored), data)
        if factors:
            scored = _scored([(replace(kernel, amplitude_factors=factors), prior)
                              for kernel, prior in kernels], data)
    top = max(score for _, score in scored)
    kept = [(kernel, float(numpy.exp(score - top))) for kernel, score in scored
            if score > top - 4.6]
    if len(values) > many:
        kept = [max(kept, key=lambda pair: pair[1])]
    total = sum(weight for _, weight in kept)
    return [(kernel, weight / total) for kernel, weight in kept]


def _scored(kernels: Weighted, data: Data) -> Weighted:
    """The kernels with their log posterior weights, up to a constant."""
    return [(kernel, float(numpy.log(prior)) + log_likelihood(kernel, data))
            for kernel, prior in kernels]


def _likeliest(scored: Weighted) -> Kernel:
    return max(scored, key=lambda pair: pair[1])[0]


def _fit_noise(kernel: Kernel, data: Data, floor: float) -> float:
    """The likeliest noise of a training, in log-odds, not below ``floor``."""
    def score(level: float) -> float:
        penalty = NOISE_PENALTY * numpy.log(level / max(SHARED_NOISE, floor)) ** 2
        return log_likelihood(replace(kernel, training_noise=level), data) - float(penalty)
    return max((max(SHARED_NOISE * factor, floor) for factor in NOISE_FACTORS), key=score)


def _risky(axes: Sequence[Axis]) -> bool:
    return any(axis.prior.risky for axis in axes)


def log_likelihood(kernel: Kernel, data: Data) -> float:
    """The log marginal likelihood of the data, without its constant."""
    rows, values, repeats = data
    covariance = kernel.signal(rows, rows) + kernel.noise(rows, repeats)
    lower = numpy.linalg.cholesky(covariance)
    residual = solve_triangular(lower, values - kernel.mean(rows), lower=True, check_finite=False)
    return float(-0.5 * residual @ residual - numpy.log(numpy.diag(lower)).sum())


def _fit_amplitudes(kernel: Kernel, data: Data) -> tuple[float, ...]:
    """Amplitude factors by coordinate search, two rounds; a change must gain more than its penalty.
    Empty: no change."""
    factors = [1.0] * len(kernel.axes)
    price, least = RISKY if _risky(kernel.axes) else USUAL
    best = log_likelihood(kernel, data)
    for _ in range(2):
        for i in range(len(factors)):
            for factor in AMPLITUDE_FACTORS:
                trial = [*factors]
                trial[i] = min(max(trial[i] * factor, 1 / 9), 9.0)
                penalty = sum(price * numpy.log(one) ** 2 for one in trial)
                score = float(log_likelihood(replace(kernel, amplitude_factors=tuple(trial)), data)
                              - penalty)
                if score > best + least:
                    best, factors = score, trial
    return tuple(factors) if any(factor != 1.0 for factor in factors) else ()


def _subset(values: Array, limit: int) -> NDArray[numpy.intp]:
    """Indices of at most ``limit`` values: the best half, and the others evenly through their
    order."""
    order = numpy.argsort(-values, kind="stable")
    if len(order) <= limit:
        return numpy.arange(len(order))
    half = limit // 2
    rest = order[half:][numpy.linspace(0, len(order) - half - 1, limit - half).astype(int)]
    return numpy.unique(numpy.concatenate([order[:half], rest]))
