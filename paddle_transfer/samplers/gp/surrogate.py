"""Gaussian processes of scikit-optimize with a fixed ``Kernel``. They model a loss: values have the
other sign."""

from __future__ import annotations

from typing import Literal, overload

import numpy
from scipy.linalg import cho_solve, cholesky, solve_triangular
from skopt.learning import GaussianProcessRegressor
from skopt.learning.gaussian_process.kernels import Kernel as SkoptKernel

from paddle_transfer.samplers.gp.encoding import Array
from paddle_transfer.samplers.gp.kernel import Kernel


class Covariance(SkoptKernel):  # type: ignore[misc]  # scikit-optimize has no types
    """A ``Kernel`` with nothing left to fit; the noise is in K(X) and not in K(X, Y), as in
    WhiteKernel."""

    def __init__(self, kernel: Kernel, repeats: Array):
        self.kernel, self.repeats = kernel, repeats

    def __call__(self, X: Array, Y: Array | None = None, eval_gradient: bool = False) -> Array:
        assert not eval_gradient, "nothing is fitted"
        if Y is not None:
            return self.kernel.signal(X, Y)
        return self.kernel.signal(X, X) + self.kernel.noise(X, self.repeats)

    def diag(self, X: Array) -> Array:
        return self.kernel.variance(X)

    def is_stationary(self) -> bool:
        return False


class Surrogate(GaussianProcessRegressor):  # type: ignore[misc]  # scikit-optimize has no types
    """A process on losses around the kernel's mean; predicts in blocks through the Cholesky
    factor."""

    kernel_: Covariance
    X_train_: Array

    def fit(self, X: Array, y: Array) -> Surrogate:
        """One factorization; the base class makes four, for gradients and derivatives that nobody
        asks for."""
        self.kernel_, self.X_train_, self.y_train_ = self.kernel, X, y
        self.L_ = cholesky(self.kernel_(X), lower=True, check_finite=False)
        self.alpha_ = cho_solve((self.L_, True), y, check_finite=False)
        return self

    @overload
    def predict(self, X: Array, return_std: Literal[False] = False) -> Array: ...

    @overload
    def predict(self, X: Array, return_std: Literal[True]) -> tuple[Array, Array]: ...

    def predict(self, X: Array, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The mean loss at every row, and its standard deviation when asked for."""
        kernel, means, deviations = self.kernel_.kernel, [], []
        for block in numpy.array_split(X, max(1, len(X) * len(self.X_train_) // 400_000)):
            cross = self.kernel_(block, self.X_train_)
            means.append(cross @ self.alpha_ - kernel.mean(block))
            if return_std:
                half = solve_triangular(self.L_, cross.T, lower=True, check_finite=False)
                left = self.kernel_.diag(block) - (half * half).sum(axis=0)
                deviations.append(numpy.sqrt(numpy.maximum(left, 1e-10)))
        mean = numpy.concatenate(means)
        return (mean, numpy.concatenate(deviations)) if return_std else mean


def condition(kernel: Kernel, rows: Array, values: Array, repeats: Array,
              running: Array) -> Surrogate:
    """One process conditioned on ``values`` at ``rows``, then on its own predictions at the
    ``running`` rows."""
    def fitted(x: Array, losses: Array, counts: Array) -> Surrogate:
        return Surrogate(Covariance(kernel, counts), alpha=0.0,
                         optimizer=None).fit(x, losses + kernel.mean(x))

    model = fitted(rows, -values, repeats)
    if not len(running):
        return model
    return fitted(numpy.vstack([rows, running]), numpy.append(-values, model.predict(running)),
                  numpy.append(repeats, numpy.ones(len(running))))
