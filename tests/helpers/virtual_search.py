"""A whole search in virtual time: tiny settings, a fake executor, and rules and limits wired as
``api.run`` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle_transfer.executors.base import Job
from paddle_transfer.loop.driver import Driver
from paddle_transfer.loop.scheduler import Scheduler
from paddle_transfer.loop.stopping import AutoStop, BudgetLimits, Stopwatch
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.store import open_store
from tests.helpers.fakes import FakeExecutor, Play
from tests.helpers.records import ranker_of
from tests.helpers.tiny_search import tiny_settings


def scheduler_of(settings: SearchSettings, sampler: Any, **arguments: Any) -> Scheduler:
    """The scheduler of a search.

    :param arguments: of ``Scheduler``; the ranker of the settings where none is given
    """
    arguments.setdefault("ranker", ranker_of(settings, sampler))
    return Scheduler(stages=settings.stages, sampler=sampler, space=settings.space,
                     repeats=settings.repeats, max_iter=settings.max_iter, **arguments)


class VirtualSearch:
    """
    :param value: the metric of a point trained with a seed
    :param settings: of ``tiny_settings``
    """

    def __init__(self, folder: Any, *,
                 value: Callable[[dict, int], float] = lambda _point, _seed: 0.5, **settings: Any):
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
        ranker = ranker_of(settings, sampler)
        watch = Stopwatch(store, clock=executor.clock)
        limits = BudgetLimits(settings.budget, base=settings.base, keys=settings.keys,
                              stages=settings.stages, seconds=lambda: watch.seconds)
        scheduler = scheduler_of(settings, sampler, ranker=ranker, limits=limits,
                                 stop_rule=AutoStop(ranker) if settings.stop == "auto" else None)
        return Driver(
            scheduler=scheduler, store=store, executor=executor, trial_folders=TrialFolders(
                settings.output_dir, write_config=lambda _, path: path.write_text("{}")),
            callbacks=[watch, *(make(settings, ranker) for make in callbacks)], **arguments).run()
