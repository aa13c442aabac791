import itertools
import json
import random
import subprocess
import sys

import pytest

from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.space import Space, finite

PUBLISHED = Space((Choice("lr", (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001), log=True),
                   Choice("l2_decay", (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6), log=True),
                   Choice("label_smoothing", (False, True)), Choice("mixup", (False, True))))


def random_space(seed):
    rng = random.Random(seed)
    kinds = []
    for i in range(rng.randint(1, 4)):
        size = rng.randint(1, 5)
        kinds.append(
            Range(f"p{i}", 3, 2 + size, integer=True) if rng.random() < 0.3 and size > 1 else
            Choice(f"p{i}", tuple(rng.sample([0, 1, 2.5, "a", "b", None, True, [1, 2]], size))))
    return Space(tuple(kinds))


@pytest.mark.parametrize("seed", range(25))
def test_points_are_numbered_as_the_product_with_the_last_one_fastest(seed):
    space = random_space(seed)
    columns = [[h.at(i) for i in range(h.size)] for h in space.hyperparameters]
    expected = [dict(zip(space.names, values, strict=True))
                for values in itertools.product(*columns)]
    assert list(space.points()) == expected
    assert space.size == len(expected)
    assert [space.index(point) for point in expected] == list(range(space.size))
    assert len({space.key(point) for point in expected}) == space.size
    assert all(space.contains(point) for point in expected)
    assert len({tuple(space.encode(point)) for point in expected}) == space.size
    assert all(len(space.encode(point)) == space.width for point in expected)


def test_the_published_space():
    assert PUBLISHED.size == 196
    assert PUBLISHED.width == 4
    assert PUBLISHED.point(0) == {
        "lr": 0.1, "l2_decay": 1e-3, "label_smoothing": False, "mixup": False
    }
    assert PUBLISHED.point(195) == {
        "lr": 1e-4, "l2_decay": 1e-6, "label_smoothing": True, "mixup": True
    }


@pytest.mark.parametrize("index", [-1, 196, 1000])
def test_past_the_end_is_an_error_and_never_a_wrap(index):
    with pytest.raises(IndexError, match="of a space of 196"):
        PUBLISHED.point(index)


def test_a_huge_space_costs_nothing():
    space = Space(tuple(Choice(f"p{i}", tuple(range(10))) for i in range(60)))
    assert space.size == 10**60
    assert space.index(space.point(10**59 + 7)) == 10**59 + 7
    assert not finite(space)
    assert finite(PUBLISHED)


def test_what_is_not_in_the_space():
    point = PUBLISHED.point(3)
    assert PUBLISHED.contains(point)
    assert PUBLISHED.contains({**point, "lr": 0.1})
    assert not PUBLISHED.contains({**point, "lr": 0.2})
    assert not PUBLISHED.contains({**point, "mixup": 1})
    assert not PUBLISHED.contains({**point, "more": 1})
    assert not PUBLISHED.contains({name: point[name] for name in ("lr", "mixup")})
    with pytest.raises(ValueError, match=r"lr: 0\.2 is not one of"):
        PUBLISHED.index({**point, "lr": 0.2})


def test_a_continuous_space_has_no_numbers():
    space = Space((Range("x", 0, 1), Choice("y", (1, 2))))
    assert space.size is None
    assert not finite(space)
    assert all(space.contains(space.sample(random.Random(i))) for i in range(50))
    with pytest.raises(AssertionError, match="no numbered points"):
        space.point(0)


def test_names_must_be_there_and_differ():
    for kinds in ((), (Choice("x", (1,)), Choice("x", (2,)))):
        with pytest.raises(AssertionError, match="names must be there and differ"):
            Space(kinds)


def test_the_fingerprint_is_the_same_in_every_process():
    code = (
        "from paddle_transfer.space.space import Space\n"
        "from paddle_transfer.space.hyperparameter import *\n"
        f"print(Space({PUBLISHED.hyperparameters!r}).fingerprint())")
    path = ":".join(sys.path)
    prints = {
        subprocess.run([sys.executable, "-c", code],
                       env={"PYTHONHASHSEED": seed, "PYTHONPATH": path}, text=True,
                       capture_output=True, check=True).stdout.strip() for seed in ("1", "2")
    }
    assert prints == {PUBLISHED.fingerprint()}
    assert len(PUBLISHED.fingerprint()) == 12


def test_the_fingerprint_changes_with_everything():
    base = (Choice("a", (1, 2)), Range("b", 0.1, 1))
    variants = [
        base, base[::-1], (Choice("a", (2, 1)), base[1]), (Choice("a", (1, 2), log=True), base[1]),
        (Choice("a", (1, True)), base[1]), (base[0], Range("b", 0.1, 1, log=True)),
        (base[0], Range("b", 0.1, 2)), (base[0], Range("c", 0.1, 1)), base[:1],
        (base[0], Range("b", 1, 2, integer=True))
    ]
    assert len({Space(kinds).fingerprint() for kinds in variants}) == len(variants)
    assert json.loads(json.dumps(Space(base).describe())) == Space(base).describe()


def test_a_number_may_come_back_from_json_as_another_kind():
    space = Space((Choice("x", (1, 2)), Choice("y", (0.5, 1.0))))
    assert space.key({"x": 1.0, "y": 1}) == space.key({"x": 1, "y": 1.0})
    assert space.index({"x": 1.0, "y": 1}) == 1
