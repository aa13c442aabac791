"""Calls in another process, with a hash seed of its own. It lives as long as the tests: to import
Optuna and scikit-learn for each call takes longer than most answers."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from unittest import mock


def call_elsewhere(function: Callable[..., Any], *args: Any, hash_seed: str) -> Any:
    """``function(*args)``, of a module that can be imported, in the process of ``hash_seed``."""
    return _process(hash_seed).submit(function, *args).result()


@functools.cache
def _process(hash_seed: str) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    with mock.patch.dict(os.environ, {"PYTHONHASHSEED": hash_seed}):
        pool.submit(os.getpid).result()  # it starts with the first call
    return pool
