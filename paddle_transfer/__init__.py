"""paddle_transfer: transfer learning searches for PaddleClas, from Python.

>>> import paddle_transfer
>>> result = paddle_transfer.search("search.yaml", max_iter=10)
>>> result.best_point, result.best_value, result.best_config_path
>>> result.leaderboard()

Importing the package imports none of paddle, ppcls, skopt, sklearn, optuna, visualdl or ray; each
name below is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddle_transfer.errors import ConfigError, PaddleTransferError
    from paddle_transfer.loop.callbacks import SearchCallback
    from paddle_transfer.loop.saved_ranking import RankedPoint
    from paddle_transfer.public import estimate, search
    from paddle_transfer.report.base import Report
    from paddle_transfer.report.estimate import Estimate
    from paddle_transfer.result import SearchResult, load_search
    from paddle_transfer.study.records import TrialRecord
    from paddle_transfer.worker.load_weights import load_pretrained

__version__ = "0.1.0"

__all__ = ["ConfigError", "Estimate", "PaddleTransferError", "RankedPoint", "Report",
           "SearchCallback", "SearchResult", "TrialRecord", "__version__", "estimate",
           "load_pretrained", "load_search", "search"]

_MODULES = {
    "ConfigError": "errors", "Estimate": "report.estimate", "PaddleTransferError": "errors",
    "RankedPoint": "loop.saved_ranking", "Report": "report.base",
    "SearchCallback": "loop.callbacks", "SearchResult": "result", "TrialRecord": "study.records",
    "estimate": "public", "load_pretrained": "worker.load_weights", "load_search": "result",
    "search": "public"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
