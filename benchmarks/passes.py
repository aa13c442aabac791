"""What part of a trial is forward and backward passes: a runner that measures them.

A worker runs ``run`` in the place of ``paddle_transfer.worker.runner.run``. On a CPU a pass is over
when its call returns. The times go to ``passes.json`` in the trial's folder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from paddle_transfer.settings.search_file import load_search_file

FILE = "passes.json"
RUNNER = f"{__name__}:run"


class Watch:
    """Adds up the seconds spent in the outermost of the calls that it watches."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = False

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Count calls of ``owner.name`` as ``part``, from now on."""
        original = getattr(owner, name)

        @wraps(original)
        def watched(*args: object, **kwargs: object) -> object:
            if self._inside:
                return original(*args, **kwargs)
            self._inside, began = True, time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                self._inside = False
                self.seconds[part] = self.seconds.get(part, 0) + time.perf_counter() - began
        setattr(owner, name, watched)


_watch = Watch()


def run(job: dict[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
    """As ``paddle_transfer.worker.runner.run``; ``seconds``: of the whole job, ``passes`` in it."""
    from paddle_transfer.worker import runner
    from paddle_transfer.worker.bootstrap import load_ppcls
    from paddle_transfer.worker.locate import locate

    if not _watch.seconds:
        load_ppcls(locate(job["payload"].get("paddleclas")))
        import paddle
        _watch.seconds = dict.fromkeys(("forward", "backward", "update"), 0.0)
        _watch.watch(paddle.nn.Layer, "__call__", "forward")
        _watch.watch(paddle.Tensor, "backward", "backward")
        _watch.watch(paddle.optimizer.Optimizer, "step", "update")
        for kind in (paddle.optimizer.Momentum, paddle.optimizer.Adam, paddle.optimizer.AdamW):
            if "step" in vars(kind):
                _watch.watch(kind, "step", "update")
    before, began = dict(_watch.seconds), time.perf_counter()
    result = runner.run(job, report)
    passes = {part: seconds - before[part] for part, seconds in _watch.seconds.items()}
    (Path(job["directory"]) / FILE).write_text(json.dumps(
        {"seconds": time.perf_counter() - began, **passes}) + "\n")
    return result


def search(file: str) -> None:
    """The search of ``file`` with this runner."""
    from paddle_transfer.api import run_search

    run_search(load_search_file(file), runner=RUNNER)
