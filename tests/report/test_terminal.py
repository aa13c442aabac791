import io
import os
import re

import pytest

from paddle_transfer.executors.base import EpochReport
from paddle_transfer.report import summary
from paddle_transfer.report.formatting import duration
from paddle_transfer.report.next_steps import next_steps
from paddle_transfer.report.terminal import Terminal
from paddle_transfer.settings.final import Final
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from tests.helpers.configs import base_config
from tests.helpers.fakes import FakeClock
from tests.helpers.records import ranker_of, record, shown_settings


class Tty(io.StringIO):
    def isatty(self):
        return True


def log_lines(monkeypatch, variable=""):
    """Set one of the variables that decide what a terminal gets, and none of the others."""
    for name in ("TERM", "CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(*variable.split("="))


def leaderboard_lines(settings, records, top=10):
    ranked = ranker_of(settings).leaderboard(records)
    return summary.leaderboard_lines(settings, records, ranked, top)


def show(records, *, stream=None, before=(), reason="max_iter reached", **changes):
    settings, stream, clock = shown_settings("out/my search",
                                             **changes), stream or io.StringIO(), FakeClock()
    terminal = Terminal(settings, ranker=ranker_of(settings), stream=stream, clock=clock)
    terminal.search_started(list(before))
    done = list(before)
    for entry in records:
        terminal.trial_started(entry, "cpu:0")
        terminal.epoch_reported(entry, EpochReport(entry.number, 1, 1, 0.5))
        clock.advance(60.0)
        done.append(entry)
        terminal.trial_ended(entry, list(done))
    terminal.search_ended(done, reason)
    return stream.getvalue()


def test_a_line_per_trial_with_the_best_so_far_and_the_time_left():
    text = show([
        record(0, 0.01, value=0.7),
        record(1, 0.001, value=0.65),
        record(2, 0.1, state="diverged")
    ], max_iter=6)
    lines = text.splitlines()
    assert lines[0] == (
        "Searching lr x mixup: 6 points, bayes, at most 6 trials, results in out/my search")
    assert lines[1:4] == [
        "[  1/6] trial   0: top1 0.7000  lr 0.01, mixup off  | best 0.7000  | about 5 min left",
        "[  2/6] trial   1: top1 0.6500  lr 0.001, mixup off  | best 0.7000  | about 4 min left",
        "[  3/6] trial   2: diverged  lr 0.1, mixup off  | best 0.7000  | about 3 min left"]


def test_the_remarks_on_a_search_stand_at_its_begin():
    text = show([], notes=("Trials run on the CPU.", "Another."))
    assert text.splitlines()[1:3] == ["Note: Trials run on the CPU.", "Note: Another."]


def test_going_on_says_so_and_does_not_count_earlier_trials_in_the_time():
    text = show([record(1, 0.001, value=0.65)], before=[record(0, 0.01, value=0.7)])
    assert "Going on: 1 trial is done already." in text
    assert ("[  2/6] trial   1: top1 0.6500  lr 0.001, mixup off  | best 0.7000  "
            "| about 4 min left") in text


def test_the_time_left_is_that_of_trials_that_began_in_this_run():
    """A result that the run before left on disk is told at once, after no time."""
    settings = shown_settings("out", max_iter=5, workers=2)
    stream, clock = io.StringIO(), FakeClock()
    terminal = Terminal(settings, ranker=ranker_of(settings), stream=stream, clock=clock)
    records = [record(0, 0.01, value=0.7), record(1, 0.001, value=0.6)]
    terminal.search_started([])
    clock.advance(1.0)
    terminal.trial_ended(records[0], records[:1])
    terminal.trial_started(records[1], "cpu:1")
    clock.advance(120.0)
    terminal.trial_ended(records[1], records)
    adopted, own = stream.getvalue().splitlines()[1:]
    assert "left" not in adopted
    assert own.endswith("about 3 min left"), "3 trials of 2 minutes, two at once"


def test_a_cause_is_told_once_and_the_number_of_its_trials_at_the_end():
    failed = [record(number, lr, state="failed", info={"reason": f"no room for {number} bytes"})
              for number, lr in enumerate((0.1, 0.01), start=1)]
    text = show([record(0, 0.001, value=0.7), *failed], max_iter=6)
    assert "trial   1: failed (no room for 1 bytes)" in text
    assert "trial   2: failed (as trial 1)" in text
    assert "Trials: 1 complete, 2 failed.\n  failed, 2 trials: no room for 1 bytes\n" in text


def test_a_reused_point_and_a_retry_are_told():
    text = show([record(0, 0.01, value=0.7, attempts=2), record(1, 0.01, value=0.7, reused=0)])
    assert "trial   0 is run again (attempt 2)" in text
    tries = [{"attempt": 1, "verdict": "out_of_memory", "accumulate": 2}]
    assert "trial   0 is run again with 1 / 2 of its batch, for it ran out of memory (at" in show(
        [record(0, 0.01, value=0.7, attempts=2, info={"tries": tries})])
    assert "trial   1: same point as trial 0, not trained again" in text


def test_the_leaderboard_says_what_was_loaded_where_weights_were():
    records = [record(0, 0.01, value=0.7, info={"pretrained": {"short": "10w, 320/322"}}),
               record(1, 0.001, value=0.6, info={"pretrained": None})]
    lines = leaderboard_lines(shown_settings("out", search_mode="random"), records)
    assert lines[1].split() == ["rank", "top1", "trial", "epoch", "lr", "mixup", "weights"]
    assert lines[2].split()[6:8] == ["10w,", "320/322"]
    assert len(lines[3].split()) == 6


def test_the_leaderboard_has_the_fixed_points_row_and_the_gain():
    records = [
        record(0, 0.01, value=0.7),
        record(1, 0.001, True, value=0.8125),
        record(2, 0.1, state="failed", info={"reason": "exit code 1"})
    ]
    lines = leaderboard_lines(shown_settings("out", search_mode="random"), records)
    assert lines[1].split() == ["rank", "top1", "trial", "epoch", "lr", "mixup"]
    assert lines[2].split() == ["1", "0.8125", "1", "2", "0.001", "on"]
    assert lines[3].split() == ["2", "0.7000", "0", "2", "0.01", "off", "fixed", "point"]
    assert lines[5:9] == [
        "Best top1 0.8125 on 9 images, fixed point 0.7000: a gain of +11.25 ± 14.19 points.",
        "That is no more than luck may give (± counts 9 images).",
        "Trials: 2 complete, 1 failed.", "  failed, trial 2: exit code 1"]


def test_the_fixed_point_is_shown_however_low_it_ranks():
    records = [record(0, 0.01, value=0.1), record(1, 0.1, value=0.3), record(2, 0.001, value=0.2)]
    assert any(line.startswith("3 ") and line.endswith("fixed point")
               for line in leaderboard_lines(shown_settings("out"), records, top=1))


def test_repeats_show_their_standard_error():
    records = [record(0, 0.1, value=0.5), record(1, 0.1, value=0.6, seed=1)]
    assert "0.5500 ± 0.0500" in leaderboard_lines(shown_settings("out"), records)[2]


def test_the_commands_wait_for_the_final_trainings():
    best = record(0, 0.01, value=0.7)
    assert "What next" in show([best])
    assert "What next" not in show([best], final=Final("train+val"))
    for reason in ("interrupted", "ended by an error: DiskFull"):
        assert "What next" in show([best], final=Final("train+val"), reason=reason)


def test_nothing_completed():
    text = show([record(0, 0.1, state="diverged")])
    assert "No trial completed." in text
    assert "What next" not in text


def test_no_command_is_shown_for_what_was_not_kept_or_written(tmp_path):
    text = "\n".join(next_steps(shown_settings(str(tmp_path), keep_models=0)))
    assert "train it again" in text
    for word in ("best_model", "try an image", "export", "visualdl"):
        assert word not in text


def test_the_commands_can_be_pasted_into_a_shell(monkeypatch):
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "out/my search/vdl/search")
    text = "\n".join(next_steps(shown_settings("out/my search")))
    assert "tools/train.py -c 'out/my search/best_config.yaml'" in text
    assert "-o Global.pretrained_model='out/my search/best_model'" in text
    assert re.search(r"^  try an image      .*infer.* -c 'out/my search/best_config.yaml' "
                     r"-o Global.pretrained_model='out/my search/best_model' "
                     r"-o Infer.infer_imgs=photo.jpg$", text, re.MULTILINE)
    assert "visualdl --logdir 'out/my search/vdl'" in text


def test_a_terminal_gets_a_table_of_what_runs_and_a_bar(monkeypatch):
    log_lines(monkeypatch)
    text = show([record(0, 0.01, value=0.7)], stream=Tty())
    assert re.search(r"0 +1/3 +0.5000 +0.5000 .* lr 0.01, mixup off", text)
    assert "1/6" in text
    assert "best 0.7000" in text


@pytest.mark.parametrize("variable", ["TERM=dumb", "CI=true"])
def test_a_log_on_a_terminal_gets_plain_lines(monkeypatch, variable):
    log_lines(monkeypatch, variable)
    records = [record(0, 0.01, value=0.7), record(1, 0.1, value=0.6)]
    assert show(records, stream=Tty()) == show(records)


def test_without_colours_there_are_none(monkeypatch):
    log_lines(monkeypatch, "NO_COLOR=1")
    text = show([record(0, 0.01, value=0.7)], stream=Tty())
    assert re.search(r"\x1b\[\d*A", text), "but it is redrawn"
    assert not re.search(r"\x1b\[(3|4|9|10)\d", text)


def test_what_going_on_is_worth_stands_below_the_bar(monkeypatch):
    log_lines(monkeypatch)
    values = {0.1: 0.5, 0.01: 0.7, 0.001: 0.6}
    records = [record(number, lr, value=value) for number, (lr, value) in enumerate(values.items())]
    before_the_end = show(records, stream=Tty()).split("Search ended")[0]
    assert "worth it: one more training is expected to gain" in " ".join(before_the_end.split())


@pytest.mark.parametrize(("seconds", "asked"), [(2.0, 4), (10.0, 2)])
def test_what_going_on_is_worth_is_asked_for_a_twentieth_of_the_time(monkeypatch, seconds, asked):
    log_lines(monkeypatch)
    settings, clock, done = shown_settings("out"), FakeClock(), []
    ranker, times = ranker_of(settings), []
    monkeypatch.setattr(ranker, "outlook", lambda _: (times.append(1), clock.advance(seconds))[0])
    terminal = Terminal(settings, ranker=ranker, stream=Tty(), clock=clock)
    terminal.search_started(done)
    for number in range(3):
        clock.advance(100.0)
        done.append(record(number, 0.01, value=0.7))
        terminal.trial_ended(done[-1], list(done))
    assert len(times) == asked, "at the begin, and after trials"


def test_the_best_never_falls_and_another_leader_is_named():
    """What leads is the best by the model, or by the mean of its seeds."""
    values = ((0.01, 0.5, 0), (0.1, 0.9, 0), (0.1, 0.5, 1))
    text = show([record(number, lr, value=value, seed=seed)
                 for number, (lr, value, seed) in enumerate(values)], search_mode="random")
    told = [line.split("  | ")[1] for line in text.splitlines() if line.startswith("[")]
    assert told == ["best 0.5000", "best 0.9000", "best 0.9000, leading 0.7000 (mean of 2 seeds)"]
    ranked = show([record(0, 0.01, value=0.7), record(1, 0.1, value=0.701),
                   record(2, 0.001, value=0.1)])
    assert "best 0.7010, leading 0.7000 (by the model)" in ranked, "the fixed point stays before it"


def test_durations():
    assert [duration(seconds)
            for seconds in (45, 90, 3600, 7200)] == ["45 s", "2 min", "60 min", "2.0 h"]


def test_a_key_that_is_inactive_in_a_point_is_not_shown_with_a_value():
    keys = (SearchKey(Choice("mixup", (False, True))),
            SearchKey(Choice("lr", (0.1, 0.01), condition=(("mixup", (True,)),))))
    text = show([record(0, 0.1, value=0.7), record(1, 0.01, True, value=0.6)], keys=keys,
                fixed=None)
    assert "trial   0: top1 0.7000  mixup off  |" in text
    assert "trial   1: top1 0.6000  lr 0.01, mixup on  |" in text
    header, first, second = text.split("\n\n")[2].splitlines()
    place = header.index("lr")
    assert (first[place:place + 4].strip(), second[place:place + 4]) == ("", "0.01")


@pytest.mark.parametrize(("value", "told"), [(0.25, True), (0.2, True), (0.26, False)])
def test_a_best_point_that_only_guesses_is_told(value, told):
    base = base_config()
    base["Arch"]["class_num"] = 4
    text = show([record(0, 0.1, value=value)], base_config=base)
    assert ("No point is better than guessing one of the 4 classes (0.2500)" in text) == told
