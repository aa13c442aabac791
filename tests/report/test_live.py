"""The table of running trials, as it stands on terminals of several widths."""

import io

import pytest

from paddle_transfer.progress import LiveConsole
from paddle_transfer.report.live import LiveTrials, rich_table
from tests.helpers.fakes import FakeClock

GOING_ON = "One more training is expected to gain 0.40 points"


class Shown:
    """Two trials, one of which has reported 2 of 10 epochs of 60 seconds each, after 100 of start.

    :param width: of the terminal, in columns
    """

    def __init__(self, width=100):
        self.clock, self.stream = FakeClock(), io.StringIO()
        console = LiveConsole(file=self.stream, width=width, force_terminal=True, highlight=False)
        self.live = LiveTrials(console, metric="top1", clock=self.clock)
        self.live.show(3, 12, ["best 0.9000", "about 5 min left"], GOING_ON)
        for number, epochs in ((7, 10), (8, None)):
            self.live.begin_trial(number, "lr 0.01, mixup on, [red] paint", device=f"gpu:{number}",
                                  epochs=epochs)
        for epoch, seconds, value in ((1, 100.0, 0.7), (2, 60.0, 0.6)):
            self.clock.advance(seconds)
            self.live.show_epoch(7, epoch, value)

    def lines(self):
        """What stands on the terminal, without empty lines and colours."""
        plain = io.StringIO()
        console = LiveConsole(file=plain, width=self.live.console.width)
        console.print(self.live._content())
        return [line.rstrip() for line in plain.getvalue().splitlines() if line.strip()]


def test_a_running_trial_has_its_epoch_metric_pace_and_time_left():
    header, _, first, second, bar, going_on = Shown().lines()
    assert header.split() == ["trial", "epoch", "top1", "best", "s/epoch", "gone", "left", "device",
                              "setting"]
    assert first.split()[:9] == ["7", "2/10", "0.6000", "0.7000", "60.0", "3", "min", "8", "min"]
    assert "gpu:7    lr 0.01, mixup on, [red] paint" in first, "and a setting is no markup"
    assert second.split()[:4] == ["8", "0/?", "3", "min"], "nothing is known of it but its time"
    assert bar.split()[-8:] == ["3/12", "best", "0.9000", "|", "about", "5", "min", "left"]
    assert going_on == GOING_ON


def test_the_time_left_goes_down_with_the_clock_alone():
    shown = Shown()
    shown.clock.advance(0.5)
    before = shown.stream.getvalue()
    shown.live.pass_time()
    assert shown.stream.getvalue() == before, "not more often than once a second"
    shown.clock.advance(239.5)
    shown.live.pass_time()
    assert shown.stream.getvalue() != before
    assert "4 min" in shown.lines()[2]
    shown.clock.advance(10_000)
    assert " 0 s " in shown.lines()[2], "late, but never less than nothing"


def test_epochs_that_are_told_again_after_a_checkpoint_took_no_time():
    shown = Shown()
    for epoch in (1, 2, 3):
        shown.live.show_epoch(8, epoch, 0.5)
    assert shown.lines()[3].split()[:6] == ["8", "3/?", "0.5000", "0.5000", "3", "min"]
    shown.clock.advance(40.0)
    shown.live.show_epoch(8, 4, 0.5)
    assert shown.lines()[3].split()[:5] == ["8", "4/?", "0.5000", "0.5000", "40.0"]


@pytest.mark.parametrize("width", [120, 80, 60, 45])
def test_on_a_narrow_terminal_the_setting_is_cut_and_no_number(width):
    header, _, first, second, *_ = lines = Shown(width).lines()
    assert all(len(line) <= width for line in lines)
    for cell in ("7", "2/10", "0.6000"):
        assert cell in first.split()
    assert "8 min" in first
    assert "…" not in header
    assert ("0.7000" in first) == (width >= 70), "the best value gives way to the setting"
    assert "lr 0.01" in second


def test_an_ended_trial_leaves_and_the_end_keeps_the_bar_only():
    shown = Shown()
    shown.live.end_trial(7)
    assert [line.split()[0] for line in shown.lines()[2:4]] == ["8", "trials"]
    shown.live.close()
    assert [line.split()[0] for line in shown.lines()] == ["trials"]


def test_the_cursor_is_never_hidden():
    """A process that is killed would not show it again."""
    shown = Shown()
    shown.live.close()
    assert "\x1b[?25" not in shown.stream.getvalue()


ROWS = [["rank", "top1", "estimate", "trial", "epoch", "lr", "mixup", ""],
        ["1", "0.3083 ± 0.0083", "0.3190", "1", "6", "0.03", "on", ""],
        ["2", "0.2833 ± 0.0167", "0.2610", "0", "5", "0.003", "", "fixed point"]]


def leaderboard(width):
    console = LiveConsole(file=io.StringIO(), width=width)
    console.print(rich_table(ROWS, names=("lr", "mixup"), width=width))
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]


def test_the_leaderboard_has_all_columns_where_they_fit():
    header, _, first, second = leaderboard(100)
    assert header.split() == ["rank", "top1", "estimate", "trial", "epoch", "lr", "mixup"]
    assert first.split() == ["1", "0.3083", "±", "0.0083", "0.3190", "1", "6", "0.03", "on"]
    assert second.split()[-3:] == ["0.003", "fixed", "point"]


def test_on_a_narrow_terminal_a_setting_stands_in_one_column():
    header, _, first, second = leaderboard(68)
    assert header.split() == ["rank", "top1", "trial", "setting"]
    assert first.split() == ["1", "0.3083", "±", "0.0083", "1", "lr", "0.03,", "mixup", "on"]
    assert second.split()[-4:] == ["lr", "0.003,", "fixed", "point"]


def test_on_a_very_narrow_one_no_character_is_lost():
    assert "…" not in "".join(leaderboard(36))
