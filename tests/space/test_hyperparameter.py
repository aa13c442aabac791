import math
import random

import pytest

from paddle_transfer.space.hyperparameter import Choice, Range, is_number, value_key
from paddle_transfer.space.space import Space


@pytest.mark.parametrize(("a", "b", "equal"), [(1, 1.0, True), (0, 0.0, True), (1, True, False),
                                               (0, False, False), ("1", 1, False),
                                               (None, "null", False), ([1, 2], [1.0, 2.0], True),
                                               ([1], [True], False), ([1, 2], [2, 1], False),
                                               ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
                                               (1e-4, 0.0001, True), (0.3, 0.1 + 0.2, False),
                                               (2 ** 53 + 1, 2 ** 53, False)])
def test_value_key_is_equal_for_equal_values_only(a, b, equal):
    assert (value_key(a) == value_key(b)) is equal


@pytest.mark.parametrize(("value", "answer"), [(1, True), (0.5, True), (True, False), (None, False),
                                               ("1", False), (math.nan, False), (math.inf, False)])
def test_is_number(value, answer):
    assert is_number(value) is answer


CHOICES = [
    Choice("lr", (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001), log=True),
    Choice("l2", (0, 1e-4, 1e-3), log=True),
    Choice("one", (3, )),
    Choice("on", (False, True)),
    Choice("size", (28, 32, 64)),
    Choice("arch", ("a", "b", "c")),
    Choice("lists", ([0.0, 1.0], [1.0, 1.0], None)),
    Choice("mixed", (False, 0.1, 0.2)),
    Choice("zero", (0.0, 0.5), log=True)
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_a_choice_numbers_and_encodes_its_values(choice):
    codes = []
    for i, value in enumerate(choice.values):
        assert choice.index(value) == i
        assert choice.at(i) is value
        assert choice.contains(value)
        code = choice.encode(value)
        assert len(code) == choice.width
        assert all(0 <= x <= 1 for x in code)
        codes.append(tuple(code))
    assert len(set(codes)) == choice.size  # the value can be told from its code
    assert not choice.contains("something else")
    with pytest.raises(ValueError, match="is not one of"):
        choice.index("something else")


def test_numbers_lie_on_their_axis():
    assert [Choice("x", (1, 0.01, 0.1), log=True).encode(v)[0]
            for v in (1, 0.01, 0.1)] == pytest.approx([1, 0, 0.5])
    assert [Choice("x", (1, 0, 0.5)).encode(v)[0] for v in (1, 0, 0.5)] == [1, 0, 0.5]


def test_zero_on_a_log_axis_is_one_step_below():
    assert [Choice("x", (0, 1e-3, 1e-2), log=True).encode(v)[0]
            for v in (0, 1e-3, 1e-2)] == pytest.approx([0, 0.5, 1])


def test_names_have_one_coordinate_each():
    assert Choice("x", ("a", "b", "c")).encode("b") == [0.0, 1.0, 0.0]
    assert Choice("x", ("a", "b")).encode("b") == [1.0]
    space = Space((Choice("x", ("a", "b", "c")), Choice("y", (1, 2, 3)), Range("z", 0, 1)))
    assert space.width == 5


def test_a_choice_refuses_no_values_and_equal_values():
    for values in ((), (1, 1.0), ([1], [1.0])):
        with pytest.raises(AssertionError, match="x: "):
            Choice("x", values)


def test_each_value_is_as_likely():
    choice, rng = CHOICES[0], random.Random(0)
    drawn = [choice.sample(rng) for _ in range(7000)]
    assert all(850 < drawn.count(value) < 1150 for value in choice.values)


RANGES = [
    Range("lin", -1.0, 3.0),
    Range("log", 1e-5, 1e-1, log=True),
    Range("int", 2, 9, integer=True),
    Range("intlog", 1, 1000, log=True, integer=True),
    Range("odd", 0.12345612, 0.98765439)
]


@pytest.mark.parametrize("kind", RANGES, ids=lambda kind: kind.name)
def test_decode_turns_encode_round_and_stays_inside(kind):
    rng = random.Random(kind.name)
    for unit in (-0.5, 0.0, 1.0, 1.5, *(rng.random() for _ in range(200))):
        value = kind.decode(unit)
        assert kind.contains(value)
        assert type(value) is (int if kind.integer else float)
        (code,) = kind.encode(value)
        assert 0 <= code <= 1
        again = kind.decode(code)
        assert again == value if kind.integer else again == pytest.approx(value, rel=1e-5)
    assert kind.encode(kind.low) == [0.0]
    assert kind.encode(kind.high) == [1.0]
    assert kind.contains(kind.decode(0.0))
    assert kind.decode(1.0) == pytest.approx(kind.high, rel=1e-5)


@pytest.mark.parametrize("kind", RANGES, ids=lambda kind: kind.name)
def test_samples_lie_inside_and_fill_the_axis(kind):
    rng = random.Random(1)
    drawn = [kind.sample(rng) for _ in range(2000)]
    assert all(map(kind.contains, drawn))
    codes = [kind.encode(value)[0] for value in drawn]
    assert 0.45 < sum(codes) / len(codes) < 0.55
    assert min(codes) < 0.05
    assert max(codes) > 0.95


def test_an_integer_range_is_numbered():
    kind = RANGES[2]
    assert kind.size == 8
    assert [kind.index(kind.at(i)) for i in range(8)] == list(range(8))
    assert [kind.at(i) for i in range(8)] == list(range(2, 10))
    assert kind.contains(3.0)
    assert not kind.contains(2.5)
    assert not kind.contains(10)
    assert not kind.contains(True)
    with pytest.raises(ValueError, match=r"is not in 2\.\.9"):
        kind.index(10)


def test_a_continuous_range_has_no_size_and_no_index():
    assert RANGES[0].size is None
    with pytest.raises(AssertionError, match="no index"):
        RANGES[0].index(1.0)


@pytest.mark.parametrize(("arguments", "message"), [
    ((1, 1), "low < high must hold, but got 1 and 1"), ((2, 1), "but got 2 and 1")])
def test_an_empty_range_is_refused(arguments, message):
    with pytest.raises(AssertionError, match=message):
        Range("x", *arguments)
    with pytest.raises(AssertionError, match="starts above 0, but got 0"):
        Range("x", 0, 1, log=True)
