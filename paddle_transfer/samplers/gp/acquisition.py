"""How much one more training is worth: the acquisitions, for many candidates at once.

The default is the knowledge gradient (Frazier, Powell & Dayanik 2009): by how much one training at
a candidate raises the expected true value of the point that is named at the end. It sees that a
near-duplicate of the best point tells little, that a point whose good result may be luck is worth a
second seed, and that noise hides small gains. The others are scikit-optimize's.
"""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray
from scipy.special import log_ndtr
from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi

from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.kernel import Trainings
from paddle_transfer.samplers.gp.model import ModelAverage

#: Margin xi of expected improvement, in log-odds (0.4 points at an accuracy of 0.88). Without it
#: the near-duplicates of a good point, whose improvement is small and likely, come before its
#: untried neighbours.
MARGIN = 0.04

#: Nodes and weights of the integral over what the training may show (Gauss-Hermite).
_NODES, _NODE_WEIGHTS = numpy.polynomial.hermite_e.hermegauss(15)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()

#: So many of the best tried points may be named at the end.
_NAMED = 20


def acquisition_values(model: ModelAverage, rows: Array, name: str,
                       seeds: NDArray[numpy.intp] | None = None) -> Array:
    """The acquisition ``name`` (one of ``sampler.ACQUISITIONS``) at every row, to be maximised: the
    weighted mean over the model's sets.

    :param seeds: trainings that each row's point had already; None: none had any
    """
    if name == "kg":
        none = numpy.zeros(len(rows), dtype=numpy.intp)
        return knowledge_gradient(model, rows, none if seeds is None else seeds)
    means, deviations = model.predict(rows)
    tried = model.predict(model.trainings.rows)[0].max(axis=1)
    total = numpy.zeros(len(rows))
    for weight, mean, deviation, best in zip(model.weights, means, deviations, tried, strict=True):
        losses = _Losses(-mean, deviation)
        if name in ("ucb", "lcb"):
            total -= weight * gaussian_lcb(rows, losses, kappa=1.0)
        elif name == "pi":
            total += weight * gaussian_pi(rows, losses, y_opt=-best, xi=0.01)
        elif name == "ei":
            total += weight * gaussian_ei(rows, losses, y_opt=-best, xi=MARGIN)
        else:
            total += weight * numpy.exp(_log_ei(losses, -best - MARGIN))
    return numpy.log(numpy.maximum(total, 1e-300)) if name == "logei" else total


def knowledge_gradient(model: ModelAverage, rows: Array, seeds: NDArray[numpy.intp]) -> Array:
    """The expected rise of the best true value among the tried points and the row itself by one
    training at each row, in the units of the model's values."""
    named = _named(model)
    at_named = model.half(named)
    means = model.means(named, at_named)
    total = numpy.zeros(len(rows))
    for block in numpy.array_split(numpy.arange(len(rows)), 1 + len(rows) // 400):
        own, slopes = _slopes(model, rows[block], seeds[block], named, at_named)
        lines = numpy.concatenate([numpy.broadcast_to(means[:, None], slopes[:, :, :-1].shape),
                                   own[:, :, None]], axis=2)
        rise = -means.max(axis=1)[:, None]
        for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
            rise = rise + weight * (lines + node * slopes).max(axis=2)
        total[block] = model.weights @ rise
    return total


def _named(model: ModelAverage) -> Array:
    """The rows of the best tried points, each once."""
    rows = numpy.unique(model.trainings.rows[:len(model.data.points)], axis=0)
    if len(rows) <= _NAMED:
        return rows
    return rows[numpy.argsort(-model.mean(rows), kind="stable")[:_NAMED]]


def _slopes(model: ModelAverage, rows: Array, seeds: NDArray[numpy.intp], named: Array,
            at_named: Array) -> tuple[Array, Array]:
    """The means at ``rows`` [sets, n]; and by how much one standard deviation more at each of them
    moves the mean of every named point, and its own [sets, n, named + 1]."""
    prior, half = model.prior, model.half(rows)
    own = model.means(rows, half)
    below = numpy.maximum(0.0, model.data.best - own)
    trainings = Trainings(rows, seeds, below)
    seen = model.half(rows, prior.noise(model.trainings, trainings))
    variance = prior.variance() + prior.noise_variance(trainings) - (seen * seen).sum(axis=1)
    deviation = numpy.sqrt(numpy.maximum(variance, 1e-10))[:, :, None]
    moved = prior.covariance(rows, named) - seen.transpose(0, 2, 1) @ at_named
    itself = (prior.variance() - (seen * half).sum(axis=1))[:, :, None]
    return own, numpy.concatenate([moved, itself], axis=2) / deviation


class _Losses:
    """A model as scikit-optimize's acquisitions ask it: losses, with their deviations."""

    def __init__(self, losses: Array, deviations: Array):
        self.losses, self.deviations = losses, deviations

    def predict(self, _rows: Array, return_std: bool) -> tuple[Array, Array]:
        """What was predicted."""
        assert return_std
        return self.losses, self.deviations


def _log_ei(losses: _Losses, best: float) -> Array:
    """The logarithm of expected improvement, exact where the improvement itself underflows."""
    u = (best - losses.losses) / losses.deviations
    log_pdf = -0.5 * u * u - 0.5 * math.log(2.0 * math.pi)
    # ei = deviation * pdf * (1 + u * cdf / pdf), and the bracket falls like 1 / u^2
    ratio = numpy.exp(numpy.minimum(log_ndtr(u) - log_pdf, 700.0))
    inner = numpy.where(u < -6.0, 1.0 / (u * u + 3.0), numpy.maximum(1.0 + u * ratio, 1e-300))
    log_ei: Array = numpy.log(losses.deviations) + log_pdf + numpy.log(inner)
    return log_ei
