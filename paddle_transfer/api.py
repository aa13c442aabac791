"""A whole search: takes the output directory, opens the study, checks that it is the same search, runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from paddle_transfer import dotpath
from paddle_transfer.config.base import for_trial
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import ConfigError, DiskFull, SearchFailed, StudyError, is_disk_full
from paddle_transfer.executors.base import ExecutorContext
from paddle_transfer.executors.local import LocalExecutor
from paddle_transfer.loop.callbacks import SearchCallback
from paddle_transfer.loop.driver import Driver
from paddle_transfer.loop.final import FinalRuns
from paddle_transfer.loop.interrupts import Interrupts
from paddle_transfer.loop.lock import DirectoryLock, move_aside
from paddle_transfer.loop.pruning import trial_pruner
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.loop.scheduler import Scheduler
from paddle_transfer.loop.stopping import AutoStop, BudgetLimits, Stopwatch
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.loop.warm_start import load_tasks
from paddle_transfer.samplers.base import PosteriorSampler, Sampler
from paddle_transfer.samplers.registry import SAMPLERS, make_sampler
from paddle_transfer.space.catalog import unsupported
from paddle_transfer.study.base import Store
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.weights.for_search import SearchWeights
from paddle_transfer.weights.requests import weights_requests

PADDLE_RUNNER = "paddle_transfer.worker.runner:run"
#: The study's attribute that holds ``settings.identity()``.
IDENTITY = "identity"


def run_search(settings: Any, *, fresh: bool = False, paddleclas: str | None = None,
               runner: str = PADDLE_RUNNER, callbacks: Sequence[SearchCallback] | None = None,
               ppcls: Callable[[], Path | None] = lambda: None, version: str | None = None) -> int:
    """Run the search, or go on with it; the exit code: 0, 130 after Ctrl-C, 143 after SIGTERM.

    :param settings: a ``config.search_file.SearchSettings``
    :param fresh: move an earlier run in ``output_dir`` aside and start anew
    :param paddleclas: a PaddleClas checkout for the workers
    :param runner: what the workers run, ``MODULE:FUNCTION``
    :param callbacks: who shows and writes what happens; by default result files, VisualDL and the terminal
    :param ppcls: gives PaddleClas's ``ppcls`` folder, for the addresses of pretrained weights outside our catalogue
    :param version: of PaddleClas, when it is known: a key that it cannot search is refused before anything is written
    Raises StudyError (another space or base config, a second search at work), SetupError, DiskFull, SearchFailed (no
    trial completed), WeightsError (they cannot be had, or do not fit the network), each with its exit code.
    """
    check_version(settings, version)
    with Interrupts() as interrupts:
        try:
            reason, records = run(settings, interrupts, fresh=fresh, paddleclas=paddleclas,
                                  runner=runner, callbacks=callbacks, ppcls=ppcls)
        except KeyboardInterrupt:
            if not interrupts.asked():
                raise
            records = []
    if interrupts.asked():
        done = sum(record.finished for record in records)
        print(
            f"Stopped{f' with {done} trials done' if done else ''}; nothing that was finished is lost. "
            "The same command goes on from here.", file=sys.stderr)
        return interrupts.exit_code
    check_outcome(settings, records, reason)
    return 0


def check_version(settings: Any, version: str | None) -> None:
    """Raises ConfigError for a key that PaddleClas ``version`` cannot search."""
    if version is not None:
        issues = unsupported(settings.keys, version, device="gpu" if settings.gpus else "cpu")
        if issues:
            raise ConfigError(settings.file, issues)


def run(settings: Any, interrupts: Interrupts, *, fresh: bool = False,
        paddleclas: str | None = None, runner: str = PADDLE_RUNNER,
        callbacks: Sequence[SearchCallback] | None = None, more: Sequence[SearchCallback] = (),
        ppcls: Callable[[], Path | None] = lambda: None) -> tuple[str, list[TrialRecord]]:
    """As ``run_search``; (why the search ended, its trials).

    :param more: callbacks beside ``callbacks``
    """
    sampler, ranker = begin_with(settings)
    with ExitStack() as stack:
        try:
            callbacks = default_callbacks(settings,
                                          ranker=ranker) if callbacks is None else callbacks
            return _search(settings, stack, fresh=fresh, paddleclas=paddleclas,
                           runner=runner, callbacks=[*callbacks, *more], interrupts=interrupts,
                           ppcls=ppcls, sampler=sampler, ranker=ranker)
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise DiskFull(error.filename or settings.output_dir) from error


def begin_with(settings: Any) -> tuple[Sampler, Ranker]:
    """Who proposes points and who ranks them, with what both know before the first trial.

    Raises ConfigError when something in ``warm_start`` is of no use, before anything is written.
    """
    tasks = load_tasks(settings.warm_start, file=settings.file, space=settings.space,
                       output_dir=settings.output_dir)
    component = settings.sampling.sampler
    sampler = make_sampler(component.name, options=component.options, baseline=settings.fixed,
                           allow_repeats=not settings.de_duplication,
                           eval_size=settings.objective.eval_size, prior=settings.prior,
                           past_tasks=tasks, plan=settings.plan)
    posterior = cast(PosteriorSampler, sampler).posterior if (
        SAMPLERS[component.name].has_posterior) else None
    return sampler, Ranker(settings.search_space, settings.repeats, posterior=posterior,
                           expected_gain=settings.stop == "auto")


def default_callbacks(settings: Any, *, ranker: Ranker) -> tuple[SearchCallback, ...]:
    """Result files first: what is shown may break, what is kept must not."""
    from paddle_transfer.report.registry import REPORTS

    names = ("files", "visualdl", "terminal")
    return tuple(REPORTS[name](settings, ranker=ranker) for name in names)


def _search(settings: Any, stack: ExitStack, *, fresh: bool, paddleclas: str | None, runner: str,
            callbacks: Sequence[SearchCallback], interrupts: Interrupts,
            ppcls: Callable[[], Path | None], sampler: Sampler,
            ranker: Ranker) -> tuple[str, list[TrialRecord]]:
    lock = DirectoryLock(settings.output_dir, pause=interrupts.pause)
    if fresh:
        lock = _start_anew(settings, lock)
    stack.callback(lock.close)
    store = _open(settings)
    stack.callback(store.close)
    requests = weights_requests(settings.base, settings.search_space, settings.output,
                                stages=settings.stages, plan=settings.plan)
    weights = SearchWeights(requests, settings.output, paddleclas=paddleclas, ppcls=ppcls,
                            pause=interrupts.pause)
    weights.resolve()
    check_identity(store, weights.identity(settings.identity()), place=settings.output_dir)
    write_settings(settings)
    pretrained = weights.prepare()

    def make_executor(slowness: float = 1.0) -> LocalExecutor:
        timeout = settings.trial_timeout and slowness * settings.trial_timeout
        made = LocalExecutor(ExecutorContext(
            settings.devices.slots, runner, Path(settings.output_dir) / "logs",
            trial_timeout=timeout, keep_fds=[lock.fd]))
        stack.callback(
            made.close)  # before the lock is let go of: a second search must not meet our workers
        return made

    executor, trial_folders = make_executor(), make_trial_folders(
        settings, paddleclas=paddleclas, store=store, pretrained=pretrained)
    watch = Stopwatch(store)
    stages = settings.stages
    limits = BudgetLimits(settings.budget, base=settings.base, keys=settings.keys, stages=stages,
                          seconds=lambda: watch.seconds)
    scheduler = Scheduler(
        stages=stages, sampler=sampler, space=settings.space, repeats=settings.repeats,
        ranker=ranker, max_iter=settings.max_iter, limits=limits,
        stop_rule=AutoStop(ranker) if settings.stop == "auto" else None)
    spec = settings.pruner and settings.pruner.to_dict()
    pruner = trial_pruner(spec, base=settings.base, space=settings.space, stages=stages,
                          repeats=settings.repeats)
    reason = Driver(
        scheduler=scheduler, store=store, executor=executor, trial_folders=trial_folders,
        callbacks=[watch, *callbacks], pruner=pruner,
        interrupted=interrupts.asked).run()
    records = store.records()
    leaderboard = ranker.leaderboard(records)
    if settings.final and leaderboard.winner is not None and not interrupts.asked():
        executor.close()  # its workers would hold their GPUs
        FinalRuns(settings.final, leaderboard, base=settings.base, stages=stages,
                  search_space=settings.search_space, objective=settings.objective,
                  repeats=settings.repeats, devices=settings.devices,
                  output_dir=settings.output_dir, payload=trial_folders.payload,
                  callbacks=callbacks, interrupted=interrupts.asked).run(make_executor)
    return reason, records


def _open(settings: Any) -> Store:
    from paddle_transfer.study.store import open_store

    return open_store(output_dir=settings.output_dir, space=settings.space,
                      storage=settings.storage)


def _start_anew(settings: Any, lock: DirectoryLock) -> DirectoryLock:
    lock, aside = move_aside(settings.output_dir, lock)
    suffix = aside.name[len(Path(settings.output_dir).name):] if aside else datetime.now().strftime(
        ".%Y%m%d-%H%M%S")
    if settings.storage:
        from paddle_transfer.study.store import set_aside

        set_aside(output_dir=settings.output_dir, storage=settings.storage, suffix=suffix)
    if aside is not None:
        print(f"The earlier run is now in {aside}", file=sys.stderr)
    return lock


def check_identity(store: Store, identity: dict[str, Any], *, place: str) -> None:
    """Make sure that the study's trials belong to this search; a new study takes its identity on.

    Raises StudyError with every setting that changed.
    """
    known = store.attributes().get(IDENTITY)
    if known is None:
        if store.records():
            raise StudyError(
                f"{place}: the study holds trials of something else than a search of this package. Choose "
                "another output_dir or storage, or start anew with --fresh (the old run is moved aside)"
            )
        store.set_attribute(IDENTITY, identity)
        return
    changes = dotpath.diff(known, identity)
    if changes:
        raise StudyError("\n".join([
            f"{place}: holds a search with other settings, and its trials would not compare with new ones. Changed:",
            *(f"  - {change}" for change in changes),
            "Take the changes back to go on with it, choose another output_dir, or start anew with --fresh "
            "(the old run is moved aside)"
        ]))


def make_trial_folders(settings: Any, *, paddleclas: str | None, store: Store,
                   pretrained: Mapping[str, Any]) -> TrialFolders:
    """The trials' folders: a config is the base config, edited for the point, with the trial's folder and seed.

    :param pretrained: what the workers are told of the weights (``weights.for_search``)
    """
    def write_config(record: TrialRecord, path: Path) -> None:
        records = store.records()
        settings.stages.check_weights(record, records)
        config = settings.stages.config(record.proposal, records)
        device = "gpu" if settings.gpus else "cpu"
        dump_yaml(for_trial(config, output_dir=str(path.parent), seed=record.seed, device=device),
                  str(path))

    return TrialFolders(settings.output_dir, write_config=write_config, payload={
        "metric": settings.metric, "paddleclas": paddleclas, "pretrained": dict(pretrained),
        "keep_weights": settings.keep_models > 0 or settings.distillation is not None})


def write_settings(settings: Any) -> None:
    """``output_dir/search.yaml``: the search file as it was understood, overrides put in."""
    dump_yaml(
        settings.to_dict(), str(Path(settings.output_dir) / "search.yaml"), header=
        f"{settings.file} as it was understood. The base config, overrides put in, is in every trial's "
        "config.yaml.")


def check_outcome(settings: Any, records: Sequence[TrialRecord], reason: str) -> None:
    """Raises SearchFailed when not one trial, or not the distillation, came to a result."""
    _check_success(records, reason)
    settings.stages.check_end(records)


def _check_success(records: Sequence[TrialRecord], reason: str) -> None:
    if not records or any(record.state in ("complete", "pruned") for record in records):
        return
    last = records[-1]
    tail = str(last.info.get("log_tail", "")).strip()
    raise SearchFailed(
        f"all {len(records)} trials failed ({reason}). The last one, trial {last.number}: "
        f"{last.info.get('reason', last.state)}" +
        (f"\nThe end of its log:\n{tail}" if tail else ""))
