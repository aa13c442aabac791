from collections import Counter

import pytest

from paddle_transfer.datasets.split import draw, hold_out, quotas


def test_quotas_sum_to_the_share_by_largest_remainder():
    assert quotas([10, 10, 10], 0.25) == [3, 3, 2]
    assert sum(quotas([93, 100, 97, 88], 0.2)) == round(0.2 * 378)
    assert quotas([50] * 397, 0.2) == [10] * 397


def test_every_class_of_two_gives_one_and_keeps_one():
    assert quotas([1, 2, 3, 1000], 0.01) == [0, 1, 1, 10]
    assert quotas([1, 2, 2], 0.9) == [0, 1, 1]
    assert quotas([5, 5], 0) == [0, 0]
    with pytest.raises(AssertionError, match="0 <= fraction < 1"):
        quotas([5], 1.0)


def test_held_out_is_stratified_seeded_and_the_same_everywhere():
    labels = [0] * 40 + [1] * 10 + [2] * 50
    held = hold_out(labels, fraction=0.1, seed=0)
    assert Counter(labels[i] for i in held) == {0: 4, 1: 1, 2: 5}
    assert held == hold_out(labels, fraction=0.1, seed=0) != hold_out(labels, fraction=0.1, seed=1)
    # of the draw itself: other lists in another version would make published splits unrepeatable
    assert sorted(hold_out([0] * 5 + [1] * 5, fraction=0.4, seed=7)) == [1, 4, 7, 8]


def test_draw_is_without_replacement():
    assert len(draw(40, count=30, seed="0/a")) == 30
    assert draw(40, count=30, seed="0/a") == draw(40, count=30, seed="0/a") != draw(
        40, count=30, seed="0/b")
