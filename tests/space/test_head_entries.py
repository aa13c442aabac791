"""The head as search keys."""

import pytest

from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.space.search_key import SearchKey, apply_point
from tests.helpers.configs import base_config


def head_of(point, **transfer):
    config = {**base_config(), **({"Transfer": transfer} if transfer else {})}
    made = apply_point(config, [SearchKey(Choice(name, (value,))) for name, value in point.items()],
                       point)
    return (made.get("Transfer") or {}).get("head"), made


@pytest.mark.parametrize(("point", "head"), [
    ({"head_hidden": 256, "head_init": "xavier"}, {"hidden": [256], "init": "xavier"}),
    ({"head_hidden": [512, 256]}, {"hidden": [512, 256]}),
    ({"head_hidden": 0}, None), ({"head_hidden": 0, "head_init": "own"}, None),
    ({"dropout": 0.5, "head_hidden": 8}, {"hidden": [8], "dropout": 0.5})])
def test_what_they_write(point, head):
    assert head_of(point)[0] == head


def test_they_edit_the_head_of_the_base_config():
    given = {"hidden": [8], "init": "zeros", "dropout": 0.1}
    assert head_of({"head_hidden": 0, "head_init": "own"}, head=given)[0] == {"dropout": 0.1}
    head, made = head_of({"dropout": False}, head=given)
    assert head == {**given, "dropout": 0.0}
    assert "FineTune" not in made


def test_values():
    hidden = HYPERPARAMETERS["head_hidden"]
    assert [hidden.canonical(value) for value in (False, 0, [], [256], 256, [2, 1])] == [
        0, 0, 0, 256, 256, [2, 1]]
    assert hidden.check(256) is None
    assert {hidden.check(value) for value in (True, -1, 0.5, "256", [0])} == {
        "must be a whole number of outputs, a list of them, or False"}
    assert "must be one of own, xavier" in HYPERPARAMETERS["head_init"].check("glorot")
