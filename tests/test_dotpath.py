import copy
import json
import random

import pytest

from paddle_transfer import dotpath


def sample():
    return {"a": {"b": [{"c": 1}, {"d": [10, 20]}], "e": None}, 5: "five", "empty": {}, "none": []}


def random_tree(rng, depth=0):
    """A tree whose keys are words and whose lists and mappings are not empty."""
    kind = rng.random() if depth < 4 else 1.0
    if kind < 0.4 or depth == 0:
        return {f"k{i}": random_tree(rng, depth + 1) for i in range(rng.randint(1, 4))}
    if kind < 0.6:
        return [random_tree(rng, depth + 1) for _ in range(rng.randint(1, 3))]
    return rng.choice([0, 1.5, True, None, "text", "1e-3"])


@pytest.mark.parametrize(("path", "value"), [("a.b.0.c", 1), ("a.b.1.d.1", 20), ("a.e", None),
                                             ("5", "five"), ("none", [])])
def test_get_goes_through_mappings_and_lists(path, value):
    assert dotpath.get(sample(), path) == value
    assert dotpath.find(sample(), path) == value


@pytest.mark.parametrize(("path", "reached", "known"), [("a.x", "a", ["b", "e"]),
                                                        ("a.b.2", "a.b", ["0", "1"]),
                                                        ("a.b.-1", "a.b", ["0", "1"]),
                                                        ("a.b.c", "a.b", ["0", "1"]),
                                                        ("z", "", ["a", "5", "empty", "none"]),
                                                        ("a.e.f", "a.e", []),
                                                        ("a.b.0.c.x", "a.b.0.c", [])])
def test_a_path_that_leads_nowhere_says_how_far_it_came(path, reached, known):
    assert not dotpath.exists(sample(), path)
    assert dotpath.find(sample(), path) is None
    for action in (dotpath.get, dotpath.delete, lambda data, p: dotpath.set_(data, p, 1)):
        data = sample()
        with pytest.raises(dotpath.PathError) as caught:
            action(data, path)
        assert (caught.value.reached, caught.value.known) == (reached, known)
        assert data == sample()


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_empty_parts_are_refused(path):
    with pytest.raises(ValueError, match="no empty parts"):
        dotpath.get(sample(), path)


def test_set_does_not_make_keys_unless_told():
    data = {"a": {}}
    with pytest.raises(dotpath.PathError):
        dotpath.set_(data, "a.b.c", 1)
    dotpath.set_(data, "a.b.c", 1, create=True)
    assert data == {"a": {"b": {"c": 1}}}


def test_create_never_grows_a_list_nor_goes_through_a_number():
    for path in ("l.2", "l.1.x", "n.x"):
        data = {"l": [0, 1], "n": 3}
        with pytest.raises(dotpath.PathError):
            dotpath.set_(data, path, 1, create=True)
        assert data == {"l": [0, 1], "n": 3}


@pytest.mark.parametrize("seed", range(30))
def test_set_get_delete_round_trip_and_touch_nothing_else(seed):
    rng = random.Random(seed)
    data = random_tree(rng)
    original = copy.deepcopy(data)
    for path, value in list(dotpath.walk(data)):
        assert dotpath.get(data, path) == value
        assert dotpath.exists(data, path)
        dotpath.set_(data, path, "changed")
        (change,) = dotpath.diff(original, data)
        assert path.startswith(
            change.partition(":")[0])  # a list that holds words too is compared as a whole
        assert [p for p, v in dotpath.walk(data) if v == "changed"] == [path]
        dotpath.set_(data, path, value)
        assert data == original
    path = rng.choice([p for p, _ in dotpath.walk(data)])
    removed = dotpath.delete(data, path)
    assert removed == dotpath.get(original, path)
    left, before = len(list(dotpath.walk(data))), len(list(dotpath.walk(original)))
    assert left in (before - 1, before)  # the emptied holder of a single leaf is a leaf itself


def test_clone_shares_nothing_even_where_the_original_does():
    shared = {"x": [1]}
    data = {"a": shared, "b": shared, "c": (1, 2)}
    copied = dotpath.clone(data)
    copied["a"]["x"].append(2)
    assert copied == {"a": {"x": [1, 2]}, "b": {"x": [1]}, "c": [1, 2]}
    assert shared == {"x": [1]}


@pytest.mark.parametrize(("a", "b", "equal"), [(1, 1.0, True), (1, True, False), (0, False, False),
                                               ([1, 2], [1.0, 2], True), ([1], [True], False),
                                               ({"a": 1}, {"a": 1.0}, True),
                                               ({"a": 1}, {"b": 1}, False), (None, 0, False),
                                               ("1", 1, False)])
def test_same(a, b, equal):
    assert dotpath.same(a, b) is equal
    assert dotpath.same(b, a) is equal


def test_diff_names_every_change():
    old = {"a": 1, "b": {"c": [1, 2], "d": [{"x": 1}, {"y": 2}]}, "gone": 0}
    new = {"a": 1.0, "b": {"c": [1, 3], "d": [{"x": 1}]}, "new": None}
    assert dotpath.diff(old, new) == [
        "b.c: [1, 2] -> [1, 3]", "b.d.1: {'y': 2} -> (absent)", "gone: 0 -> (absent)",
        "new: (absent) -> None"
    ]
    assert dotpath.diff(old, copy.deepcopy(old)) == []


def test_nan_is_the_same_setting_as_nan():
    nan = json.loads("NaN")
    assert dotpath.same([{"a": nan}], [{"a": float("nan")}])
    assert dotpath.diff({"a": nan}, {"a": float("nan")}) == []
    assert not dotpath.same(nan, 1.0)


def test_keys_that_are_numbers_are_texts_on_disk():
    data = {"b": [{1: "x", "a": 2}], 2: None, False: 3.5}
    assert dotpath.with_text_keys(data) == json.loads(json.dumps(data))
    assert dotpath.stable_text({"a": 1, 2: 3}) == dotpath.stable_text({2: 3, "a": 1})
