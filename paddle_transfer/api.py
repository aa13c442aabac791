"""Puts the parts of a search together; the only module that knows them all."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from paddle_transfer.config.load import write_alone, yaml_text
from paddle_transfer.config.portable import for_trial
from paddle_transfer.config.versions import ignored_by
from paddle_transfer.errors import (
    ConfigError,
    DiskFull,
    SetupError,
    StudyError,
    counted,
    is_disk_full,
)
from paddle_transfer.executors.base import Executor, ExecutorContext
from paddle_transfer.executors.registry import make_executor
from paddle_transfer.hardware import shared_memory_share
from paddle_transfer.loop.callbacks import SearchCallback
from paddle_transfer.loop.context import (
    choosing,
    commit_of,
    describe,
    environment,
    note_context,
)
from paddle_transfer.loop.driver import Driver
from paddle_transfer.loop.failures import check_outcome
from paddle_transfer.loop.final import FinalRuns
from paddle_transfer.loop.interrupts import Interrupts, unidentified
from paddle_transfer.loop.lock import DirectoryLock
from paddle_transfer.loop.pruning import trial_pruner
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.loop.saved_search import write_settings
from paddle_transfer.loop.scheduler import Scheduler
from paddle_transfer.loop.soup import SoupRuns
from paddle_transfer.loop.stopping import AutoStop, BudgetLimits, Stopwatch
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.report.forecast import sampler_of
from paddle_transfer.report.registry import make_reports
from paddle_transfer.rules.accumulation import why_not_halved
from paddle_transfer.samplers.base import PosteriorSampler, Sampler
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.inputs import read_inputs
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.search_key import unsupported
from paddle_transfer.study.base import Store
from paddle_transfer.study.identity import check_identity
from paddle_transfer.study.inputs import Inputs
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.weights.for_search import SearchWeights
from paddle_transfer.weights.requests import weights_requests
from paddle_transfer.worker.locate import locate

PADDLE_RUNNER = "paddle_transfer.worker.runner:run"

#: Gives PaddleClas's ``ppcls`` folder, for the addresses of weights outside our catalogue.
FindPpcls = Callable[[], Path | None]


def run_search(settings: SearchSettings, *, version: str | None = None, fresh: bool = False,
               rebuild: bool = False, paddleclas: str | None = None, runner: str = PADDLE_RUNNER,
               callbacks: Sequence[SearchCallback] | None = None,
               ppcls: FindPpcls = lambda: None) -> int:
    """Run the search as a command, or go on with it; the exit code: 0, 130 after Ctrl-C, 143 after
    SIGTERM.

    :param version: of PaddleClas: a key that it cannot search is refused before anything is written
    :param fresh: move an earlier run in ``output_dir`` aside and begin anew
    :param rebuild: make a study that is lost or broken again from the trials' own files
    :param paddleclas: a PaddleClas checkout for the workers
    :param runner: what the workers run, ``MODULE:FUNCTION``
    :param callbacks: in the place of the reports that the search file names
    Raises StudyError (another search is in ``output_dir``, or runs there), SetupError, DiskFull,
    SearchFailed (no trial completed), WeightsError (they cannot be had, or do not fit the network).
    """
    check_version(settings, version)
    records: list[TrialRecord] = []
    with Interrupts() as interrupts:
        try:
            reason, records = run(settings, interrupts, fresh=fresh, rebuild=rebuild,
                                  paddleclas=paddleclas, runner=runner, callbacks=callbacks,
                                  ppcls=ppcls)
        except KeyboardInterrupt:
            if not interrupts.asked():
                raise
    if interrupts.asked():
        done = sum(record.finished for record in records)
        so_far = f" with {counted(done, 'trial')} done" if done else ""
        print(f"Stopped{so_far}; nothing that was finished is lost. The same command goes on "
              "from here.", file=sys.stderr)
        return interrupts.exit_code
    check_outcome(settings, records, reason)
    return 0


def run(settings: SearchSettings, interrupts: Interrupts, *, fresh: bool = False,
        rebuild: bool = False, paddleclas: str | None = None, runner: str = PADDLE_RUNNER,
        callbacks: Sequence[SearchCallback] | None = None, more: Sequence[SearchCallback] = (),
        ppcls: FindPpcls = lambda: None, clock: Callable[[], float] = time.monotonic
        ) -> tuple[str, list[TrialRecord]]:
    """Run a search until it is over or was asked to stop; (why it ended, its trials). The
    arguments are those of ``run_search``.

    :param more: callbacks beside ``callbacks``
    :param clock: seconds, monotonic; what ``time_budget`` counts
    Raises KeyboardInterrupt when it was asked to stop before its first trial; Unidentified before
    it was known whether the trials in ``output_dir`` are its own.
    """
    sampler, ranker = make_sampler_and_ranker(settings)
    if callbacks is None:
        callbacks = make_reports(settings, ranker)
    with _unwritable_named(settings.output.output_dir), ExitStack() as stack:
        lock, store, weights, inputs = _open(settings, interrupts, stack, fresh=fresh,
                                             rebuild=rebuild, paddleclas=paddleclas, ppcls=ppcls)
        write_settings(settings)
        folders = _make_trial_folders(settings, store, paddleclas=paddleclas,
                                      pretrained=weights.prepare())
        paths = _paths(inputs, folders.payload)

        def executor(slowness: float) -> Executor:
            made = _make_executor(settings, runner, lock, paths, slowness=slowness)
            stack.callback(made.close)  # before the lock: workers must not meet a second search
            return made

        return _search(settings, store, executor, folders=folders, sampler=sampler, ranker=ranker,
                       callbacks=[*callbacks, *more], interrupts=interrupts, clock=clock)


def _open(settings: SearchSettings, interrupts: Interrupts, stack: ExitStack, *, fresh: bool,
          rebuild: bool, paddleclas: str | None, ppcls: FindPpcls
          ) -> tuple[DirectoryLock, Store, SearchWeights, Inputs]:
    """The lock of ``output_dir`` and the study in it, to be closed by ``stack``, the weights and
    the inputs of the search. What has changed since the study was begun is told, or refused."""
    from paddle_transfer.loop.opening import lock_folder, open_study  # Optuna

    with unidentified():
        lock = lock_folder(settings, stack, fresh=fresh, pause=interrupts.pause)
        requests = weights_requests(settings.base, settings.search_space, settings.output,
                                    stages=settings.stages, plan=settings.plan)
        weights = SearchWeights(requests, settings.output, paddleclas=paddleclas, ppcls=ppcls,
                                pause=interrupts.pause)
        inputs = read_inputs(settings, without=weights.asked, pause=interrupts.pause)
        store = open_study(settings, inputs, stack, rebuild=rebuild, pause=interrupts.pause)
        weights.resolve()
        notes = check_identity(
            store, weights.identity(settings.identity()), {**inputs, **weights.inputs()},
            place=settings.output.output_dir, rebuilt=rebuild)
        notes += note_context(store, choosing(settings),
                              environment(settings, _describe_paddleclas(paddleclas)),
                              settings.base.options)
        store.set_note(describe(settings))
    for note in notes:
        print(note, file=sys.stderr)
    return lock, store, weights, inputs


def _search(settings: SearchSettings, store: Store, make: Callable[[float], Executor], *,
            folders: TrialFolders, sampler: Sampler, ranker: Ranker,
            callbacks: Sequence[SearchCallback], interrupts: Interrupts,
            clock: Callable[[], float]) -> tuple[str, list[TrialRecord]]:
    """The search proper, then the final trainings or the soup.

    :param make: makes an executor, given how much longer than ``trial_timeout`` a training may take
    """
    stages, space, repeats = settings.stages, settings.search_space, settings.repeats
    watch, executor = Stopwatch(store, clock=clock), make(1.0)
    limits = BudgetLimits(settings.budget, base=settings.base, keys=space.keys, stages=stages,
                          seconds=lambda: watch.seconds)
    scheduler = Scheduler(
        stages=stages, sampler=sampler, space=space.space, repeats=repeats, ranker=ranker,
        max_iter=settings.budget.max_iter, limits=limits,
        stop_rule=AutoStop(ranker) if settings.sampling.stop == "auto" else None)
    pruner = trial_pruner(settings.pruner, base=settings.base, space=space.space, stages=stages,
                          repeats=repeats)
    driver = Driver(scheduler=scheduler, store=store, executor=executor, trial_folders=folders,
                    callbacks=[watch, *callbacks], pruner=pruner,
                    interrupted=interrupts.asked, why_not_halved=halving(settings, folders))
    reason, records = driver.run(), driver.records
    if settings.final is None or interrupts.asked():
        return reason, records
    leaderboard = ranker.leaderboard(records)
    if leaderboard.winner is None:
        return reason, records
    if settings.final.soup:
        SoupRuns(executor, leaderboard, records, stages=stages, device=settings.devices.kind,
                 output_dir=settings.output.output_dir, payload=folders.payload,
                 callbacks=driver.callbacks, interrupted=interrupts.asked).run()
    else:
        executor.close()  # its workers would hold their GPUs
        FinalRuns(settings.final, leaderboard, base=settings.base, stages=stages,
                  search_space=space, objective=settings.objective, repeats=repeats,
                  devices=settings.devices, output_dir=settings.output.output_dir,
                  payload=folders.payload, callbacks=driver.callbacks,
                  interrupted=interrupts.asked).run(make)
    return reason, records


def halving(settings: SearchSettings, folders: TrialFolders) -> Callable[[TrialRecord], str]:
    """``why_not_halved`` of trials, in the PaddleClas that trains them."""
    def why_not(record: TrialRecord) -> str:
        version = locate(folders.payload.get("paddleclas")).version
        return why_not_halved(settings.stages.raw_config(record.proposal), version)
    return why_not


def _describe_paddleclas(named: str | None) -> str:
    """Version and place of the PaddleClas that trains; empty when there is none."""
    try:
        home = locate(named)
    except SetupError:
        return ""
    return " ".join(filter(None, [home.version, commit_of(home.path), home.kind]))


def make_sampler_and_ranker(settings: SearchSettings) -> tuple[Sampler, Ranker]:
    """The sampler, and the ranker that knows its model of the results.

    Raises ConfigError when something in ``warm_start`` is of no use, before anything is written.
    """
    sampler, posterior = sampler_of(settings), None
    if SAMPLERS[settings.sampling.sampler.name].has_posterior:
        posterior = cast(PosteriorSampler, sampler).posterior
    return sampler, Ranker(settings.search_space, settings.repeats, posterior=posterior,
                           expected_gain=settings.sampling.stop == "auto")


def _paths(inputs: Inputs, payload: Mapping[str, Any]) -> list[str]:
    """The files and folders that trials read outside of ``output_dir``."""
    named = [path for one in inputs.values() for path in (one.path, one.root)]
    return [path for path in dict.fromkeys([*named, payload["paddleclas"] or ""])
            if path and os.path.exists(path)]


def _make_executor(settings: SearchSettings, runner: str, lock: DirectoryLock,
                   paths: Sequence[str], *, slowness: float) -> Executor:
    devices, timeout = settings.devices, settings.devices.trial_timeout
    return make_executor(devices.executor, ExecutorContext(
        devices.slots, runner, Path(settings.output.output_dir) / "logs",
        trial_timeout=timeout and slowness * timeout, keep_fds=[lock.fd], paths=paths))


def _make_trial_folders(settings: SearchSettings, store: Store, *, paddleclas: str | None,
                        pretrained: Mapping[str, Any]) -> TrialFolders:
    """The trials' folders, which write a trial's config: the one of its proposal, with the trial's
    folder and seed.

    :param pretrained: what the workers are told of the weights, by file
    """
    def write_config(record: TrialRecord, path: Path) -> None:
        records = store.records() if settings.distillation is not None else ()
        settings.stages.check_weights(record, records)
        config = settings.stages.config_of(record, records)
        write_alone(path, yaml_text(for_trial(config, output_dir=str(path.parent), seed=record.seed,
                                              device=settings.devices.kind)))

    keep = settings.output.keep_models > 0 or settings.distillation is not None
    return TrialFolders(settings.output.output_dir, write_config=write_config, payload={
        "metric": settings.objective.metric, "paddleclas": paddleclas,
        "pretrained": dict(pretrained), "keep_weights": keep,
        "also_measure": list(settings.objective.also_measure),
        "checkpoint_every": settings.devices.checkpoint_every,
        "shared_memory": shared_memory_share(len(settings.devices.slots)
                                             * settings.devices.processes)})


def check_version(settings: SearchSettings, version: str | None) -> None:
    """Raises ConfigError for what PaddleClas ``version`` cannot search, or ignores in the base
    config."""
    if version is not None:
        ignored = ignored_by(settings.base.config, version)
        if ignored:
            raise ConfigError(settings.base.file, ignored)
        issues = unsupported(settings.search_space.keys, version, device=settings.devices.kind)
        if issues:
            raise ConfigError(settings.file, issues)


@contextmanager
def _unwritable_named(place: str) -> Iterator[None]:
    """Errors of the system as StudyError, with the file that could not be read or written; a full
    disk as DiskFull."""
    try:
        yield
    except OSError as error:
        file = error.filename or place
        if is_disk_full(error):
            raise DiskFull(file) from error
        raise StudyError(f"{file}: {error.strerror or error}. Nothing that was finished is lost; "
                         "when it is mended, the same command goes on") from error
