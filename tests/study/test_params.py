from __future__ import annotations

import pytest

from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Space
from paddle_transfer.study.params import distribution, to_params, to_point


@pytest.mark.parametrize("values", [(0.1, 1), (True, False), (None, "none"), ("a", 1, 1.5)])
def test_plain_values_stay_as_they_are(values):
    assert distribution(Choice("h", values)).choices == values


@pytest.mark.parametrize(("values", "texts"), [((1, True), ("1", "true")),
                                               (([1], {"a": 1}), ("[1]", '{"a": 1}'))])
def test_values_that_optuna_would_confuse_or_cannot_hold_are_json(values, texts):
    assert distribution(Choice("h", values)).choices == texts
    space = Space((Choice("h", values),))
    for value, text in zip(values, texts, strict=True):
        assert to_params(space, {"h": value}) == {"h": text}
        assert repr(to_point(space, {"h": text})) == repr({"h": value})


def test_a_number_written_otherwise_becomes_the_spaces_own():
    space = Space((Choice("h", (1, 2)), Range("x", 0, 1), Range("k", 1, 3, integer=True)))
    params = to_params(space, {"h": 1.0, "x": 1, "k": 2.0})
    assert repr(params) == "{'h': 1, 'x': 1.0, 'k': 2}"
    assert repr(to_point(space, params)) == repr(params)


@pytest.mark.parametrize("params", [{}, {"h": 3, "x": 0.5}, {"h": 1, "x": 2.0}])
def test_what_is_no_point_of_the_space_is_refused(params):
    with pytest.raises((KeyError, ValueError)):
        to_point(Space((Choice("h", (1, 2)), Range("x", 0, 1))), params)
