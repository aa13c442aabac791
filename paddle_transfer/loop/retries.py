"""How often a job after the search is tried again."""

from __future__ import annotations

from paddle_transfer.executors.base import Ended, Verdict
from paddle_transfer.loop.driver import CRASHES, KILLS


class Retries:
    """Counts the ends of each job; one that crashed or was killed is tried as often as a trial."""

    def __init__(self) -> None:
        self._ends: dict[int, list[Verdict]] = {}

    def again(self, ended: Ended) -> bool:
        """Whether the job of ``ended`` is to be tried again."""
        ends = self._ends.setdefault(ended.number, [])
        ends.append(ended.verdict)
        allowed = {Verdict.CRASHED: CRASHES, Verdict.KILLED: KILLS + 1}.get(ended.verdict, 0)
        return ends.count(ended.verdict) < allowed
