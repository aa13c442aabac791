"""Earlier tasks: they help when they are like the new one, and cost little when they mislead."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.recorded import write_tasks
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import Observation, PastTask
from paddle_transfer.samplers.gp.model import model_of
from paddle_transfer.samplers.gp.past_tasks import read_tasks, shipped
from paddle_transfer.samplers.gp.task_prior import past_task
from paddle_transfer.samplers.registry import make_sampler
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Space
from tests.helpers.sampler_suite import BASELINE, PUBLISHED


def metric(point, best: float) -> float:
    """Best at learning rate ``best``, worse with mixup."""
    odds = 2.0 - 0.5 * (math.log10(point["lr"]) - math.log10(best)) ** 2 - 0.3 * bool(
        point.get("mixup"))
    return 1 / (1 + math.exp(-odds))


def task(best: float, sign: float = 1.0) -> PastTask:
    points = [{"lr": lr, "mixup": mixup}
              for lr in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
              for mixup in (False, True)]
    values = [metric(point, best) for point in points]
    return PastTask(f"task {best}", tuple(points),
                    tuple(sign * math.log(v / (1 - v)) for v in values))


def trials_until_best(best: float, **options) -> int:
    sampler, finished = make_sampler("bayes", baseline=dict(BASELINE), **options), []
    goal = max(metric(point, best) for point in PUBLISHED.points()) - 0.005
    while not finished or max(o.value for o in finished) < goal:
        point = sampler.suggest(PUBLISHED, finished, [], seed=0)
        finished.append(Observation(len(finished), point, metric(point, best)))
    return len(finished)


@pytest.mark.parametrize("best", [0.1, 0.01, 0.001, 0.0003])
def test_similar_tasks_lead_to_the_best_at_once_and_misleading_ones_cost_three_trials_at_most(best):
    alone = trials_until_best(best, prior="none")
    assert trials_until_best(best, past_tasks=[task(best), task(best * 1.3)]) <= min(alone, 3)
    misleading = [task(best, -1.0), task(best * 1.3, -1.0)]
    assert trials_until_best(best, past_tasks=misleading) <= alone + 3


def test_earlier_tasks_have_no_say_after_twenty_points():
    points = [{**BASELINE, "lr": lr, "mixup": mixup}
              for lr in (0.003, 0.03, 0.1, 0.01, 0.001)
              for mixup in (False, True)]
    def share(observed):
        results = [Observation(i, point, metric(point, 0.03)) for i, point in enumerate(observed)]
        model = model_of(PUBLISHED, results, tasks=[task(0.03)])
        of_task = model.prior.of_task
        return 0.0 if of_task is None else float(model.weights[of_task >= 0].sum())
    assert share(points[:1]) > 0.5
    assert share([PUBLISHED.point(i) for i in range(0, 190, 10)]) == 0.0
    assert share(points[:1] * 19) > 0.1, "repeats are no further points"


def test_what_an_earlier_search_found_is_told_as_it_was():
    """Log-odds and standardised values, however far below the best, not compressed."""
    points = [PUBLISHED.point(i) for i in range(3)]
    shares = past_task(
        "t", PUBLISHED,
        [Observation(i, points[i], value) for i, value in enumerate((0.9, 0.6, 0.1))])
    assert sorted(shares.values) == pytest.approx([math.log(v / (1 - v)) for v in (0.1, 0.6, 0.9)])
    others = past_task("t", PUBLISHED, [
        Observation(0, points[0], 90.0),
        Observation(1, points[1], 60.0),
        Observation(2, points[2], -40.0)
    ])
    high, middle, low = sorted(others.values, reverse=True)
    assert (high - middle) / (middle - low) == pytest.approx(30 / 100)


def test_an_earlier_search_warms_a_later_one_with_another_space():
    points = [PUBLISHED.point(i) for i in range(0, 196, 5)]
    earlier = past_task("earlier", PUBLISHED,
                        [Observation(i, p, metric(p, 0.001)) for i, p in enumerate(points)])
    wide = Space((Range("lr", 1e-5, 1.0,
                        log=True), Choice("mixup", (False, True)), Choice("net", ("a", "b"))))
    start = {"lr": 0.1, "mixup": False, "net": "a"}
    sampler = make_sampler("bayes", baseline=start, prior="none", past_tasks=[earlier])
    point = sampler.suggest(wide, [Observation(0, start, metric(start, 0.001))], [], seed=0)
    assert 2e-4 < point["lr"] < 5e-3


def test_a_search_without_results_is_no_task():
    assert past_task("none", PUBLISHED, [Observation(0, dict(BASELINE), None, "failed")]) is None


def test_tasks_of_other_hyperparameters_change_nothing():
    other = PastTask("other", ({"depth": 1}, {"depth": 2}), (0.1, 0.9))
    assert trials_until_best(0.01, past_tasks=[other]) == trials_until_best(0.01, prior="none")


def test_a_prior_file_comes_back(tmp_path):
    write_tasks(tmp_path / "p.json", [task(0.1), task(0.01)], source="a test")
    back = read_tasks(tmp_path / "p.json")
    assert [t.name for t in back] == ["task 0.1", "task 0.01"]
    assert back[0].points == task(0.1).points
    assert back[0].values == pytest.approx(task(0.1).values, abs=1e-3)
    assert json.loads((tmp_path / "p.json").read_text())["source"] == "a test"


def test_what_is_no_prior_file_is_said(tmp_path):
    (tmp_path / "p.json").write_text('{"tasks": [{"name": "x"}]}')
    with pytest.raises(PaddleTransferError, match=r"p.json: not a prior file .*distil makes one"):
        read_tasks(tmp_path / "p.json")


def test_the_shipped_prior_knows_the_published_names():
    assert len(shipped()) >= 3
    assert all({"lr", "mixup", "label_smoothing"} <= set(t.points[0]) for t in shipped())


def test_an_unknown_prior_is_named():
    with pytest.raises(PaddleTransferError, match=r"there is no 'shiped'. Did you mean 'shipped'"):
        make_sampler("bayes", prior="shiped")
