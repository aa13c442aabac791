"""A training whose loss is no number any more; apart, so that it can be imported without paddle."""

from __future__ import annotations


class Diverged(ArithmeticError):
    """The loss (or the searched metric) became NaN or infinite. The same training again would do the same."""
