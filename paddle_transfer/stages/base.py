"""The stages of a search: what is trained next, and with which config."""
# ruff: noqa: ARG002 (methods take what those of other stages need)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from paddle_transfer.config import pretrained
from paddle_transfer.rules.accumulation import accumulated
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.space.blocks import active_names
from paddle_transfer.space.optimizers import scale_rates
from paddle_transfer.space.search_key import SearchKey, apply_point
from paddle_transfer.space.space import Point, Space
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.study.history import History, observations
from paddle_transfer.study.records import Proposal, TrialRecord

#: Larger than any number of trials, so that seeds shifted for reused trials stay distinct.
_STRIDE = 1_000_003


@dataclass(frozen=True, kw_only=True)
class SearchStages:
    """A search of one stage, whose points its sampler proposes; subclasses have further stages.

    All methods are functions of the records, so a search that was killed goes on where it stood.

    :param base: the base config
    :param output_dir: the search's
    :param search_times: trainings of every point
    :param rate_factor: what the learning rates of all configs are multiplied with: a batch on each
        of so many devices makes a step (linear scaling, Goyal et al. 2017)
    """

    #: Whether running trials may be pruned.
    supports_pruning: ClassVar[bool] = True

    base: dict[str, Any]
    keys: tuple[SearchKey, ...]
    space: Space
    output_dir: str
    seed: int = 0
    search_times: int = 1
    rate_factor: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in which result files show a proposal."""
        return self.space.names

    def shown(self, proposal: Proposal) -> Point:
        """``proposal`` by ``names``."""
        return dict(proposal.point)

    def trained_with(self, proposal: Proposal) -> Point:
        """``shown`` without the keys that are inactive in it: their values did nothing."""
        active = active_names(self.space.hyperparameters, proposal.point)
        return {name: value for name, value in self.shown(proposal).items()
                if name in active or name not in self.space.names}

    def propose(self, records: Sequence[TrialRecord], sampler: Sampler) -> Proposal | None:
        """The next training; None when there is none, or none before a running one has ended.

        Reused trials are no observations, but change the seed: no draw is repeated.
        """
        finished, running = observations(records)
        reused = (records.reused if isinstance(records, History) else
                  sum(record.reused is not None for record in records))
        point = sampler.suggest(self.space, finished, running, seed=self.seed + _STRIDE * reused)
        return None if point is None else Proposal(point)

    def why_done(self, records: Sequence[TrialRecord]) -> str | None:
        """Why all stages are over when nothing is proposed; None: the sampler has no point left."""
        return None

    def times(self, proposal: Proposal) -> int:
        """How often ``proposal`` is trained, each time with another seed."""
        return self.search_times

    def raw_config(self, proposal: Proposal, records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
        """The PaddleClas config that trains ``proposal``, with the weights as the user asks for
        them; not yet a trial's own (``config.portable.for_trial``).

        :param records: have the teacher whose weights the config of a student names
        """
        made = self._edited(proposal, records)
        if self.rate_factor > 1:
            scale_rates(made, old=1, new=self.rate_factor)
        return apply_strategy(made)

    def config(self, proposal: Proposal, records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
        """``raw_config`` with the weights that the search has prepared."""
        return pretrained.for_search(self.raw_config(proposal, records), self.output_dir)

    def config_of(self, record: TrialRecord, records: Sequence[TrialRecord] = ()
                  ) -> dict[str, Any]:
        """``config`` of the training that ``record`` is."""
        return accumulated(self.config(record.proposal, records), record.accumulate)

    def needed_weights(self, records: Sequence[TrialRecord]) -> set[int]:
        """The numbers of the trials whose weights later trials need."""
        return set()

    def check_weights(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """Raises StudyError when weights that ``record`` needs are gone."""

    def check_end(self, records: Sequence[TrialRecord]) -> None:
        """Raises SearchFailed when a search that is over lacks the trials that it was for."""

    def _edited(self, proposal: Proposal, records: Sequence[TrialRecord]) -> dict[str, Any]:
        return apply_point(self.base, self.keys, proposal.point)
