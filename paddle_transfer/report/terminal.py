"""The terminal: a line for every trial, what runs below them, the leaderboard at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from paddle_transfer.config import resolve
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import counted
from paddle_transfer.executors.base import EpochReport
from paddle_transfer.loop.callbacks import is_over
from paddle_transfer.loop.failures import same_cause
from paddle_transfer.loop.final import TITLES
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.progress import live_console
from paddle_transfer.report.base import Report
from paddle_transfer.report.forecast import (
    confirm_text,
    most_confirmations,
    most_trials,
    task_lines,
)
from paddle_transfer.report.formatting import duration, on_images, show_point
from paddle_transfer.report.leaderboard import final_lines, leaderboard_rows, soup_lines
from paddle_transfer.report.live import LiveTrials, rich_table
from paddle_transfer.report.next_steps import next_steps
from paddle_transfer.report.summary import leaderboard_lines, outlook_line, summary_lines
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.study.history import History
from paddle_transfer.study.records import Stage, TrialRecord, TrialState

#: How much longer the time between two questions to the search's model is than one takes.
SHARE = 20


class Terminal(Report):
    """Prints a line per finished trial; on a terminal and in a notebook, progress stands below.

    :param stream: where to write; standard output by default
    :param clock: seconds, monotonic
    """

    name = "terminal"

    def __init__(self, settings: SearchSettings, *, ranker: Ranker, given: Options | None = None,
                 stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        super().__init__(settings, ranker=ranker, given=given)
        self.stream, self.clock = stream or sys.stdout, clock
        self._live: LiveTrials | None = None
        self._records: Sequence[TrialRecord] = ()  # the search's own
        self._begun: dict[int, float] = {}  # when trials of this run began
        self._took: tuple[float, int] = (0.0, 0)  # the seconds of those that have ended, and them
        self._failed: dict[str, int] = {}  # the first trial that ended of a cause
        self._best: dict[Stage, float] = {}  # the largest metric of one training
        self._told, self._again = "", float("-inf")  # what going on is worth, and when to ask again

    def search_started(self, records: Sequence[TrialRecord]) -> None:
        settings, self._records = self.settings, records
        for record in records:
            self._note(record)
        history = self._history(records)
        space, total = settings.search_space.space, self._total(history)
        size = "a continuous space" if space.size is None else counted(space.size, "point")
        self._print(f"Searching {' x '.join(space.names)}: {size}, "
                    f"{settings.sampling.sampler.name}, at most {counted(total, 'trial')}, "
                    f"results in {settings.output.output_dir}")
        confirmed = confirm_text(settings)
        if confirmed:
            self._print(f"Before one is named, {confirmed} (confirm).")
        for line in task_lines(settings):
            self._print(f"Learning from {line}")
        for note in settings.notes:
            self._print(f"Note: {note}")
        finished = history.done
        if finished:
            self._print(f"Going on: {counted(finished, 'trial')} "
                        f"{'is' if finished == 1 else 'are'} done already.")
        console = live_console(self.stream)
        if console is not None:
            self._live = LiveTrials(console, metric=settings.objective.metric, clock=self.clock)
            self._live.show(finished, total, self._standing(history), self._going_on(records))

    def trial_started(self, record: TrialRecord, device: str) -> None:
        self._begun.setdefault(record.number, self.clock())
        if record.attempts > 1:
            how = (f" with 1 / {record.accumulate} of its batch, for it ran out of memory"
                   if record.accumulate > 1 else "")
            self._print(f"trial {record.number:>3} is run again{how} (attempt {record.attempts})")
        if self._live is not None:
            stages = self.settings.stages
            config = stages.raw_config(record.proposal, self._records)
            self._live.begin_trial(
                record.number, show_point(stages.trained_with(record.proposal)), device=device,
                epochs=resolve.epochs(config))

    def epoch_reported(self, record: TrialRecord, report: EpochReport) -> None:
        if self._live is not None:
            self._live.show_epoch(record.number, report.epoch, report.value)

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        history = self._history(records)
        done, total = history.done, self._total(history)
        begun = self._begun.pop(record.number, None)
        if begun is not None and record.state is not TrialState.FAILED:
            self._took = self._took[0] + self.clock() - begun, self._took[1] + 1
        self._note(record)
        standing = self._standing(history)
        after = "".join(f"  | {part}" for part in standing)
        self._print(f"[{done:>3}/{total}] {self._line(record)}{after}")
        if self._live is not None:
            self._live.end_trial(record.number)
            self._live.show(done, total, standing, self._going_on(records))

    def turn_ended(self, records: Sequence[TrialRecord]) -> None:
        if self._live is not None:
            self._live.pass_time()

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        console = self._live.console if self._live is not None else None
        if self._live is not None:
            self._live.close()
            self._live = None
        self._print(f"\nSearch ended: {reason}")
        leaderboard, outlook = self.ranker.leaderboard(records), self.ranker.outlook(records)
        if console is None or leaderboard.winner is None:
            lines = leaderboard_lines(self.settings, records, leaderboard, outlook=outlook)
        else:
            console.print(rich_table(leaderboard_rows(self.settings, leaderboard),
                                     names=self.settings.stages.names, width=console.width))
            lines = summary_lines(self.settings, records, leaderboard, outlook)
        self._print("\n".join(lines))
        if leaderboard.winner is not None and not (self.settings.final and is_over(reason)):
            self._print("\n".join(next_steps(self.settings)))

    def final_started(self, names: Sequence[str]) -> None:
        assert self.settings.final is not None, "final trainings are asked for in the search file"
        titles = " and ".join(f"the {TITLES[name]}" for name in names)
        self._print(f"\nTraining {titles} again on {self.settings.final.retrain_on}, to be tested "
                    "once.")

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        metric = self.settings.objective.metric
        self._print(f"  {TITLES[name]}: epoch {report.epoch}, test {metric} {report.value:.4f}"
                    + on_images(report.images))

    def final_ended(self, results: dict[str, Any] | None) -> None:
        if results is not None:
            self._print("\n".join(["", *final_lines(results)]))
        self._print("\n".join(next_steps(self.settings, final=results is not None)))

    def soup_started(self, trials: Sequence[int], left_out: Mapping[int, str]) -> None:
        self._print(f"\nA soup of the weights of trials {', '.join(map(str, trials))}:")
        for trial, why in left_out.items():
            self._print(f"  trial {trial} is left out: {why}")

    def soup_step_ended(self, trial: int, value: float | None, taken: bool) -> None:
        told = "no result" if value is None else (
            f"{self.settings.objective.metric} {value:.4f}")
        self._print(f"  with trial {trial}: {told}" + ("" if taken else ", not taken"))

    def soup_ended(self, result: dict[str, Any] | None) -> None:
        if result is not None:
            self._print("\n".join(soup_lines(result)))
        self._print("\n".join(next_steps(self.settings)))

    # -- inside ----------------------------------------------------------------------------------

    def _line(self, record: TrialRecord) -> str:
        seed = f" (seed {record.seed})" if record.seed != self.settings.repeats.seed else ""
        head, point = f"trial {record.number:>3}{seed}:", show_point(
            self.settings.stages.trained_with(record.proposal))
        if record.reused is not None:
            return f"{head} same point as trial {record.reused}, not trained again  {point}"
        if record.state == "complete":
            return f"{head} {self.settings.objective.metric} {record.value:.4f}  {point}"
        reason = record.info.get("reason", "")
        first = self._failed.setdefault(same_cause(reason), record.number)
        why = f" (as trial {first})" if first != record.number else f" ({reason})" if reason else ""
        return f"{head} {record.state}{why}  {point}"

    def _going_on(self, records: Sequence[TrialRecord]) -> str:
        """What going on is worth; of many trials as it was, so that asking takes little time."""
        began = self.clock()
        if began >= self._again:
            self._told = outlook_line(self.settings, self.ranker.outlook(records))
            now = self.clock()
            self._again = now + SHARE * (now - began)
        return self._told

    def _history(self, records: Sequence[TrialRecord]) -> History:
        return History.of(self.settings.search_space.space, records)

    def _note(self, record: TrialRecord) -> None:
        if record.complete and record.value is not None:
            self._best[record.stage] = max(record.value, self._best.get(record.stage, record.value))

    def _standing(self, records: History) -> list[str]:
        """The best metric of one training so far, which point leads where that is another or has
        a lower mean, and the time left, as far as they are known."""
        leader, left = self.ranker.winner(records), self._seconds_left(records)
        told = []
        if leader is not None and leader.value is not None:
            best = self._best[leader.proposal.stage]
            told.append(f"best {best:.4f}")
            if leader.value < best:
                count = sum(trial.complete for trial in leader.trials)
                why = f"mean of {count} seeds" if count > 1 else "by the model"
                told[0] += f", leading {leader.value:.4f} ({why})"
        return told + ([f"about {duration(left)} left"] if left else [])

    def _seconds_left(self, records: History) -> float | None:
        """By the mean time of a trial that began and ended in this run, and the trials that run at
        once; None before there is one."""
        left, (seconds, count) = self._total(records) - records.done, self._took
        if not count or left <= 0:
            return None
        return seconds / count * left / len(self.settings.devices.slots)

    def _total(self, records: History) -> int:
        """Trials at most, those that only reuse a result counted."""
        reused = records.reused
        return max(most_trials(self.settings, reused=reused)
                   + most_confirmations(self.settings, reused=reused), len(records))

    def _print(self, text: str) -> None:
        if self._live is not None:
            self._live.print(text)
        else:
            print(text, file=self.stream, flush=True)
