"""The stages of a search: the protocol.

A stage yields trials and builds their configs. A plain search has one stage, whose points its
sampler proposes (``stages.plain``); a search that distils trains a teacher and a student after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from paddle_transfer.samplers.base import Sampler
from paddle_transfer.space.space import Point
from paddle_transfer.study.records import Proposal, TrialRecord


class SearchStages(Protocol):
    """What a search trains, stage after stage: functions of the records, so that a search that was
    killed goes on where it stood."""

    #: Whether running trials may be pruned.
    supports_pruning: ClassVar[bool]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in which result files show a proposal."""
        ...

    def shown(self, proposal: Proposal) -> Point:
        """``proposal`` by ``names``."""
        ...

    def propose(self, records: Sequence[TrialRecord], sampler: Sampler) -> Proposal | None:
        """The next training; None when there is none, or none before a running one has ended."""
        ...

    def why_done(self, records: Sequence[TrialRecord]) -> str | None:
        """Why all stages are over once nothing is proposed; None when it is the sampler's
        reason."""
        ...

    def times(self, proposal: Proposal) -> int:
        """How often ``proposal`` is trained, each time with another seed."""
        ...

    def raw_config(self, proposal: Proposal, records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
        """The PaddleClas config that trains ``proposal``, with the pretrained weights as the user
        asks for them; not yet a trial's own (``config.base.for_trial``).

        :param records: the student's config names its teacher's weights, which are among them
        """
        ...

    def config(self, proposal: Proposal, records: Sequence[TrialRecord] = ()) -> dict[str, Any]:
        """``raw_config`` with the pretrained weights that the search has prepared."""
        ...

    def needed_weights(self, records: Sequence[TrialRecord]) -> set[int]:
        """The numbers of the trials whose weights later trials need."""
        ...

    def check_weights(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """Raises StudyError when weights that ``record`` needs are gone."""
        ...

    def check_end(self, records: Sequence[TrialRecord]) -> None:
        """Raises SearchFailed when a search that is over lacks what it was for."""
        ...
