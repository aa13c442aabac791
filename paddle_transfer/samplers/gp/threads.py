"""One thread for linear algebra while the model computes.

Its matrices are small and many. More threads gain nothing, and where the trials of a search use the
same cores, threads that wait for each other make an ask many times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy  # noqa: F401 - the libraries of both must be loaded before they are looked for
import scipy.linalg  # noqa: F401
from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra of this process in one thread; also a decorator."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
