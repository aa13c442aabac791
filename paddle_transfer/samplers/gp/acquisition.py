"""Acquisition functions of a model average."""

from __future__ import annotations

import math

import numpy
from scipy.special import log_ndtr
from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi

from paddle_transfer.samplers.gp import encoding
from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.model import ModelAverage
from paddle_transfer.samplers.gp.surrogate import Surrogate

#: Margin xi of expected improvement, in log-odds (0.4 points at an accuracy of 0.88). Without it
#: the near-duplicates of
#: a good point, whose improvement is small and likely, come before its untried neighbours.
MARGIN = 0.04


def acquisition_values(average: ModelAverage, rows: Array, name: str, *,
                       margin: float = MARGIN) -> Array:
    """The acquisition ``name`` (one of ``sampler.ACQUISITIONS``) at every row, to be maximised: the
    weighted mean over the models."""
    tried = encoding.matrix(average.axes, [*average.data.points, *average.running])
    total = numpy.zeros(len(rows))
    for weight, model in average.parts:
        if name in ("ucb", "lcb"):
            total -= weight * gaussian_lcb(rows, model, kappa=1.0)
            continue
        best = float(model.predict(tried).min())
        if name == "pi":
            total += weight * gaussian_pi(rows, model, y_opt=best, xi=0.01)
        elif name == "ei":
            total += weight * gaussian_ei(rows, model, y_opt=best, xi=margin)
        else:
            total += weight * numpy.exp(_log_ei(rows, model, best - margin))
    return numpy.log(numpy.maximum(total, 1e-300)) if name == "logei" else total


def expected_improvement(average: ModelAverage, rows: Array) -> Array:
    """The expected improvement of every row over the best tried point, in units of the metric."""
    return acquisition_values(average, rows, "ei", margin=0.0) * average.data.slope


def _log_ei(rows: Array, model: Surrogate, best: float) -> Array:
    """The logarithm of expected improvement, exact where the improvement itself underflows."""
    mean, deviation = model.predict(rows, return_std=True)
    u = (best - mean) / deviation
    log_pdf = -0.5 * u * u - 0.5 * math.log(2.0 * math.pi)
    # ei = deviation * pdf * (1 + u * cdf / pdf), and the bracket falls like 1 / u^2
    ratio = numpy.exp(numpy.minimum(log_ndtr(u) - log_pdf, 700.0))
    inner = numpy.where(u < -6.0, 1.0 / (u * u + 3.0), numpy.maximum(1.0 + u * ratio, 1e-300))
    log_ei: Array = numpy.log(deviation) + log_pdf + numpy.log(inner)
    return log_ei
