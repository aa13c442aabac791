"""Measures of searches on tables, and what is said of many tables together."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from benchmarks import cli
from benchmarks.means import cost_lines, mean_lines, read_summaries, verdict_lines
from benchmarks.measures import closed, grid_regret, true_regret
from benchmarks.methods import Method
from benchmarks.options import parser
from benchmarks.recorded import BASELINE, Table, save_table
from benchmarks.replay import Run
from benchmarks.report import Summary, summarise
from benchmarks.synthetic import synthetic_table
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space


@pytest.fixture(scope="module")
def summary() -> Summary:
    table = synthetic_table(1)
    best = int(table.truth.argmax())
    run = Run([best] * 20, [best] * 20, list(range(4, 84, 4)), None, [0.1])
    return summarise(table, Method("bayes", lambda *_: None), [run], trials=20,
                     fixed=dict(BASELINE))


def like(summary: Summary, table: str, method: str, true: float, error: float | None = 0.3,
         **changes) -> Summary:
    return replace(summary, table=table, method=method, **changes, **{
        f"{kind}_{after}": value for kind, value in (("true", true), ("error", error))
        for after in (4, 10, 20)})


def test_the_standard_error_counts_different_searches_once():
    values = numpy.array([0.9, 0.8, 0.6])
    runs = [Run([0, 0], [1, 0], [1, 2]), Run([0], [2], [1])]
    regret, error = true_regret(values, [*runs, *runs], 1)
    assert regret == pytest.approx(0.2)
    assert error == pytest.approx(numpy.std([0.1, 0.3], ddof=1) / numpy.sqrt(2))
    assert true_regret(values, runs[1:], 20) == (pytest.approx(0.3), None)
    assert closed(values, 2, 0.1) == pytest.approx(2 / 3)
    assert closed(values, 0, 0.0) is None


def test_the_grid_smoothed_over_decay_is_not_misled_by_one_lucky_point():
    space = Space((Choice("lr", (0.1, 0.01)), Choice("l2_decay", (1e-3, 1e-4), log=True)))
    ends = numpy.array([[0.5, 0.5], [0.9, 0.5], [0.8, 0.8], [0.8, 0.8]])
    table = Table("t", space, ends[:, :, None])
    values = numpy.array([0.5, 0.5, 0.8, 0.8])
    assert grid_regret(table, values) == pytest.approx((0.3 + 0.0) / 2)
    assert grid_regret(table, values, smoothed=True) == pytest.approx(0.0)


def test_a_method_that_ends_sooner_keeps_its_choice(summary):
    table = synthetic_table(1)
    start = table.space.index(BASELINE)
    one = summarise(table, Method("hyperrule", lambda *_: None), [Run([start], [start], [4], None,
                                                                     [0.1])],
                    trials=20, fixed=dict(BASELINE))
    assert one.closed_4 == one.closed_20 == pytest.approx(0.0)
    assert summary.raw_closed_20 == pytest.approx(1.0)
    assert 0.0 < summary.closed_grid <= 1.0


def test_means_have_the_standard_error_over_tables(summary):
    given = [replace(summary, table=str(i), closed_4=share, closed_grid=share)
             for i, share in enumerate((0.5, 0.7, None))]
    _, line, grid, _ = mean_lines(given)
    assert line.split()[:5] == ["bayes", "3", "60.0", "±", "10.0"]
    assert grid.split()[2:6] == ["once", "3", "60.0", "±"]


def test_a_verdict_is_against_the_best_peer_by_the_error_of_the_difference(summary):
    lines = verdict_lines([
        like(summary, "a", "bayes", 2.0), like(summary, "a", "gp", 1.5, 0.4),
        like(summary, "a", "tpe", 1.8), like(summary, "b", "bayes", 1.0, None),
        like(summary, "b", "tpe", 0.8, 0.1), like(summary, "c", "bayes", 1.0)])
    assert len(lines) == 3, "no verdict without a peer"
    assert lines[1].split("   ")[-1] == "20: +0.50 ± 0.50 (gp)"
    assert lines[2].endswith("20: +0.20 ± 0.10 (tpe) WORSE")


def test_costs_are_against_one_worker_without_prior(summary):
    lines = cost_lines([
        replace(summary, table=table, method=method, workers=workers, trials_median=trials)
        for table, method, workers, trials in (
            ("a", "bayes", 1, 3.0), ("a", "bayes", 8, 9.0), ("a", "bayes_turned", 1, 4.0),
            ("b", "bayes", 1, 2.0), ("b", "bayes", 8, 3.0), ("b", "gp", 1, 1.0))])
    assert lines[0].split() == ["trials", "to", "within", "reach", "bayes", "bayes,", "8",
                                "workers", "bayes_turned"]
    assert lines[1].split() == ["a", "3.0", "9.0", "(+6.0)", "4.0", "(+1.0)"]
    assert lines[-1].split()[-2:] == ["+3.5", "+1.0"]
    assert cost_lines([replace(summary, method="gp")]) == []


def test_replay_ends_with_what_means_shows_of_its_lines(tmp_path, capsys):
    save_table(synthetic_table(1), tmp_path / "one.csv")
    replay = ["replay", "--table", str(tmp_path / "one.csv"), "--method", "random", "defaults",
              "--repeats", "2", "--trials", "4", "--workers", "1", "2"]
    assert cli.main(parser().parse_args(replay)) == 0
    shown = capsys.readouterr().out
    assert cli.main(parser().parse_args([*replay, "--json"])) == 0
    (tmp_path / "one.jsonl").write_text(capsys.readouterr().out)
    assert cli.main(parser().parse_args(["means", str(tmp_path / "one.jsonl")])) == 0
    means = capsys.readouterr().out
    assert shown.endswith(means)
    assert [line.split("  ")[0] for line in means.splitlines()[2:6]] == [
        "random", "random, 2 workers", "defaults", "defaults, 2 workers"]


def test_summaries_come_back_from_what_replay_prints(summary, tmp_path):
    file = tmp_path / "one.jsonl"
    file.write_text(summary.json() + "\n")
    [back] = read_summaries([str(file)])
    assert back.json() == summary.json()
    file.write_text(summary.json() + '\n{"table": "old"}\n')
    with pytest.raises(PaddleTransferError, match=r"one\.jsonl, line 2: is no line of 'replay"):
        read_summaries([str(file)])
    with pytest.raises(PaddleTransferError, match=r"none\.jsonl: cannot be read"):
        read_summaries([str(tmp_path / "none.jsonl")])
