"""Recorded tables made small enough to ship (``suggest.distil``)."""

from paddle_transfer.suggest.distil import distil

__all__ = ["distil"]
