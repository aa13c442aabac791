"""Which covariances are in the running, and how much the results speak for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy
from scipy.linalg import solve_triangular

from paddle_transfer.samplers.gp.dimension_prior import Axis
from paddle_transfer.samplers.gp.kernel import SHARED_NOISE, Kernel
from paddle_transfer.samplers.gp.task_prior import PastTask, Tasks

#: Multiples of the leading axes' length and amplitude. The shortest one expects cliffs: learning rates that diverge lie
#: beside the best one.
STRETCHES, LIFTS = (0.4, 0.8, 1.3, 2.2), (0.7, 1.3)

#: From so many results on, amplitudes of single hyperparameters are learnt; levels tried for each.
LEARN_FROM, SHARES = 8, (1 / 3, 3.0)

#: With hyperparameters that can ruin a short training in the space: multiples of all other axes' amplitudes, and from
#: so many results on they are learnt, for less evidence (``EAGER``) than elsewhere (``SLOW``): cost, least gain.
SPREADS, LEARN_SOONER = (1.0, 2.5), 6
SLOW, EAGER = (0.5, 0.5), (0.25, 0.1)

#: Multiples of a training's usual noise that are tried from ``LEARN_FROM`` results on; what leaving the usual one must
#: gain per squared logarithm.
NOISES, NOISE_PRICE = (0.7, 1.0, 1.4, 2.0, 2.8), 1.0

#: Multiples of amplitude and length of what earlier tasks do not explain.
RESIDUES, RESIDUE_STRETCHES = (0.33, 0.8), (0.4, 1.0)


def members(axes: tuple[Axis, ...], tasks: Sequence[PastTask], *,
            odds: float) -> list[tuple[Kernel, float]]:
    """Structures with their prior weights (sum 1)."""
    plain = [
        Kernel(axes, stretch=stretch, lift=lift, spread=spread)
        for stretch, lift, spread in product(STRETCHES, LIFTS, SPREADS if _risky(axes) else (1.0, ))
    ]
    past = Tasks(tasks, axes) if tasks else None
    if not past:
        return [(structure, 1 / len(plain)) for structure in plain]
    informed = [Kernel(axes, stretch=stretch, lift=lift, level=0.5, tasks=past)
                for stretch, lift in product(RESIDUE_STRETCHES, RESIDUES)]
    return [(structure, share / len(some)) for some, share in (
        (plain, 1 / (1 + odds)), (informed, odds / (1 + odds))) for structure in some]


def weigh(candidates: Sequence[tuple[Kernel, float]], rows, values, repeats, *,
          many: int, floor: float = 0.0) -> list[tuple[Kernel, float]]:
    """The candidates with their posterior weights; those below 1 % are dropped. Beyond ``many`` results they are
    compared on a part of these and only the likeliest stays.

    :param floor: the least noise of a training, in log-odds
    """
    picked = _pick(values, 100)
    data = rows[picked], values[picked], repeats[picked]
    candidates = [(replace(structure, training_noise=max(SHARED_NOISE, floor)), prior)
                  for structure, prior in candidates]
    scored = _scored(candidates, data)
    if len(values) >= LEARN_FROM:
        noise = _learn_noise(max(scored, key=lambda pair: pair[1])[0], data, floor)
        candidates = [(replace(structure, training_noise=noise), prior)
                      for structure, prior in candidates]
        scored = _scored(candidates, data)
    if len(values) >= (LEARN_SOONER if _risky(candidates[0][0].axes) else LEARN_FROM):
        shares = _learn_shares(max(scored, key=lambda pair: pair[1])[0], *data)
        if shares:
            scored = _scored([(replace(structure, shares=shares), prior)
                              for structure, prior in candidates], data)
    top = max(score for _, score in scored)
    kept = [(structure, float(numpy.exp(score - top)))
            for structure, score in scored
            if score > top - 4.6]
    if len(values) > many:
        kept = [max(kept, key=lambda pair: pair[1])]
    total = sum(weight for _, weight in kept)
    return [(structure, weight / total) for structure, weight in kept]


def _scored(candidates: Sequence[tuple[Kernel, float]], data) -> list[tuple[Kernel, float]]:
    return [(structure, numpy.log(prior) + evidence(structure, *data))
            for structure, prior in candidates]


def _learn_noise(structure: Kernel, data, floor: float) -> float:
    """The likeliest noise of a training, in log-odds, not below ``floor``."""
    levels = [max(SHARED_NOISE * factor, floor) for factor in NOISES]
    return max(levels, key=lambda level: evidence(replace(structure, training_noise=level), *data)
               - NOISE_PRICE * numpy.log(level / max(SHARED_NOISE, floor)) ** 2)


def _risky(axes: Sequence[Axis]) -> bool:
    return any(axis.belief.risky for axis in axes)


def evidence(structure: Kernel, rows, values, repeats) -> float:
    """The logarithm of the marginal likelihood, without its constant."""
    kernel = structure.signal(rows, rows) + structure.noise(rows, repeats)
    lower = numpy.linalg.cholesky(kernel)
    residue = solve_triangular(lower, values - structure.mean(rows), lower=True, check_finite=False)
    return float(-0.5 * residue @ residue - numpy.log(numpy.diag(lower)).sum())


def _learn_shares(structure: Kernel, rows, values, repeats) -> tuple[float, ...]:
    """Amplitudes by coordinates, two rounds; a threefold change must gain more than it costs a priori."""
    shares = [1.0] * len(structure.axes)
    price, least = EAGER if _risky(structure.axes) else SLOW
    best = evidence(structure, rows, values, repeats)
    for _ in range(2):
        for i in range(len(shares)):
            for factor in SHARES:
                trial = [*shares]
                trial[i] = min(max(trial[i] * factor, 1 / 9), 9.0)
                cost = sum(price * numpy.log(share) ** 2 for share in trial)
                gained = evidence(replace(structure, shares=tuple(trial)), rows, values,
                                  repeats) - cost
                if gained > best + least:
                    best, shares = gained, trial
    return tuple(shares) if any(share != 1.0 for share in shares) else ()


def _pick(values, limit: int):
    """Places of at most ``limit`` values: the best half, and the others evenly through their order."""
    order = numpy.argsort(-values, kind="stable")
    if len(order) <= limit:
        return numpy.arange(len(order))
    half = limit // 2
    rest = order[half:][numpy.linspace(0, len(order) - half - 1, limit - half).astype(int)]
    return numpy.unique(numpy.concatenate([order[:half], rest]))
