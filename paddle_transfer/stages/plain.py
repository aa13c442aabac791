"""The search of one stage: its sampler proposes the points of the space."""
# ruff: noqa: ARG002 (methods take the arguments of the protocol)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from paddle_transfer.config import pretrained
from paddle_transfer.samplers.base import Sampler
from paddle_transfer.space.catalog import SearchKey, apply_point
from paddle_transfer.space.space import Point, Space
from paddle_transfer.strategies.section import apply_strategy
from paddle_transfer.study.records import Proposal, TrialRecord, observations

#: Far more than a search has trials, so that seeds moved on by reuses do not meet.
_STRIDE = 1_000_003


@dataclass(frozen=True, kw_only=True)
class PlainSearch:
    """``SearchStages`` of one stage.

    :param base: the base config
    :param output_dir: the search's
    :param search_times: trainings of every point
    """

    supports_pruning: ClassVar[bool] = True

    base: dict[str, Any]
    keys: tuple[SearchKey, ...]
    space: Space
    output_dir: str
    seed: int = 0
    search_times: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        return self.space.names

    def shown(self, proposal: Proposal) -> Point:
        return dict(proposal.point)

    def propose(self, records: Sequence[TrialRecord], sampler: Sampler) -> Proposal | None:
        """As ``SearchStages.propose``. A reused trial is no observation of its own, but the draw
        that led to it must not be drawn again, so each one changes the seed."""
        finished, running = observations(records)
        reused = sum(record.reused is not None for record in records)
        point = sampler.suggest(self.space, finished, running, seed=self.seed + _STRIDE * reused)
        return None if point is None else Proposal(point)

    def why_done(self, records: Sequence[TrialRecord]) -> str | None:
        return None

    def times(self, proposal: Proposal) -> int:
        return self.search_times

    def raw_config(self, proposal: Proposal,
                   records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
        return apply_strategy(self._edited(proposal, records))

    def config(self, proposal: Proposal, records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
        return pretrained.for_search(self.raw_config(proposal, records), self.output_dir)

    def needed_weights(self, records: Sequence[TrialRecord]) -> set[int]:
        return set()

    def check_weights(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """Nothing is needed."""

    def check_end(self, records: Sequence[TrialRecord]) -> None:
        """Nothing is lacking."""

    def _edited(self, proposal: Proposal, records: Sequence[TrialRecord]) -> dict[str, Any]:
        """The base config with the values of ``proposal``."""
        return apply_point(self.base, self.keys, proposal.point)
