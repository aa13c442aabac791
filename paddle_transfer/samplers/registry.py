"""Who proposes the next point: grid, random and Bayesian search behind one protocol (``suggest.base``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.registry import attribute_of
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.space.space import Point

if TYPE_CHECKING:
    from paddle_transfer.samplers.gp.task_prior import PastTask

#: The names of the samplers, as ``search_mode`` in a search file.
MODES = ("grid", "bayes", "random", "greedy")


def make_sampler(mode: str, *, fixed: Point | None = None, allow_repeats: bool = False,
                   acquisition: str = "ei", prior: str | Sequence[PastTask] = "none",
                   warm_start: Sequence[PastTask] = (), plan: Any = None,
                   eval_size: int | None = None) -> Sampler:
    """The sampler that a search file asks for.

    :param mode: one of ``MODES``
    :param fixed: the point tried first
    :param allow_repeats: evaluated points may be proposed again (bayes, random), so there is no end
    :param acquisition: for bayes, one of ``bayes.ACQUISITIONS``; case does not matter
    :param prior: for bayes, ``none``, ``shipped`` (the default of search files) or past tasks
    :param warm_start: further past tasks
    :param plan: for greedy, and needed there
    :param eval_size: for bayes, images that the metric is measured on; None: not known
    :raises PaddleTransferError: for a mode or an acquisition that does not exist
    """
    if mode == "grid":
        from paddle_transfer.samplers.grid import GridSampler
        return GridSampler(fixed=fixed)
    if mode == "random":
        from paddle_transfer.samplers.random import RandomSampler
        return RandomSampler(fixed=fixed, allow_repeats=allow_repeats)
    if mode == "bayes":
        from paddle_transfer.samplers.gp.sampler import BayesSampler
        return BayesSampler(fixed=fixed, allow_repeats=allow_repeats, acquisition=acquisition,
                            prior=prior, warm_start=warm_start, eval_size=eval_size)
    if mode == "greedy":
        GreedySampler = attribute_of("paddle_transfer.stages.greedy:GreedySampler")
        assert plan is not None, "a greedy search needs its plan"
        return GreedySampler(plan)
    raise PaddleTransferError(f"search_mode: there is no '{mode}'. {did_you_mean(mode, MODES)}")
