"""When trials that fail alike end a search, and how causes are told."""

import pytest

from paddle_transfer.loop.driver import Driver
from paddle_transfer.loop.failures import ALL_ALIKE, all_alike, causes, no_result, same_cause
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from paddle_transfer.study.records import TrialRecord
from tests.helpers.fakes import FakeExecutor, Play
from tests.helpers.virtual_search import VirtualSearch

SPACE = Space((Choice("batch_size", (64, 128, 256)), Choice("lr", (0.1, 0.01))))


def failed(number, reason="crashed again after a retry: no module x", *, verdict="crashed",
           state="failed", point=None, **more):
    return TrialRecord(number, number, point or {"batch_size": 64, "lr": 0.1}, 0, state,
                       info={"reason": reason, "verdict": verdict}, **more)


def test_three_trials_that_fail_alike_end_a_search():
    records = [failed(number, f"died at 0x7f{number} of 1.{number} GB") for number in range(3)]
    assert all_alike(records, SPACE).numbers == (0, 1, 2)
    assert all_alike(records[:2], SPACE) is None


@pytest.mark.parametrize("other", [
    failed(3, "another cause"), failed(3, "loss is nan", state="diverged", verdict="diverged"),
    failed(3, "", state="complete", value=0.5), failed(3, "", state="running", curve=((1, 0.5),))],
    ids=["another cause", "diverged", "complete", "a running one that came further"])
def test_one_that_does_not_fail_alike_lets_it_go_on(other):
    assert all_alike([failed(0), failed(1), failed(2), other], SPACE) is None


@pytest.mark.parametrize(("reason", "verdict"), [
    ("killed 4 times: killed from outside (SIGKILL)", "killed"),
    ("timed out: took longer than trial_timeout", "timeout"),
    ("crashed again after a retry: Out of memory error on GPU 0", "crashed")])
def test_what_a_points_values_may_cause_ends_it_only_when_many_values_met_it(reason, verdict):
    def points(*sizes):
        return [failed(number, reason, verdict=verdict, point={"batch_size": size, "lr": lr})
                for number, (size, lr) in enumerate((a, b) for a in sizes for b in (0.1, 0.01))]

    assert all_alike(points(256), SPACE) is None
    assert all_alike(points(256, 128), SPACE) is None
    assert all_alike(points(256, 128, 64), SPACE) is not None


def test_causes_are_grouped_the_most_frequent_first():
    records = [failed(0, "no room"), failed(1, "lost 3"), failed(2, "lost 17"), failed(3, "lost 2")]
    assert [(one.text, one.numbers) for one in causes(records)] == [("lost 3", (1, 2, 3)),
                                                                    ("no room", (0,))]
    assert same_cause("at 10:20:30, 1e-5 of 0xFF") == same_cause("at 11:21:31, 2e-7 of 0xA0")


def test_a_search_without_a_result_says_each_cause_once():
    records = [failed(0), failed(1), failed(2)]
    assert no_result(records, ALL_ALIKE, "out") == (
        "the search stops, for all 3 trials failed alike: crashed again after a retry: no module "
        "x (log: out/trials/0000/train.log). When that is mended, the same command tries them "
        "again")
    assert no_result(records[:1], "max_iter", "out").startswith("the only trial failed: crashed")
    mixed = [*records, failed(3, "loss is nan", state="diverged")]
    assert no_result(mixed, "max_iter", "out").splitlines() == [
        "all 4 trials failed (max_iter):",
        "  3 trials: crashed again after a retry: no module x (log: out/trials/0000/train.log)",
        "  trial 3: diverged: loss is nan (log: out/trials/0003/train.log)"]


class Failing(VirtualSearch):
    """A grid of 6 points; those trials for which ``fails`` is true crash."""

    def __init__(self, folder, fails, **settings):
        super().__init__(folder, **settings)
        self.fails = fails

    def play(self, job):
        return Play("crashed", epochs=0) if self.fails(job) else Play()


@pytest.mark.parametrize("slots", [1, 2])
def test_the_search_stops_with_the_first_trials_and_tries_them_again_later(tmp_path, slots):
    search, executor = Failing(tmp_path, lambda _: True), FakeExecutor(slots=slots)
    assert search.run(executor) == ALL_ALIKE
    begun = {number for what, number, *_ in executor.log if what == "submit"}
    assert begun == set(range(3 if slots == 1 else 4))
    search.fails = lambda _: False  # it is mended
    executor = FakeExecutor(slots=slots)
    assert search.run(executor) == "all 6 points of the space were evaluated"
    assert [record.state for record in search.records()] == ["complete"] * 6
    assert len(executor.log) == 2 * 6


def test_a_later_run_tries_each_again_once_before_it_gives_up(tmp_path):
    search = Failing(tmp_path, lambda _: True)
    for attempts in (2, 3):
        assert search.run(FakeExecutor(slots=1)) == ALL_ALIKE
        assert [record.attempts for record in search.records()] == [attempts] * 3


def test_failures_beside_a_trial_that_works_are_those_of_their_points(tmp_path):
    search = Failing(tmp_path, lambda job: job.number != 1)
    assert search.run(FakeExecutor(slots=1)) == "all 6 points of the space were evaluated"
    assert [record.state for record in search.records()] == [
        "failed", "complete", "failed", "failed", "failed", "failed"]


def test_what_was_invalid_is_tried_again_after_it_was_mended(tmp_path):
    """Its result.json is still there."""
    search = Failing(tmp_path, lambda _: False)
    search.play = lambda _: Play("invalid")
    assert search.run(FakeExecutor(slots=1)) == ALL_ALIKE
    search.play = lambda _: Play()
    search.run(FakeExecutor(slots=1))
    assert [record.state for record in search.records()] == ["complete"] * 6


def test_the_driver_knows_the_failures_that_are_not_final(tmp_path, monkeypatch):
    drivers = []
    run = Driver.run
    monkeypatch.setattr(Driver, "run", lambda self: (drivers.append(self), run(self))[1])
    search = Failing(tmp_path, lambda _: True)
    search.run(FakeExecutor(slots=1))
    assert [record.state for record in drivers[0].records] == ["failed"] * 3
    assert [record.state for record in search.records()] == ["running"] * 3
