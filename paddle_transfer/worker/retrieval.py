"""One evaluation of a retrieval by PaddleClas's own loop: all its metrics, and over how many
queries.

PaddleClas compares the queries with the gallery block by block (``Global.sim_block_size``), and
hands over the first metric only, as a mean of the blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from paddle import Tensor
from ppcls.engine.engine import Engine

from paddle_transfer.errors import TrialError
from paddle_transfer.worker.whole_lists import count_images, require_all


def evaluate(engine: Engine, stock: Callable[[Engine, int], Any], epoch_id: int) -> dict[str, Any]:
    """``values`` (the metrics by name) and ``seen`` (the queries).

    :raises TrialError: PaddleClas would measure nothing, or not every image once
    """
    if engine.eval_loss_func is None:
        raise TrialError("a retrieval needs Loss.Eval: without it PaddleClas measures nothing and "
                         "says 0.0")
    metrics = engine.eval_metric_func
    with count_images(engine, "gallery_query_dataloader", "gallery_dataloader",
                      "query_dataloader") as loaders:
        engine.eval_metric_func = recorder = Recorder(metrics)
        try:
            stock(engine, epoch_id)
        finally:
            engine.eval_metric_func = metrics
    seen = [require_all(loader.seen, len(loader.dataset)) for loader in loaders]
    return {"values": recorder.values(), "seen": seen[-1]}


class Recorder:
    """Stands in for the metrics of a retrieval, and remembers what they give for each block.

    A query whose class is not in the gallery has no recall, mAP or mINP: these are means over the
    others, so a block counts by how many of these it has. A precision is a mean over all.
    """

    def __init__(self, metrics: Any):
        self._metrics = metrics
        self._sums: dict[str, float] = defaultdict(float)
        self._weights: dict[str, int] = defaultdict(int)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metrics, name)

    def __call__(self, similarities: Tensor, queries: Tensor, gallery: Tensor,
                 keep: Tensor | None) -> Any:
        measured = self._metrics(similarities, queries, gallery, keep)
        matches = queries == gallery.t()
        if keep is not None:
            matches = matches & keep.astype("bool")
        found = int(matches.any(axis=1).astype("int64").sum())
        for name, value in measured.items():
            weight = queries.shape[0] if name.startswith("precision") else found
            total = float(value) * weight if weight else 0.0
            # of queries; the metric itself is a 32 bit float
            self._sums[name] += round(total) if name.startswith("recall") else total
            self._weights[name] += weight
        return measured

    def values(self) -> dict[str, float]:
        """The metrics by name, in their order. Raises TrialError when one is over no query."""
        for name, weight in self._weights.items():
            if not weight:
                raise TrialError(f"{name} has no value: no query has an image of its class in the "
                                 "gallery")
        return {name: total / self._weights[name] for name, total in self._sums.items()}
