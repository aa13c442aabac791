"""What the model says of each setting: of data whose answer is known."""

import itertools
import math

import pytest

from paddle_transfer.samplers.base import Observation
from paddle_transfer.samplers.effects import LEAST, RANGE_VALUES, values_of
from paddle_transfer.samplers.gp.view import model_view
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Space

SPACE = Space((Choice("lr", (0.1, 0.01, 0.001), log=True), Choice("mixup", (False, True)),
               Choice("idle", ("a", "b"))))


def truth(point):
    return 0.5 + 0.2 * (point["lr"] == 0.01) + 0.05 * point["mixup"]


def observations(space=SPACE, count=12):
    return [Observation(i, space.point(i), truth(space.point(i))) for i in range(count)]


@pytest.fixture(scope="module")
def view():
    best = {"lr": 0.01, "mixup": True, "idle": "a"}
    return model_view(SPACE, observations(), best)


def test_what_matters_most_comes_first(view):
    assert [one.name for one in view.effects][:2] == ["lr", "mixup"]
    assert view.pair.names == ("lr", "mixup")
    shares = {name: share for name, (share, _) in view.importance.items()}
    assert shares["lr"] > 0.7 > shares["mixup"] > shares["idle"]
    assert sum(shares.values()) <= 1.0


def test_the_effects_are_those_of_the_data(view):
    lr = view.effects[0]
    assert lr.values == (0.001, 0.01, 0.1)
    assert lr.mean == pytest.approx([0.55, 0.75, 0.55], abs=0.03)
    bands = zip(lr.low, lr.mean, lr.high, strict=True)
    assert all(low <= mean <= high for low, mean, high in bands)
    rows = view.pair.mean
    assert len(rows) == 2
    assert len(rows[0]) == 3
    assert max(max(rows)) == rows[1][1], "mixup on, lr 0.01"


def test_few_results_say_nothing():
    assert model_view(SPACE, observations(count=LEAST - 1), SPACE.point(0)) is None
    pruned = [Observation(i, SPACE.point(i), 0.5, "pruned", ((1, 0.5),)) for i in range(9)]
    assert model_view(SPACE, pruned, SPACE.point(0)) is None


def test_a_range_is_looked_at_along_its_axis():
    values = values_of(Range("lr", 1e-4, 1e-1, log=True))
    assert len(values) == RANGE_VALUES
    assert (values[0], values[-1]) == (1e-4, 1e-1)
    steps = [math.log10(b / a) for a, b in itertools.pairwise(values)]
    assert steps == pytest.approx([3 / (RANGE_VALUES - 1)] * (RANGE_VALUES - 1), rel=1e-3)
    assert values_of(Range("trees", 1, 3, integer=True)) == (1, 2, 3)
