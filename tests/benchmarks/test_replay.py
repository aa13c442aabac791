"""Replays: what a search on a table counts, and that the numbers of ``--json`` mean what they
say."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from benchmarks import miniature
from benchmarks.measures import first_within_reach, grid_regret, wrongly_stopped
from benchmarks.methods import Method, find_methods, methods, others, run_method, told_rate
from benchmarks.recorded import BASELINE, Table, load_table, save_table
from benchmarks.replay import Run, SamplerSearcher, replay
from benchmarks.report import Summary, summarise
from benchmarks.synthetic import synthetic_table
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.gp.past_tasks import read_tasks
from paddle_transfer.samplers.gp.task_prior import compress_table
from tests.helpers.sampler_suite import PUBLISHED

TOOL = Path(__file__).parents[2] / "tools" / "benchmark.py"


class Scripted:
    """Asks for the given points; chooses the last one told; ends trials after ``epochs``; stops
    after ``stop``."""

    def __init__(self, points, *, epochs=99, stop=99):
        self.points, self.epochs, self.stop, self.told, self.log = list(
            points), epochs, stop, [], []

    def ask(self):
        self.log.append("ask")
        return self.points.pop(0) if self.points else None

    def watch(self, _point, epoch, _value):
        return epoch >= self.epochs

    def tell(self, point, curve, pruned):
        self.log.append("tell")
        self.told.append((point, curve, pruned))

    def chosen(self):
        return self.told[-1][0]

    def enough(self):
        return len(self.told) >= self.stop


@pytest.fixture
def table() -> Table:
    return synthetic_table(1)


def test_a_replay_hands_out_the_recorded_curves_of_one_seed(table):
    searcher = Scripted([table.space.point(i) for i in (5, 190)], stop=2)
    run = replay(table, searcher, recorded_seed=2, trials=10)
    assert run.points == run.chosen == [5, 190]
    assert run.epochs == [4, 8]
    assert run.stop == 2
    assert [value for _, value in searcher.told[1][1]] == pytest.approx(table.curves[190, 2])


def test_pruned_trials_cost_only_their_epochs(table):
    searcher = Scripted([table.space.point(i) for i in (5, 190)], epochs=1)
    run = replay(table, searcher, recorded_seed=0, trials=10)
    assert run.epochs == [1, 2]
    assert all(pruned for _, _, pruned in searcher.told)


def test_a_stopped_trial_does_not_count_as_tried(table):
    good, bad = int(table.truth.argmax()), int(table.truth.argmin())
    run = Run([bad, good, good], [bad, bad, good], [4, 6, 10], None, [], [False, True, False])
    assert first_within_reach(table, run) == 3
    assert not wrongly_stopped(table, run), "it was finished as well"
    missed = Run([bad, good], [bad, bad], [4, 6], None, [], [False, True])
    other = Run([good, bad], [good, good], [4, 6], None, [], [False, True])
    harmless = Run([good, bad, good], [good, good, good], [4, 6, 8], None, [], [False, True, True])
    assert wrongly_stopped(table, missed)
    assert not wrongly_stopped(table, other)
    summary = summarise(table, Method("m", lambda *_: None), [replace(harmless, seconds=[0.1])],
                        trials=3)
    assert summary.epochs_saved == pytest.approx(1 - 8 / 12)
    assert summary.wrongly_stopped == 0


def test_our_search_asks_its_pruner_with_the_curve_so_far(table):
    class Asked:
        def should_stop(self, _space, trial, finished, *, epochs, seed):
            seen.append((trial.number, trial.state, len(trial.curve), len(finished), epochs, seed))
            return trial.number == 1
    seen = []
    searcher = SamplerSearcher(table.space, mode="random", fixed=None, seed=5, pruner=Asked(),
                               epochs=table.epochs)
    run = replay(table, searcher, recorded_seed=0, trials=2, workers=2)
    assert seen == [(0, "running", i, 0, 4, 5) for i in (1, 2, 3)] + [(1, "running", 1, 1, 4, 5)]
    assert run.stopped == [False, True]
    assert run.epochs == [4, 5]
    assert searcher.chosen() == table.space.point(run.points[0])


def test_workers_ask_before_others_have_told(table):
    searcher = Scripted([table.space.point(i) for i in range(4)])
    run = replay(table, searcher, recorded_seed=0, trials=4, workers=3)
    assert searcher.log == ["ask"] * 3 + ["tell", "ask"] + ["tell"] * 3
    assert run.points == [0, 1, 2, 3]


def test_the_summary_counts_as_the_tables_readme_says(table):
    good, bad = int(table.truth.argmax()), int(table.truth.argmin())
    runs = [
        Run([bad, good], [bad, good], [4, 8], 2, [0.5, 0.5]),
        Run([bad, bad], [bad, bad], [4, 8], None, [0.1, 0.1])
    ]
    assert [first_within_reach(table, run) for run in runs] == [2, None]
    summary = summarise(table, Method("m", lambda *_: None), runs, trials=10)
    worst = float(table.regrets[bad]) * 100
    assert summary.trials_median == (2 + 11) / 2
    assert summary.repeats == 2
    assert summary.epochs_share_median == pytest.approx(8 / (196 * 4))
    assert summary.regret_5 == pytest.approx(worst / 2)
    assert summary.regret_20 is None
    assert summary.stop_trials_median == 2
    assert summary.stop_regret_mean == pytest.approx(worst / 2)
    assert summary.seconds_per_ask == pytest.approx(0.3)


def test_what_counts_is_the_training_that_the_search_saw_the_beginning_of(table):
    ends = table.curves[:, :, -1]
    one, two = next((i, j) for i in range(196) for j in range(196)
                    if ends[i, 0] > ends[j, 0] and ends[i, 1] < ends[j, 1])
    stopped_one = Run([two, one], [two, two], [4, 6], stopped=[False, True])
    assert wrongly_stopped(table, stopped_one)
    assert not wrongly_stopped(table, replace(stopped_one, recorded_seed=1))


def test_the_whole_grid_chooses_what_one_seed_favours(table):
    favourites = [int(table.curves[:, seed, -1].argmax()) for seed in range(table.seeds)]
    assert grid_regret(table, table.truth) == pytest.approx(
        numpy.mean([table.regrets[one] for one in favourites]))
    run = Run([3], [3], [4], seconds=[0.1])
    summary = summarise(table, Method("m", lambda *_: None), [run], trials=1)
    assert summary.regret_grid == pytest.approx(100 * grid_regret(table, table.truth))


def test_what_is_learnt_is_never_judged_on_its_own_table(table):
    tasks = [compress_table(synthetic_table(i)) for i in range(3)]
    assert [task.name for task in others(tasks, table)] == ["synthetic_0", "synthetic_2"]


def test_distilled_tables_average_over_decay(table):
    task = compress_table(table)
    assert len(task.points) == 28
    assert set(task.points[0]) == {"lr", "label_smoothing", "mixup"}
    ends = table.curves[:, :, -1].mean(axis=1).reshape(7, 7, 4)[0, :, 0]
    assert task.values[0] == pytest.approx(numpy.mean(numpy.log(ends / (1 - ends))))


@pytest.mark.parametrize("name", ["random", "random_pruned", "skopt", "tpe", "hyperband"])
def test_peers_search_the_table_from_the_fixed_point(table, name):
    [run] = run_method(table, methods()[name], repeats=1, trials=14, fixed=dict(BASELINE))
    assert len(run.points) == 14
    assert run.points[0] == table.space.index(BASELINE)
    assert set(run.chosen) <= set(run.points)
    assert len(set(run.points)) > 7
    assert (run.epochs[-1] < 14 * table.epochs) == (name in ("hyperband", "random_pruned"))


def test_a_misleading_prior_is_the_tables_with_their_sign_turned(table, tmp_path):
    save_table(table, str(tmp_path / "one.csv"))
    for more in ([], ["--turned"]):
        command = [
            sys.executable,
            str(TOOL), "distil", "--table",
            str(tmp_path / "one.csv"), "--source", "test", "--output",
            str(tmp_path / f"prior{len(more)}.json"), *more
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    [plain], [turned] = (read_tasks(tmp_path / f"prior{i}.json") for i in range(2))
    assert turned.values == tuple(-value for value in plain.values)
    assert turned.points == plain.points


def test_miniature_tables_become_files(tmp_path, monkeypatch, capsys):
    small = miniature.Task("mini_small", train=20, epochs=2, hidden=8, seeds=2)
    monkeypatch.setattr(miniature, "TASKS", (small,))
    assert miniature.main(["mini_small", "--output", str(tmp_path / "new")]) == 0
    back = load_table(str(tmp_path / "new" / "mini_small.csv.gz"))
    assert back.curves.shape == (196, 2, 2)
    assert back.curves == pytest.approx(miniature.train_table(small).curves, abs=1e-6)
    with pytest.raises(SystemExit):
        miniature.main(["mini_smal", "--output", str(tmp_path)])
    assert "Did you mean 'mini_small'" in capsys.readouterr().err
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        miniature.main(["mini_small", "--output", str(tmp_path / "file")])
    assert "file: is no folder and cannot become one (File exists)" in capsys.readouterr().err


def test_ours_comes_within_reach_sooner_than_random_search():
    known = methods(tasks=[compress_table(synthetic_table(i)) for i in range(10, 14)])
    firsts = {name: [] for name in ("bayes", "bayes_prior", "random")}
    for seed in range(4):
        table = synthetic_table(seed)
        for name, found in firsts.items():
            runs = run_method(table, known[name], repeats=3, trials=10, fixed=dict(BASELINE))
            found += [first_within_reach(table, run) or 11 for run in runs]
    median = {name: numpy.median(found) for name, found in firsts.items()}
    assert median["bayes"] <= 7
    assert median["bayes_prior"] <= 6
    assert median["random"] > median["bayes"], median


def test_the_tool_prints_one_object_per_table_and_method(tmp_path, table):
    save_table(table, tmp_path / "one.csv")
    command = [
        sys.executable,
        str(TOOL), "replay", "--table",
        str(tmp_path / "one.csv"), "--method", "random", "bayes", "--repeats", "2", "--trials", "5",
        "--fixed", "lr=0.01,mixup=True", "--json"
    ]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [entry["method"] for entry in found] == ["random", "bayes"]
    assert all(
        list(entry) == list(Summary.__dataclass_fields__) and entry["table"] == "one"
        for entry in found)
    assert found[0]["regret_10"] is None
    assert found[0]["stop_trials_median"] is None


@pytest.mark.parametrize(("options", "message"), [
    (["--fixed", "lr=0.5"], "--fixed lr=0.5: not in the table"),
    (["--method", "baies"], "there is no 'baies'. Did you mean 'bayes'"),
])
def test_the_tool_names_mistakes(tmp_path, table, options, message):
    save_table(table, tmp_path / "one.csv")
    run = subprocess.run(
        [sys.executable,
         str(TOOL), "replay", "--table",
         str(tmp_path / "one.csv"), *options], capture_output=True, text=True)
    assert run.returncode == 2
    assert message in run.stderr


def test_an_unknown_method_is_named():
    with pytest.raises(PaddleTransferError, match="there is no 'tpee'"):
        find_methods(["tpee"], methods())


def test_a_range_test_says_where_the_best_rate_is():
    """In decades from the middle of the axis, with the offset of tasks that share nothing."""
    def rate(name):
        tables = TOOL.parents[1] / "benchmarks" / "tables"
        return told_rate(load_table(tables / f"{name}.csv.gz"), 0)

    assert 0.9 < rate("digits_pplcnet_150") < 1.7, "the best is 0.1, 1.5 decades above the middle"
    assert -0.7 < rate("squeezenet_tuxpaint") < 0.5, "the best is 0.003, the middle"
    with pytest.raises(PaddleTransferError, match="there is no range test of unknown"):
        told_rate(Table("unknown", PUBLISHED, numpy.zeros((196, 1, 1))), 0)


def test_replays_tell_a_search_how_many_images_were_measured():
    shares = numpy.arange(196 * 6).reshape(196, 2, 3) % 251 / 250
    assert Table("known", PUBLISHED, numpy.round(shares, 6)).eval_size == 250
    assert Table("unknown", PUBLISHED, numpy.sqrt(shares)).eval_size is None
