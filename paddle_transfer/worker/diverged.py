"""The error of a training whose loss is no number; apart, so that it is imported without Paddle."""

from __future__ import annotations


class Diverged(ArithmeticError):
    """The loss or the metric became NaN or infinite; with the same seed it would again."""
