"""Peers of the search: what they try, and in which order."""

from __future__ import annotations

import sys

import pytest

from benchmarks.gp_peers import GpMeanSearcher
from benchmarks.methods import methods, turned
from benchmarks.published import DEFAULTS, HYPERRULE, PublishedSearcher, nearest
from benchmarks.recorded import BASELINE
from benchmarks.synthetic import synthetic_table
from paddle_transfer.errors import SetupError
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space


@pytest.fixture
def space() -> Space:
    return synthetic_table(1).space


def asked(searcher, trials=30):
    found = []
    while len(found) < trials and (point := searcher.ask()) is not None:
        found.append(point)
        searcher.tell(point, ((1, 0.5 + 0.01 * len(found)),), False)
    return found


def test_published_settings_are_tried_in_order_and_none_twice(space):
    searcher = PublishedSearcher(space, DEFAULTS, first=dict(BASELINE))
    found = asked(searcher)
    assert found[0] == BASELINE
    assert [point["lr"] for point in found] == [0.003, 0.01, 0.001, 0.01, 0.003, 0.03, 0.01, 0.03]
    assert len({space.key(point) for point in found}) == len(found)
    assert searcher.chosen() == found[-1]


def test_the_hyperrule_trains_once_without_decay_and_mixup(space):
    [point] = asked(PublishedSearcher(space, (HYPERRULE,)))
    assert point == {"lr": 0.003, "l2_decay": 1e-6, "label_smoothing": False, "mixup": False}


def test_a_setting_takes_the_nearest_point_by_ratio():
    space = Space((Choice("lr", (0.1, 0.01), log=True), Choice("dropout", (0.2, 0)),
                   Choice("autoaugment", (True, False)), Choice("arch", ("A", "B"))))
    point = nearest(space, {"lr": 0.04})
    assert point == {"lr": 0.1, "dropout": 0, "autoaugment": False, "arch": "A"}
    assert nearest(space, {"lr": 0.025, "arch": "B"}) == {**point, "lr": 0.01, "arch": "B"}


def test_the_process_of_a_connoisseur_begins_on_both_sides_of_the_fixed_rate(space):
    searcher = GpMeanSearcher(space, fixed=dict(BASELINE), seed=0)
    first = asked(searcher, trials=3)
    assert first[1:] == [{**BASELINE, "lr": 0.01, "label_smoothing": True},
                         {**BASELINE, "lr": 0.001, "mixup": True}]
    for _ in range(4):
        point = searcher.ask()
        assert point not in first
        searcher.tell(point, ((1, 0.6),), False)
    assert searcher.chosen() in [point for point, _, _ in searcher.told]


@pytest.mark.parametrize(("name", "package"), [
    ("gp_optuna", "torch"), ("botorch", "botorch"), ("hebo", "hebo")])
def test_a_peer_without_its_package_says_which_to_install(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    if name == "hebo":
        monkeypatch.setitem(sys.modules, "torch", object())
    with pytest.raises(SetupError, match=f"(?i)pip install {package}"):
        methods()[name].make(synthetic_table(1), None, 0)


def test_a_turned_task_says_of_the_smallest_rate_what_was_true_of_the_largest():
    task = PastTask("a", tuple({"lr": rate, "mixup": True} for rate in (0.1, 0.01, 0.003)),
                    (0.5, 0.7, 0.9))
    assert [point["lr"] for point in turned(task).points] == [0.003, 0.01, 0.1]
    assert turned(task).values == task.values
    assert turned(turned(task)) == task
