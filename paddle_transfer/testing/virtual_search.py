"""A whole search in virtual time: tiny settings, a fake executor, and rules and limits wired as ``search.run`` does."""

from __future__ import annotations

from typing import Any, Callable, Optional

from paddle_transfer.execute.base import Job
from paddle_transfer.search.driver import Driver
from paddle_transfer.search.judge import Judge
from paddle_transfer.search.stopping import AutoStop, Budget, Stopwatch
from paddle_transfer.search.workspace import Workspace
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.store import open_store
from paddle_transfer.suggest import make_suggester
from paddle_transfer.testing.fakes import FakeExecutor, Play
from paddle_transfer.testing.tiny_search import tiny_settings


class VirtualSearch:
    """
    :param value: the metric of a point trained with a seed
    :param settings: of ``tiny_settings``
    """

    def __init__(self, folder: Any, *, value: Callable[[dict, int], float] = lambda point, seed: 0.5, **settings: Any):
        self.settings, self.value = tiny_settings(folder, **settings), value

    def records(self) -> list[TrialRecord]:
        return open_store(output_dir=self.settings.output_dir, space=self.settings.space).records()

    def play(self, job: Job) -> Play:
        record = self._store.records()[job.number]
        return Play(value=self.value(record.point, record.seed), epochs=self.settings.base_config["Global"]["epochs"])

    def run(self, executor: Optional[FakeExecutor] = None, *, listeners: tuple = (), **arguments: Any) -> str:
        """What one process does; why it ended.

        :param executor: plays what ``play`` says
        :param listeners: made of (settings, judge)
        """
        settings = self.settings
        self._store = store = open_store(output_dir=settings.output_dir, space=settings.space)
        executor = executor or FakeExecutor()
        executor.script = self.play
        suggester = make_suggester(settings.search_mode, fixed=settings.fixed, prior=settings.prior,
                                   allow_repeats=not settings.de_duplication)
        judge = Judge(settings, tasks=getattr(suggester, "tasks", ()))
        watch = Stopwatch(store, clock=executor.clock)
        return Driver(
            settings=settings, store=store, executor=executor, suggester=suggester, judge=judge,
            workspace=Workspace(settings.output_dir, write_config=lambda record, path: path.write_text("{}")),
            stop_rule=AutoStop(judge) if settings.stop == "auto" else None,
            limits=Budget(settings, seconds=lambda: watch.seconds),
            listeners=[watch, *(make(settings, judge) for make in listeners)], **arguments).run()
