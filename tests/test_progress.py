from __future__ import annotations

import io

import pytest

from paddle_transfer.progress import ProgressBar, tracked


@pytest.fixture(autouse=True)
def on_a_terminal(monkeypatch):
    """Not in the log of a CI."""
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.0625  # exact in binary, so that sums are
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream):
    bar = ProgressBar("w", unit="bytes", lines=True, stream=stream, clock=Clock())
    for there in range(0, 101):
        bar(there * 1_000_000, 100_000_000)
    bar.close()
    return stream.getvalue()


def test_a_log_gets_a_line_per_tenth():
    lines = shown(io.StringIO()).splitlines()
    assert len(lines) == 11
    assert lines[5] == "w:  50 % [##########          ] 50.0 of 100.0 MB, 16.0 MB/s, 3 s left"
    assert lines[-1].startswith("w: 100 % [####################]")
    assert "left" not in lines[-1]


def test_a_terminal_gets_one_line_that_moves():
    text = shown(Terminal())
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert 40 < text.count("\r") < 60


def test_without_a_length_it_counts_bytes():
    stream = io.StringIO()
    ProgressBar("w", unit="bytes", lines=True, stream=stream, clock=Clock())(3_000_000, None)
    assert stream.getvalue() == "w: 3.0 MB\n"


def test_counted_items_are_shown_on_a_terminal_only():
    terminal, log = Terminal(), io.StringIO()
    for stream in (terminal, log):
        bar = ProgressBar("images", stream=stream)
        for done in (1, 2, 3, 3):
            bar(done, 3)
        bar.close()
    assert log.getvalue() == ""
    assert "images" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1


def test_counted_items_in_a_log_have_a_line_per_tenth_where_asked():
    stream = io.StringIO()
    bar = ProgressBar("features", lines=True, stream=stream, clock=Clock())
    for done in range(0, 201, 5):
        bar(done, 200)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[5] == "features:  50 % [##########          ] 100 of 200, 1 s left"


def test_a_second_list_has_a_bar_of_its_own():
    stream = Terminal()
    with ProgressBar("images", stream=stream) as bar:
        for done, total in ((1, 3), (3, 3), (3, 3), (1, 5), (5, 5)):
            bar(done, total)
    lines = stream.getvalue().split("\n")
    assert ["3/3" in line for line in lines] == [True, False, False]
    assert "5/5" in lines[1]


def test_a_loop_is_tracked_as_its_items_are_used(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    sizes = [4, 4, 2]
    assert list(tracked(sizes, 10, "batches", size=lambda batch: batch)) == sizes
    assert "10/10" in stream.getvalue()
    assert stream.getvalue().endswith("\n")


def test_a_bar_that_does_not_stay_leaves_no_line(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    assert list(tracked("ab", 2, "searches", leaves=False)) == ["a", "b"]
    assert "searches" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K"), "its line is erased"


def test_a_title_is_no_markup():
    stream = Terminal()
    ProgressBar("[red]w[/red]", stream=stream)(1, 1)
    assert "[red]w[/red]" in stream.getvalue()
