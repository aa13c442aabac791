"""What a search shows while it runs and when it ends."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence

from paddle_transfer.report.final import summary
from paddle_transfer.search.final import TITLES
from paddle_transfer.search.ranking import Leaderboard, Ranker
from paddle_transfer.search.results import PointResult, trained
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.study.records import TrialRecord


class Terminal:
    """A listener that prints a line per finished trial and, on a terminal, keeps a progress bar below them.

    :param stream: where to write
    :param clock: seconds, monotonic
    :param ranker: says who is best; one of its own by default
    """

    def __init__(self, settings, *, stream=None, clock: Callable[[], float] = time.monotonic,
                 ranker: Ranker | None = None):
        self.settings = settings
        self.ranker = ranker or Ranker(settings)
        self.stream = stream or sys.stdout
        self.clock = clock
        self.bar = None
        self._epochs: dict[int, tuple[int, float]] = {}
        self._started = 0.0
        self._done_before = 0

    # -- the listener's calls ------------------------------------------------------------------------------------

    def search_started(self, settings, records: Sequence[TrialRecord]) -> None:
        self._started = self.clock()
        finished = [record for record in records if record.finished]
        self._done_before = len(trained(records))
        total = self._total(records)
        size = settings.space.size
        self._print(
            f"Searching {' x '.join(settings.space.names)}: "
            f"{'a continuous space' if size is None else f'{size} points'}, {settings.search_mode}, "
            f"at most {total} trials, results in {settings.output_dir}")
        if finished:
            self._print(f"Going on: {len(finished)} trials are done already.")
        if self.stream.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=total, initial=len(finished), file=self.stream, unit="trial",
                            dynamic_ncols=True,
                            bar_format="{desc} |{bar}| {n_fmt}/{total_fmt} {postfix}")
            self._refresh(records)

    def trial_started(self, record: TrialRecord, device: str) -> None:
        if record.attempts > 1:
            self._print(f"trial {record.number:>3} is run again (attempt {record.attempts})")

    def epoch_reported(self, record: TrialRecord, report) -> None:
        self._epochs[record.number] = (report.epoch, report.value)
        if self.bar is not None:
            self.bar.set_description_str(" ".join(
                f"[{number}: epoch {epoch}, {value:.4f}]"
                for number, (epoch, value) in sorted(self._epochs.items())))

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._epochs.pop(record.number, None)
        done = sum(record.finished for record in records)
        self._print(
            f"[{done:>3}/{self._total(records)}] {self._line(record)}{self._standing(records)}")
        if self.bar is not None:
            self.bar.n = done
            self._refresh(records)

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        self._print("")
        self._print(f"Search ended: {reason}")
        leaderboard = self.ranker.leaderboard(records)
        for line in leaderboard_lines(self.settings, records, leaderboard=leaderboard):
            self._print(line)
        if leaderboard.winner is not None and not self._final_follows(reason):
            for line in commands(self.settings):
                self._print(line)

    def final_started(self, names: Sequence[str]) -> None:
        self._print(f"\nTraining {' and '.join('the ' + TITLES[name] for name in names)} again on "
                    f"{self.settings.final.retrain_on}, to be tested once.")

    def final_training_started(self, name: str, point: dict) -> None:
        """Said by ``final_started``."""

    def final_epoch_reported(self, name: str, report) -> None:
        self._print(
            f"  {TITLES[name]}: epoch {report.epoch}, test {self.settings.metric} {report.value:.4f}"
        )

    def final_ended(self, told: dict | None) -> None:
        for line in ["", *summary(told)] if told is not None else []:
            self._print(line)
        for line in commands(self.settings, final=told is not None):
            self._print(line)

    def _final_follows(self, reason: str) -> bool:
        return self.settings.final is not None and not reason.startswith(
            ("interrupted", "ended by an error"))

    # -- texts ---------------------------------------------------------------------------------------------------

    def _line(self, record: TrialRecord) -> str:
        point = show_point(record.point)
        if record.reused is not None:
            return f"trial {record.number:>3}: same point as trial {record.reused}, not trained again  {point}"
        if record.state == "complete":
            return f"trial {record.number:>3}: {self.settings.metric} {record.value:.4f}  {point}"
        reason = record.info.get("reason", "")
        return f"trial {record.number:>3}: {record.state}{f' ({reason})' if reason else ''}  {point}"

    def _standing(self, records: Sequence[TrialRecord]) -> str:
        best = self.ranker.leaderboard(records).winner
        text = f"  | best {best.value:.4f}" if best is not None else ""
        eta = self._eta(records)
        return text + (f"  | about {duration(eta)} left" if eta else "")

    def _refresh(self, records: Sequence[TrialRecord]) -> None:
        self.bar.set_postfix_str(self._standing(records).replace("  | ", " ").strip())

    def _eta(self, records: Sequence[TrialRecord]) -> float | None:
        """Seconds left, from how long this run took per trial; None before it has finished one."""
        done = len(trained(records)) - self._done_before
        left = self._total(records) - sum(record.finished for record in records)
        return (self.clock() - self._started) / done * left if done > 0 and left > 0 else None

    def _total(self, records: Sequence[TrialRecord]) -> int:
        """Trials at most: the suggestions still allowed, each with its repeats."""
        suggestions = self.settings.max_iter
        if self.settings.search_mode == "greedy":
            return max(min(suggestions * self.settings.search_times,
                           self.settings.plan.trainings(self.settings.search_times)), len(records))
        if self.settings.space.size is not None and self.settings.de_duplication:
            reused = sum(record.reused is not None for record in records)
            suggestions = min(suggestions, self.settings.space.size + reused)
        again = max(0, (self.settings.confirm or 0) - self.settings.search_times)
        points = min(CONFIRMED, suggestions) + (self.settings.fixed is not None)
        return max(suggestions * self.settings.search_times + again * points, len(records))

    def _print(self, text: str) -> None:
        if self.bar is not None:
            self.bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)


def show_point(point: dict) -> str:
    """``lr 0.01, mixup on``."""
    return ", ".join(f"{name} {show_value(value)}" for name, value in point.items())


def show_value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def leaderboard_lines(settings, records: Sequence[TrialRecord], top: int = 10, *,
                leaderboard: Leaderboard | None = None) -> list[str]:
    """The best ``top`` points, the fixed point's row, the gain over it, and how the other trials ended.

    :param leaderboard: of the records, when it is known already
    """
    leaderboard = leaderboard or Ranker(settings).leaderboard(records)
    completed = [result for result in leaderboard.results if result.value is not None]
    if not completed:
        return ["No trial completed."]
    fixed = leaderboard.of(settings.fixed)
    rows = [
        _row(settings, rank, result, leaderboard)
        for rank, result in enumerate(completed[:top], start=1)
    ]
    if fixed is not None and fixed.value is not None and completed.index(fixed) >= top:
        rows.append(_row(settings, completed.index(fixed) + 1, fixed, leaderboard))
    header = [
        "rank", settings.metric, "estimate", "trial", "epoch", *settings.space.names, "weights", ""
    ]
    lines = [
        "", *_table(_without_empty(_without_empty([header, *rows], "weights"), "estimate")), ""
    ]
    best = completed[0]
    if fixed is not None and fixed.value is not None:
        lines.append(f"Best {settings.metric} {best.value:.4f}, fixed point {fixed.value:.4f}: "
                     f"a gain of {100 * (best.value - fixed.value):+.2f} points.")
    else:
        lines.append(f"Best {settings.metric} {best.value:.4f}.")
    lines += _why_best(completed, leaderboard)
    lines += _confirmation(settings, leaderboard)
    lines.append(_census(records))
    return lines


def _why_best(completed: Sequence[PointResult], leaderboard: Leaderboard) -> list[str]:
    """When the winner is not what was observed to be best: why."""
    luckiest = max(completed, key=lambda result: result.value)
    if leaderboard.confirmed or leaderboard.estimates.get(leaderboard.space.key(
            completed[0].point)) is None or (luckiest.value <= completed[0].value):
        return []
    return [
        f"Ranked by estimate: what the model expects of the settings, without the luck of one training (trial "
        f"{luckiest.best.number} got {luckiest.value:.4f})."
    ]


def _confirmation(settings, leaderboard: Leaderboard) -> list[str]:
    """The point found beside the fixed one, by their means over seeds."""
    if not leaderboard.confirmed:
        return []
    found, fixed = leaderboard.confirmed[0], leaderboard.confirmation(settings.fixed)
    line = f"Confirmed {settings.metric}: found {found} ({len(found.values)} seeds)"
    if fixed is found:
        return [line + ", which is the fixed point"]
    return [line + (f", fixed {fixed}" if fixed is not None else "")]


def _row(settings, rank: int, result: PointResult, leaderboard: Leaderboard) -> list[str]:
    value = f"{result.value:.4f}" + (f" ± {result.error:.4f}" if result.error is not None else "")
    fixed, estimate = leaderboard.of(settings.fixed), leaderboard.estimate(result.point)
    mark = "fixed point" if fixed is not None and result.point == fixed.point else ""
    return [
        str(rank), value, "" if estimate is None else f"{estimate:.4f}",
        str(result.best.number),
        str(result.best.info.get("best_epoch", "")),
        *(show_value(result.point[name]) for name in settings.space.names),
        loaded(result.best), mark
    ]


def loaded(record: TrialRecord) -> str:
    """The pretrained weights of a trial and how many of the network's tensors they gave: ``10w, 320/322``."""
    return str((record.info.get("pretrained") or {}).get("short", ""))


def _without_empty(rows: list[list[str]], name: str) -> list[list[str]]:
    """``rows`` without the column ``name`` when there is nothing in it."""
    column = rows[0].index(name)
    return rows if any(
        row[column] for row in rows[1:]) else [row[:column] + row[column + 1:] for row in rows]


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    ]


def _census(records: Sequence[TrialRecord]) -> str:
    counts = {state: sum(record.state == state for record in trained(records))
              for state in ("complete", "pruned", "diverged", "failed")}
    counts["reused"] = sum(record.reused is not None for record in records)
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    worst = next((record for record in trained(records) if record.state == "failed"), None)
    failure = f" First failure, trial {worst.number}: {worst.info.get('reason', '')}" if worst else ""
    return f"Trials: {text}.{failure}"


def commands(settings, *, final: bool = False) -> list[str]:
    """The commands that go on from the result.

    :param final: whether there is a model from the final trainings
    """
    out = settings.output_dir.rstrip("/")
    config, weights = shlex.quote(f"{out}/best_config.yaml"), shlex.quote(f"{out}/best_model")
    return [
        "", "What next:", f"  train it again    python tools/train.py -c {config}",
        f"  evaluate          python tools/eval.py -c {config} -o Global.pretrained_model={weights}",
        f"  export            python tools/export_model.py -c {config} -o Global.pretrained_model={weights} "
        f"-o Global.save_inference_dir={shlex.quote(f'{out}/inference')}", *([
            f"  the tested model  {out}/final/best/best_model.pdparams, trained by config.yaml beside it"
        ] * final), f"  look              visualdl --logdir {shlex.quote(f'{out}/vdl')}"
    ]
