"""Spaces in which some hyperparameters matter only under values of others."""

import itertools
import random

import pytest

from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.search_key import SearchKey, apply_point, unsupported
from paddle_transfer.space.space import Space
from tests.helpers.configs import base_config

ON = (("augment", (True,)),)
AUGMENT = Choice("augment", (False, True))
STRENGTH = Choice("strength", (1, 5, 9), condition=ON)
LAYERS = Choice("layers", (1, 2), condition=(("strength", (5, 9)),))
LR = Choice("lr", (0.1, 0.01), log=True)


@pytest.mark.parametrize("parts", itertools.permutations([AUGMENT, STRENGTH, LAYERS, LR]))
def test_what_differs_in_inactive_values_only_is_one_point(parts):
    space = Space(parts)
    # off; strength 1; strength 5 or 9 with 1 or 2 layers
    assert space.size == (1 + 1 + 4) * 2
    points = list(space.points())
    assert len({space.key(point) for point in points}) == len(points) == space.size
    assert [space.index(point) for point in points] == list(range(space.size))
    assert all(
        list(point) == list(space.names) and space.canonical(point) == point for point in points)
    assert len({tuple(space.encode(point)) for point in points}) == space.size
    every = [dict(zip(space.names, values, strict=True))
             for values in itertools.product(*(h.values for h in parts))]
    assert {space.index(point) for point in every} == set(range(space.size))
    assert {space.key(point) for point in every} == {space.key(point) for point in points}


def test_an_inactive_value_rests_on_the_first_one():
    space = Space((AUGMENT, STRENGTH, LAYERS, LR))
    point = {"augment": False, "strength": 9, "layers": 2, "lr": 0.01}
    assert space.canonical(point) == {"augment": False, "strength": 1, "layers": 1, "lr": 0.01}
    assert space.contains(point)
    assert space.canonical({**point, "augment": True}) == {**point, "augment": True}


def test_a_key_under_two_conditions_needs_both():
    both = Choice("both", (0, 1), condition=(("augment", (True,)), ("lr", (0.1,))))
    space = Space((AUGMENT, LR, both))
    assert space.size == 5
    assert {space.canonical({"augment": a, "lr": lr, "both": 1})["both"] for a, lr in
            ((True, 0.01), (False, 0.1), (False, 0.01))} == {0}


def test_ranges_under_conditions():
    space = Space((AUGMENT, Range("m", 2, 6, integer=True, condition=ON)))
    assert space.size == 1 + 5
    assert space.point(0) == {"augment": False, "m": 2}
    endless = Space((AUGMENT, Range("x", 0.5, 1.0, condition=ON)))
    assert endless.size is None
    drawn = [endless.sample(random.Random(seed)) for seed in range(200)]
    assert {point["x"] for point in drawn if not point["augment"]} == {0.5}
    off = sum(not point["augment"] for point in drawn)
    assert 70 < off < 130
    assert len({point["x"] for point in drawn if point["augment"]}) > 50


def test_a_condition_changes_the_fingerprint_and_none_does_not():
    free = Choice("strength", (1, 5, 9))
    assert Space((AUGMENT, STRENGTH)).fingerprint() != Space((AUGMENT, free)).fingerprint()
    assert "when" not in free.describe()
    assert STRENGTH.describe()["when"] == {"augment": [True]}


def test_a_huge_space_with_a_condition_costs_nothing():
    space = Space((AUGMENT, STRENGTH, *(Choice(f"p{i}", tuple(range(10))) for i in range(40))))
    assert space.size == 4 * 10**40
    assert space.index(space.point(10**39 + 7)) == 10**39 + 7


def test_an_inactive_key_leaves_the_base_config():
    base = base_config()
    keys = [SearchKey(Choice("randaugment", (False, True))),
            SearchKey(Choice("lr", (0.5,), condition=(("randaugment", (True,)),)))]
    assert apply_point(base, keys, {"randaugment": False, "lr": 0.5}) == base
    assert apply_point(base, keys,
                       {"randaugment": True, "lr": 0.5})["Optimizer"]["lr"]["learning_rate"] == 0.5


def test_what_an_engine_version_cannot_do_is_told_by_name():
    keys = [
        SearchKey(Choice("lr", (0.1, ))),
        SearchKey(Choice("ema", (False, True))),
        SearchKey(Choice("optimizer", ("Momentum", "Nesterov"))),
        SearchKey(Choice("custom", (1, )), ("a.b", ))
    ]
    issues = [str(mistake) for mistake in unsupported(keys, "2.4.2")]
    assert len(issues) == 2
    assert issues[0].startswith(
        "search_dict.1.search_key: ema True needs PaddleClas 2.5 or newer; found PaddleClas "
        "2.4.2. ")
    assert "optimizer Nesterov needs PaddleClas 2.5" in issues[1]
    assert unsupported(keys, "2.5.0") == unsupported(keys, "2.10") == unsupported(keys,
                                                                                  "unknown") == []
    assert unsupported([SearchKey(Choice("ema", (False, 0)))], "2.4.2") == []


def test_paths_that_an_old_engine_ignores_are_told():
    keys = [SearchKey(Choice("decay", (0.9, 0.99)), ("EMA.decay", )),
            SearchKey(Choice("both", (1, 2)), ("Global.update_freq", "Global.epochs"))]
    (issue,) = map(str, unsupported(keys, "2.4.2"))
    assert issue.startswith("search_dict.0.replace_config: EMA.decay needs PaddleClas 2.5 or "
                            "newer: older ones ignore it; found PaddleClas 2.4.2.")
    assert unsupported(keys, "2.5.0") == []


def test_what_changes_nothing_on_a_cpu_is_told_by_name():
    keys = [SearchKey(Choice("amp", (False, True)))]
    assert [str(m) for m in unsupported(keys, "2.6.0", device="cpu")] == [
        "search_dict.0.search_key: amp works on a gpu only; found device cpu. Take it out."]
    assert unsupported(keys, "2.6.0", device="gpu") == []
