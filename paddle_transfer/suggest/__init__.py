"""Who proposes the next point: grid, random and Bayesian search behind one protocol (``suggest.base``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence, Union

from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.space.space import Point
from paddle_transfer.suggest.base import Suggester

if TYPE_CHECKING:
    from paddle_transfer.config.greedy import Plan
    from paddle_transfer.suggest.prior import PastTask

#: The names of the suggesters, as ``search_mode`` in a search file.
MODES = ("grid", "bayes", "random", "greedy")


def make_suggester(mode: str, *, fixed: Optional[Point] = None, allow_repeats: bool = False,
                   acquisition: str = "ei", prior: Union[str, Sequence[PastTask]] = "none",
                   warm_start: Sequence[PastTask] = (), plan: Optional[Plan] = None,
                   eval_size: Optional[int] = None) -> Suggester:
    """The suggester that a search file asks for.

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
        from paddle_transfer.suggest.grid import GridSuggester
        return GridSuggester(fixed=fixed)
    if mode == "random":
        from paddle_transfer.suggest.random import RandomSuggester
        return RandomSuggester(fixed=fixed, allow_repeats=allow_repeats)
    if mode == "bayes":
        from paddle_transfer.suggest.bayes import BayesSuggester
        return BayesSuggester(fixed=fixed, allow_repeats=allow_repeats, acquisition=acquisition, prior=prior,
                              warm_start=warm_start, eval_size=eval_size)
    if mode == "greedy":
        from paddle_transfer.suggest.greedy import GreedySuggester
        assert plan is not None, "a greedy search needs its plan"
        return GreedySuggester(plan)
    raise PaddleTransferError(f"search_mode: there is no '{mode}'. {did_you_mean(mode, MODES)}")
