"""What must hold of a search whatever went wrong in it. Each rule yields what breaks it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fault_script import EPOCHS, LR, MIXUP
from benchmarks.faulty import Accident
from paddle_transfer.api import make_sampler_and_ranker
from paddle_transfer.clock import LONGEST
from paddle_transfer.executors.base import Job
from paddle_transfer.loop.stopping import SECONDS
from paddle_transfer.report.results import results_csv, summary
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.records import TrialRecord, TrialState
from paddle_transfer.study.store import JOURNAL_NAME, read_store
from paddle_transfer.study.trial_folder import TrialFolder

if TYPE_CHECKING:
    from benchmarks.faults import Trouble

#: The points of a search's space.
POINTS = len(LR) * len(MIXUP)
#: Searches whose trials do not depend on the order in which they end.
SAME = ("grid", "repeats", "timeout", "confirm")
#: Seconds of searching that a kill may lose.
_LOST = 30.0
_STATES = {"complete": TrialState.COMPLETE, "diverged": TrialState.DIVERGED,
           "nonfinite": TrialState.DIVERGED}


def records_of(settings: SearchSettings) -> list[TrialRecord]:
    """The records on disk; none where no study is."""
    folder = settings.output.output_dir
    path = Path(folder) / JOURNAL_NAME
    if not path.exists() or b"\n" not in path.read_bytes():
        return []
    with closing(read_store(output_dir=folder, space=settings.search_space.space)) as store:
        return store.records()


def has_result(settings: SearchSettings, record: TrialRecord) -> bool:
    """Whether a running trial's worker has left a result that counts."""
    result = TrialFolder.of(settings.output.output_dir, record.number).read_result(
        record.number, record.attempts)
    return result is not None and result["verdict"] != "invalid"


def broken(trouble: Trouble, undisturbed: Trouble) -> list[str]:
    """The rules that the search of ``trouble`` breaks."""
    records = records_of(trouble.settings)
    return [*_outcomes(trouble, records), *_trainings(trouble), *_told(trouble),
            *_budgets(trouble, records), *_files(trouble, records),
            *_same(trouble, records, undisturbed)]


def _outcomes(trouble: Trouble, records: Sequence[TrialRecord]) -> Iterator[str]:
    """Every trial has ended as its point does, with its whole curve; no training is there twice."""
    script = trouble.script
    for record in records:
        if record.reused is not None:
            continue
        play = script.play(record.point, record.seed)
        fate = script.fates.get((record.point["lr"], record.point["mixup"]), "complete")
        state = _STATES.get(fate, TrialState.FAILED)
        if record.state is TrialState.PRUNED and script.feature == "pruner":
            play, state = play.cut(len(record.curve)), record.state
        if record.state is not state:
            yield f"trial {record.number} is {record.state}, its point {fate}: {record.info}"
        elif state.has_value and (record.value, [list(pair) for pair in record.curve]) != (
                play.value, play.curve):
            yield f"trial {record.number} has {record.value}, {record.curve}: not {play}"
    keys = Counter((json.dumps(record.point), record.seed) for record in records
                   if record.reused is None)
    yield from (f"{point} was trained {times} times with seed {seed}"
                for (point, seed), times in keys.items() if times > 1)
    if [record.number for record in records] != list(range(len(records))):
        yield "the numbers of the trials have gaps"


def _trainings(trouble: Trouble) -> Iterator[str]:
    """What has a result is not trained again; no attempt begins twice."""
    done, begun = set[int](), Counter[tuple[int, int]]()
    for number, (known, life) in enumerate(zip(trouble.finished, trouble.lives, strict=True)):
        done |= known
        for what, trial, attempt, how in life.executor.log:
            if what == "submit":
                begun[trial, attempt] += 1
                if trial in done:
                    yield f"trial {trial} was trained again by driver {number}"
            elif how in ("complete", "pruned", "diverged") and trouble.script.accident(
                    Job(trial, attempt, ""), number) is not Accident.EMPTY and not (
                    _is_nonfinite(trouble, trial)):
                done.add(trial)
        done |= set(life.seen.final)
    yield from (f"attempt {key} began {times} times" for key, times in begun.items() if times > 1)


def _is_nonfinite(trouble: Trouble, number: int) -> bool:
    point = records_of(trouble.settings)[number].point
    return trouble.script.fates.get((point["lr"], point["mixup"])) == "nonfinite"


def _told(trouble: Trouble) -> Iterator[str]:
    """Callbacks hear of every epoch of an attempt once and in order, and of a trial's end once."""
    ended = set[int]()
    for number, life in enumerate(trouble.lives):
        for key, epochs in life.seen.epochs.items():
            if epochs != sorted(set(epochs)) or not set(epochs) <= set(range(1, EPOCHS + 1)):
                yield f"driver {number} told the epochs {epochs} of attempt {key}"
        yield from (f"driver {number} told {times} ends of trial {trial}"
                    for trial, times in life.seen.ended.items() if times > 1)
        yield from (f"driver {number} told the end of trial {trial} again"
                    for trial in ended & set(life.seen.final))
        ended |= set(life.seen.final)


def _budgets(trouble: Trouble, records: Sequence[TrialRecord]) -> Iterator[str]:
    """Neither more nor less was spent than the search may."""
    budget = trouble.settings.budget
    trained = [record for record in records if record.reused is None]
    points = len({json.dumps(record.point) for record in trained})
    if trouble.script.feature in ("grid", "timeout", "repeats", "pruner") and points != POINTS:
        yield f"{points} of {POINTS} points were tried"
    suggestions = 1 + max((record.suggestion for record in records), default=-1)
    whole = suggestions == budget.max_iter or points == POINTS
    if suggestions > budget.max_iter:
        yield f"{suggestions} suggestions for max_iter {budget.max_iter}"
    spent = sum(len(record.curve) for record in trained)
    if budget.epoch_budget is None and budget.time_budget is None and not whole:
        yield f"it ended after {suggestions} suggestions: {trouble.lives[-1].seen.reason}"
    if budget.epoch_budget is not None:
        if spent > budget.epoch_budget:
            yield f"{spent} epochs for a budget of {budget.epoch_budget}"
        if spent + EPOCHS <= budget.epoch_budget and not whole:
            yield f"it ended after {spent} epochs for a budget of {budget.epoch_budget}"
    with closing(read_store(output_dir=trouble.settings.output.output_dir,
                            space=trouble.settings.search_space.space)) as store:
        counted, true = store.attributes().get(SECONDS, 0.0), sum(trouble.seconds)
    jumps = LONGEST * sum(end.how == "clock" for end in trouble.script.ends)
    if not true - _LOST * len(trouble.lives) - 0.01 <= counted <= true + jumps + 0.01:
        yield f"{counted} s are counted of {true}"
    if budget.time_budget is not None and not whole and (
            counted < 3600 * budget.time_budget - 0.01):
        yield f"it ended after {counted} s for a budget of {3600 * budget.time_budget}"


def _files(trouble: Trouble, records: Sequence[TrialRecord]) -> Iterator[str]:
    """The result files are those of the study."""
    settings, folder = trouble.settings, Path(trouble.settings.output.output_dir)
    _, ranker = make_sampler_and_ranker(settings)
    leaderboard = ranker.leaderboard(records)
    if (folder / "search_results.csv").read_text() != results_csv(settings, records, leaderboard):
        yield "search_results.csv is another one"
    made = summary(settings, records, leaderboard, reason=trouble.lives[-1].seen.reason,
                   left_out=len(ranker.to_confirm(records)), outlook=ranker.outlook(records))
    if json.loads((folder / "search_results.json").read_text()) != json.loads(json.dumps(made)):
        yield "search_results.json is another one"
    if leaderboard.winner is not None:
        number = leaderboard.winner.best.number
        if f" in trial {number}, " not in (folder / "best_config.yaml").read_text():
            yield f"best_config.yaml is not of trial {number}"
    for record in records:
        trial = TrialFolder.of(folder, record.number)
        if json.loads(trial.record.read_text()) != json.loads(json.dumps(record.to_plain())):
            yield f"trial.json of trial {record.number} is another one"
        if record.reused is None and not trouble.lives[-1].disk.happened and not any(
                (folder / "vdl").glob(f"{record.number:04d}*/.complete")):
            yield f"VisualDL lacks trial {record.number}"
    yield from (f"{path} was left behind" for path in folder.rglob("*.tmp*"))


def _same(trouble: Trouble, records: Sequence[TrialRecord], undisturbed: Trouble) -> Iterator[str]:
    """Trials and winner are those of a search in which nothing went wrong."""
    there = records_of(undisturbed.settings)
    if trouble.script.feature in SAME:
        mine, other = (sorted((json.dumps(one.point), one.seed, str(one.state), one.value or 0.0)
                              for one in some if one.reused is None) for some in (records, there))
        if mine != other:
            yield f"the trials are {mine}, undisturbed {other}"
    if trouble.script.feature in (*SAME, "pruner"):
        winners = [make_sampler_and_ranker(one.settings)[1].leaderboard(some).winner
                   for one, some in ((trouble, records), (undisturbed, there))]
        points = [winner and (winner.point, winner.value) for winner in winners]
        if points[0] != points[1]:
            yield f"the winner is {points[0]}, undisturbed {points[1]}"
