"""Made-up tables, for tests and development only: nothing here was ever trained, and nothing is
evidence.

Log-odds with a best learning rate, a fall towards small ones (too little training) and a steeper
one towards large ones (divergence), small effects of smoothing and mixup, none of L2 decay but with
large learning rates.
"""

from __future__ import annotations

import numpy

from benchmarks.miniature import PUBLISHED
from benchmarks.recorded import Table


def synthetic_table(seed: int, *, noise: float = 0.06, epochs: int = 4, seeds: int = 3) -> Table:
    """Table ``synthetic_<seed>`` on the published space. ``noise`` in log-odds, between
    trainings."""
    rng = numpy.random.default_rng(seed)
    lr, l2, smooth, mixed = (numpy.array(column, dtype=float) for column in zip(
        *(point.values() for point in PUBLISHED.points()), strict=False))
    offset = numpy.log10(lr) - rng.uniform(-2.7, -0.8)
    low, high = rng.uniform(0.15, 0.5), rng.uniform(0.4, 2.0)
    odds = rng.uniform(0.5, 3.0) - numpy.where(offset < 0, low, high) * offset ** 2
    odds += rng.normal(0.0, 0.12) * smooth + rng.normal(0.0, 0.15) * mixed
    odds += rng.normal(0.0, 0.05) * smooth * mixed
    odds -= rng.uniform(0.0, 0.5) * numpy.log10(1.0 + lr * l2 * 1e5)
    shared = rng.normal(0.0, noise,
                        (7, 4, seeds))  # trainings that differ in L2 decay only are near twins
    twins = numpy.repeat(shared.reshape(7, 1, 4, seeds), 7, axis=1).reshape(196, seeds)
    final = odds[:, None] + twins + rng.normal(0.0, noise / 4, (196, seeds))
    progress = numpy.log(numpy.arange(1, epochs + 1) / epochs) * 0.6
    curves = 1.0 / (1.0 + numpy.exp(-(final[:, :, None] + progress)))
    return Table(f"synthetic_{seed}", PUBLISHED, curves)
