"""The best points trained again with other seeds, in virtual time."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import yaml

from paddle_transfer.report.files import ResultFiles
from paddle_transfer.report.summary import leaderboard_lines
from tests.helpers.fakes import ExecutorThatDiesAt, FakeExecutor, Killed, Play
from tests.helpers.records import ranker_of
from tests.helpers.settings import change
from tests.helpers.virtual_search import VirtualSearch

VALUES = {"a": [1, 2, 3, 4, 5, 6]}
FIXED = {"a": 2}


def lucky_six(point, seed):
    """6 is best with the search's own seed only; 5 is really best; the fixed point is the worst but
    one."""
    value = {5: 0.8, 4: 0.7, 6: 0.5}.get(point["a"], point["a"] / 10) + seed / 100
    return 0.9 if (point["a"], seed) == (6, 0) else value


@pytest.fixture
def search(tmp_path):
    return VirtualSearch(tmp_path, value=lucky_six, values=VALUES, fixed=FIXED, confirm=3)


def trainings(search):
    """How often each (point, seed) came to its end."""
    return Counter(
        (record.point["a"], record.seed) for record in search.records() if record.finished)


EXPECTED = Counter([(a, 0)
                    for a in VALUES["a"]] + [(a, seed) for a in (6, 5, 4, 2) for seed in (1, 2)])


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_the_best_three_and_the_fixed_point_have_three_seeds_each(search, slots):
    executor = FakeExecutor(slots=slots)
    assert search.run(executor) == "all 6 points of the space were evaluated"
    records = search.records()
    assert trainings(search) == EXPECTED
    assert executor.most == min(slots, 8)
    late = [(record.point["a"], record.seed, record.suggestion) for record in records[6:]]
    assert late == [(6, 1, 5), (5, 1, 4), (4, 1, 3), (2, 1, 0), (6, 2, 5), (5, 2, 4), (4, 2, 3),
                    (2, 2, 0)]
    assert all(record.attempts == 1 for record in records)


def test_they_begin_when_the_search_proper_has_ended(search):
    """The last of its trials may change who is best."""
    class Slow(FakeExecutor):
        def play(self, job, play):
            super().play(job, replace(play, pace=100.0) if job.number == 0 else play)

    executor = Slow(slots=2)
    search.run(executor)
    begun = [number for what, number, *_ in executor.log if what == "submit"]
    ended = executor.log.index(("end", 0, 1, "complete"))
    assert begun == list(range(14))
    assert ("submit", 6, 1, "cpu:0") in executor.log[ended:]


def test_a_fixed_point_among_the_best_is_trained_once_per_seed(tmp_path):
    search = VirtualSearch(tmp_path, value=lucky_six, values=VALUES, fixed={"a": 5}, confirm=2)
    search.run()
    assert trainings(search) == Counter([(a, 0) for a in VALUES["a"]] + [(6, 1), (5, 1), (4, 1)])


def test_they_do_not_count_as_suggestions(tmp_path):
    search = VirtualSearch(tmp_path, value=lucky_six, values=VALUES, search_mode="random",
                           confirm=4, max_iter=5)
    assert search.run() == "max_iter (5) suggestions were evaluated"
    own = [record for record in search.records() if record.seed == 0]
    assert len(own) == 5
    assert max(record.suggestion for record in search.records()) == 4


def test_repeats_count_towards_them(tmp_path):
    search = VirtualSearch(tmp_path, value=lucky_six, values=VALUES, search_times=2, confirm=3)
    search.run()
    seeds = trainings(search)
    assert sum(seeds.values()) == 12 + 3
    assert set(seeds.values()) == {1}
    assert {a for a, seed in seeds if seed == 2} == {5, 6, 4}


def test_a_fixed_point_that_failed_is_not_tried_again(search):
    search.play = lambda job, play=search.play: Play("diverged") if job.number == 0 else play(job)
    search.run()
    assert {a for (a, seed) in trainings(search) if seed} == {6, 5, 4}


def test_they_are_never_pruned_and_what_was_pruned_is_done_again(search):
    class Harsh:
        def should_stop(self, record, _records):
            assert record.number < 6
            return record.point == FIXED

    search.run(pruner=Harsh())
    fixed = [(record.seed, record.state) for record in search.records() if record.point == FIXED]
    assert fixed == [(0, "pruned"), (0, "complete"), (1, "complete"), (2, "complete")]


@pytest.mark.parametrize("step", range(16, 44, 3))
def test_a_kill_in_the_middle_changes_nothing(search, step):
    with pytest.raises(Killed):
        search.run(ExecutorThatDiesAt(step=step))
    search.run()
    assert trainings(search) == EXPECTED
    assert [record.number for record in search.records() if not record.finished] == []


def test_it_can_be_asked_for_when_the_search_has_ended(search):
    search.settings = change(search.settings, confirm=None)
    search.run()
    assert len(search.records()) == 6
    search.settings = change(search.settings, confirm=3)
    search.run()
    assert trainings(search) == EXPECTED
    search.settings = change(search.settings, confirm=4)
    search.run()
    assert trainings(search) == EXPECTED + Counter([(a, 3) for a in (6, 5, 4, 2)])


def test_a_search_that_goes_on_confirms_what_is_best_then(tmp_path):
    search = VirtualSearch(tmp_path, value=lucky_six, values=VALUES, max_iter=4, confirm=2)
    search.run()
    assert trainings(search) == Counter([(a, 0) for a in (1, 2, 3, 4)] + [(a, 1)
                                                                          for a in (2, 3, 4)])
    search.settings = change(search.settings, max_iter=6)
    search.run()
    assert trainings(search) == Counter([(a, 0) for a in VALUES["a"]] + [(a, 1)
                                                                         for a in (2, 3, 4, 5, 6)])


def test_the_epoch_budget_holds_for_them(search):
    search.settings = change(search.settings, epoch_budget=3 * 11)
    reason = search.run(FakeExecutor(slots=3))
    assert reason == (
        "all 6 points of the space were evaluated; 3 trainings of confirm were left out: "
        "epoch_budget (33) has no room for another training after 33 epochs")
    assert sum(trainings(search).values()) == 11
    search.settings = change(search.settings, epoch_budget=None)
    assert search.run() == "all 6 points of the space were evaluated"
    assert trainings(search) == EXPECTED


def test_a_budget_that_ends_the_search_leaves_them_all_out(search):
    search.settings = change(search.settings, epoch_budget=10)
    assert search.run() == (
        "epoch_budget (10) has no room for another training after 9 epochs; 6 trainings of confirm "
        "were left out")


# -- what is told ----------------------------------------------------------------------------------

def leave_weights(search):
    """Every trial writes some."""
    def play(job, play=search.play):
        Path(job.directory, "best_model.pdparams").write_text(f"weights of {job.number}")
        return play(job)

    search.play = play


def with_outputs(search, **arguments):
    """Run with result files; why it ended, and what search_results.json holds."""
    leave_weights(search)
    reason = search.run(callbacks=(lambda settings, ranker: ResultFiles(settings, ranker=ranker),
                                   ), **arguments)
    return reason, json.loads(Path(search.settings.output_dir, "search_results.json").read_text())


def test_the_files_and_the_leaderboard_agree_on_the_best_mean(search):
    search.settings = change(search.settings, keep_models=1)
    reason, told = with_outputs(search)
    root = Path(search.settings.output_dir)
    assert told["ended"] == reason
    assert told["winner"]["point"] == {"a": 5}
    assert told["confirm"]["left_out"] == 0
    assert told["confirm"]["trainings"] == 3
    assert [(one["point"]["a"], one["fixed"]) for one in told["confirm"]["points"]] == [
        (5, False), (4, False), (6, False), (2, True)]
    assert told["confirm"]["points"][0]["mean"] == pytest.approx(0.81)
    assert told["confirm"]["points"][0]["error"] == pytest.approx(0.01 / 3 ** 0.5)
    config = (root / "best_config.yaml").read_text()
    assert yaml.safe_load(config)["Tiny"]["x"] == {"a": 5}
    assert "top1 0.8100 ± 0.0058 over 3 seeds" in config
    number = next(
        record.number for record in search.records() if (record.point["a"], record.seed) == (5, 2))
    assert (root / "best_model.pdparams").read_text() == f"weights of {number}"
    kept = sorted(int(path.parent.name) for path in root.glob("trials/*/best_model.pdparams"))
    assert number in kept
    assert len(kept) == 2, "the winner's and the best observed one's"
    lines = leaderboard_lines(search.settings, search.records(),
                              ranker_of(search.settings).leaderboard(search.records()))
    assert lines[2].split()[:4] == ["1", "0.8100", "±", "0.0058"]
    assert "Confirmed top1: found 0.8100 ± 0.0058 (3 seeds), fixed 0.2100 ± 0.0058" in lines
    assert told["gain"]["source"] == "seeds"
    assert told["gain"]["value"] == pytest.approx(0.6)
    assert any(": a gain of +60.00 ± " in line for line in lines)
    assert any(line.startswith("The found settings are surely better than the fixed ones (± counts "
                               "3 seeds that both were trained with") for line in lines)


def test_what_is_left_out_is_told(search):
    search.settings = change(search.settings, epoch_budget=3 * 11)
    assert with_outputs(search)[1]["confirm"]["left_out"] == 3


def test_weights_of_what_is_confirmed_are_there_while_it_is(search):
    """Keep only one model: the second best must still win with its weights."""
    search.settings = change(search.settings, keep_models=1)
    seen = []

    class Looks(ResultFiles):
        def trial_ended(self, record, records):
            super().trial_ended(record, records)
            if record.number == 9:
                seen.extend(
                    sorted(
                        int(path.parent.name)
                        for path in self.root.glob("trials/*/best_model.pdparams")))

    leave_weights(search)
    search.run(FakeExecutor(slots=1),
               callbacks=(lambda settings, ranker: Looks(settings, ranker=ranker),
                          ))
    assert set(seen) >= {0, 3, 4, 5, 6, 7, 8, 9}


def test_a_point_that_collapses_with_the_next_seed_is_not_named(tmp_path):
    """Also when it is by far the best of the single trainings, as ``confirm: 2`` finds out."""
    def fragile(point, seed):
        return 0.1 + seed / 100 if (point["a"], seed) == (6, 1) else {6: 0.9, 5: 0.8}.get(
            point["a"], point["a"] / 10)

    search = VirtualSearch(tmp_path, value=fragile, values=VALUES, fixed=FIXED, confirm=2)
    search.run()
    board = ranker_of(search.settings).leaderboard(search.records())
    assert board.winner.point == {"a": 5}
    assert board.confirmation({"a": 6}).mean == pytest.approx((0.9 + 0.11) / 2)


def by_lr_then_l2(point, seed):
    """The best four points are of the best lr; of these the fixed one is the worst."""
    best = {0.1: 0.5, 0.01: 0.9, 0.001: 0.7, 0.0001: 0.3}[point["lr"]]
    return best + point["l2_decay"] + seed / 1e5


@pytest.mark.parametrize(("rates", "confirmed"), [
    ([0.1, 0.01, 0.001, 0.0001], [(0.01, 1e-3), (0.001, 1e-3), (0.1, 1e-3)]),
    ([0.1, 0.01], [(0.01, 1e-3), (0.01, 1e-4), (0.1, 1e-3)]),
    ([0.01], [(0.01, 1e-3), (0.01, 1e-4), (0.01, 1e-5)])])
def test_points_that_differ_in_a_weak_setting_only_are_not_confirmed_beside_each_other(
        tmp_path, rates, confirmed):
    search = VirtualSearch(tmp_path, value=by_lr_then_l2, confirm=2, keep_models=1,
                           values={"l2_decay": [1e-5, 1e-4, 1e-3], "lr": rates})
    there = []

    class Looks(ResultFiles):
        def trial_ended(self, record, records):
            super().trial_ended(record, records)
            there.append({int(path.parent.name)
                          for path in self.root.glob("trials/*/best_model.pdparams")})

    leave_weights(search)
    search.run(FakeExecutor(slots=1),
               callbacks=(lambda settings, ranker: Looks(settings, ranker=ranker,
                                                         clock=count(0, 1000).__next__),))
    records = search.records()
    point = {one.number: (one.point["lr"], one.point["l2_decay"]) for one in records}
    assert [point[one.number] for one in records if one.seed] == confirmed
    searched = {point[number] for number in there[-1] if not records[number].seed}
    assert set(confirmed) <= searched, "any of them may win, with the best of its weights"


def test_a_gain_that_one_seed_takes_back_is_called_luck(tmp_path):
    def lucky(point, seed):
        return {5: (0.8, 0.5), 2: (0.6, 0.65)}.get(point["a"], (0.1, 0.1))[seed]

    search = VirtualSearch(tmp_path, value=lucky, values=VALUES, fixed=FIXED, confirm=2)
    search.run()
    records, ranker = search.records(), ranker_of(search.settings)
    lines = leaderboard_lines(search.settings, records, ranker.leaderboard(records))
    assert any(": a gain of +2.50 ± " in line for line in lines)
    assert any(line.startswith("That is no more than luck may give (± counts 2 seeds")
               for line in lines)
