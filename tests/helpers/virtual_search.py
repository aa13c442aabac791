"""A whole search in virtual time: tiny settings, a fake executor, and rules and limits wired as ``search.run`` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer.executors.base import Job
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.search.driver import Driver
from paddle_transfer.search.ranking import Ranker
from paddle_transfer.search.stopping import AutoStop, Budget, Stopwatch
from paddle_transfer.search.trial_folder import TrialFolders
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.store import open_store
from tests.helpers.fakes import FakeExecutor, Play
from tests.helpers.tiny_search import tiny_settings


class VirtualSearch:
    """
    :param value: the metric of a point trained with a seed
    :param settings: of ``tiny_settings``
    """

    def __init__(self, folder: Any, *,
                 value: Callable[[dict, int], float] = lambda point, seed: 0.5, **settings: Any):
        self.settings, self.value = tiny_settings(folder, **settings), value

    def records(self) -> list[TrialRecord]:
        return open_store(output_dir=self.settings.output_dir, space=self.settings.space).records()

    def play(self, job: Job) -> Play:
        record = self._store.records()[job.number]
        return Play(value=self.value(record.point, record.seed),
                    epochs=self.settings.base_config["Global"]["epochs"])

    def run(self, executor: FakeExecutor | None = None, *, callbacks: tuple = (),
            **arguments: Any) -> str:
        """What one process does; why it ended.

        :param executor: plays what ``play`` says
        :param callbacks: made of (settings, ranker)
        """
        settings = self.settings
        self._store = store = open_store(output_dir=settings.output_dir, space=settings.space)
        executor = executor or FakeExecutor()
        executor.script = self.play
        sampler = make_sampler(settings.search_mode, baseline=settings.fixed, prior=settings.prior,
                               allow_repeats=not settings.de_duplication)
        ranker = Ranker(settings, tasks=getattr(sampler, "tasks", ()))
        watch = Stopwatch(store, clock=executor.clock)
        return Driver(
            settings=settings, store=store, executor=executor, sampler=sampler,
            ranker=ranker, trial_folders=TrialFolders(
                settings.output_dir, write_config=lambda record, path: path.write_text("{}")),
            stop_rule=AutoStop(ranker) if settings.stop == "auto" else None, limits=Budget(
                settings, seconds=lambda: watch.seconds),
            callbacks=[watch, *(make(settings, ranker) for make in callbacks)], **arguments).run()
