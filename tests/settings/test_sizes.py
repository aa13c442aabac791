"""Spaces of any size: their sizes follow by arithmetic, and nothing lists their points."""

import json

import pytest

from paddle_transfer import dotpath
from paddle_transfer.errors import ConfigError
from paddle_transfer.public import estimate
from paddle_transfer.report.preview import VALUES, preview
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space import hyperparameter
from paddle_transfer.space.space import Space
from tests.helpers.configs import base_config, write_search

PATHS = ("DataLoader.Train.sampler.batch_size", "Optimizer.lr.decay_epochs", "Arch.width",
         "Optimizer.regularizer.coeff", "Arch.dropout")


def whole(low, high, name="n", path=PATHS[1], **more):
    return {"search_key": name, "replace_config": [path], "search_range": [low, high],
            "integer": True, **more}


def load(folder, *items, **fields):
    base = base_config(folder)
    for path in PATHS[1:]:
        dotpath.set_(base, path, 1, create=True)
    base["Arch"]["pattern"] = "x"
    return load_search_file(write_search(folder, base=base, search_dict=list(items), **fields),
                            dry_run=True)


@pytest.fixture(autouse=True)
def _points(monkeypatch):
    """The points that are made of their numbers."""
    made, point = [], Space.point

    def counted(self, index):
        made.append(index)
        assert len(made) <= 5000, "the points of a space are listed"
        return point(self, index)
    monkeypatch.setattr(Space, "point", counted)
    return made


HUGE = {"a range": [whole(1, 10**9)],
        "a product": [whole(1, 10**5, name=f"n{i}", path=PATHS[1 + i]) for i in range(4)],
        "values": [{"search_key": f"n{i}", "replace_config": [PATHS[1 + i]],
                    "search_values": list(range(1, 101))} for i in range(4)]}


@pytest.mark.parametrize("name", HUGE)
def test_a_grid_of_more_points_than_can_be_trained_wants_a_limit(tmp_path, name):
    with pytest.raises(ConfigError, match=r"search_dict: is more than a search can train: all "
                       r"points in turn; found 1[0,]*\. Give max_iter, fewer values, or "):
        load(tmp_path, *HUGE[name], search_mode="grid")
    settings = load(tmp_path, *HUGE[name], search_mode="grid", max_iter=10**15)
    text = preview(settings)
    assert f"{settings.search_space.space.size} points" in text
    assert f"\n  {min(10**15, settings.search_space.space.size) - 1} " in text  # the last trial
    assert len(text.splitlines()) < 300


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("mode", ["bayes", "random"])
def test_other_searches_take_a_space_of_any_size(tmp_path, name, mode):
    assert "points\n" in preview(load(tmp_path, *HUGE[name], search_mode=mode))


def test_a_greedy_search_lists_all_values(tmp_path):
    with pytest.raises(ConfigError, match="is more than a search can train: all values in turn; "
                       "found 1,000,000,000"):
        load(tmp_path, whole(1, 10**9), search_mode="greedy")
    many = load(tmp_path, whole(1, 300), search_mode="greedy", search_times=3)
    assert len(preview(many).splitlines()) < 300


def test_keys_that_depend_on_one_another_are_counted_by_their_product(tmp_path):
    tied = [whole(1, 10**5, name="a"), whole(1, 10, name="b", path=PATHS[2], when={"a": [3]})]
    for mode in ("bayes", "grid", "random"):
        with pytest.raises(ConfigError, match="keys that depend on one another may have 100,000 "
                           "combinations; found 1,000,000 of a, b"):
            load(tmp_path, *tied, search_mode=mode, max_iter=5)


def test_what_a_grid_begins_with_is_known_by_its_number(tmp_path):
    tried = estimate(write_search(tmp_path, search_dict=[
        {"search_key": "lr", "search_values": [i / 1000 for i in range(1, 50)]},
        {"search_key": "l2_decay", "search_values": [i / 1000 for i in range(1, 50)]}],
        fixed={"lr": 0.002, "l2_decay": 0.003})).first_points
    assert len(tried) == 1000
    assert [tuple(point.values()) for point in tried[:3]] == [
        (0.002, 0.003), (0.001, 0.001), (0.001, 0.002)]
    assert len({tuple(point.values()) for point in tried}) == 1000


@pytest.mark.parametrize(("low", "high", "told"), [
    (1, 2**54, r"below 2\*\*53"), (-1e308, 1e308, "a range must have a finite width")])
def test_ends_that_no_arithmetic_bears_are_refused(tmp_path, low, high, told):
    with pytest.raises(ConfigError, match=told):
        load(tmp_path, {**whole(low, high), "integer": isinstance(low, int)}, search_mode="random")


@pytest.mark.parametrize(("values", "told"), [
    ([float("nan"), float("nan")], "search_values.0: must be a number that is finite; found nan"),
    ([1, float("inf")], "search_values.1: must be a number that is finite; found inf"),
    ([[1, float("nan")], 2], "search_values.0: must be a number that is finite"),
    ([None, None], "search_values.1: must differ from the values before it; found nothing"),
    ([1, 1.0], "search_values.1: must differ from the values before it; found 1.0"),
    ([[1], [1.0]], "search_values.1: must differ from the values before it"),
    ([{1: 2, "a": 3}, {"a": 3, 1: 2}], "search_values.1: must differ from the values before it")])
def test_values_that_are_none_or_the_same_are_named(tmp_path, values, told):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {"search_key": "x", "replace_config": ["Arch.width"],
                        "search_values": values})
    assert any(f"search_dict.0.{told}" in str(issue) for issue in caught.value.issues)


@pytest.mark.parametrize("texts", [False, True])
def test_the_work_for_values_grows_with_their_number(tmp_path, monkeypatch, texts):
    calls = {}

    def counted(name):
        function = getattr(hyperparameter, name)

        def call(value):
            calls[name] = calls.get(name, 0) + 1
            return function(value)
        return call
    for module in ("space.hyperparameter", "space.space", "settings.search_dict"):
        for name in ("value_key", "is_number"):
            if hasattr(__import__(f"paddle_transfer.{module}", fromlist=["x"]), name):
                monkeypatch.setattr(f"paddle_transfer.{module}.{name}", counted(name))
    same = dotpath.same
    monkeypatch.setattr(dotpath, "same", lambda *two: calls.update(
        same=calls.get("same", 0) + 1) or same(*two))
    done = []
    for count in (150, 600):
        calls.clear()
        values = [f"v{i}" if texts else i / 100 for i in range(1, count + 1)]
        path = "Arch.pattern" if texts else "Arch.dropout"
        settings = load(tmp_path, {"search_key": "x", "replace_config": [path],
                                   "search_values": values}, search_mode="bayes")
        settings.identity()
        text = preview(settings)
        space = settings.search_space.space
        if not texts:
            list(map(space.encode, space.points()))
        done.append(dict(calls))
    assert "and 560 more" in text
    assert VALUES == 40
    assert all(done[1].get(name, 0) <= 8 * done[0][name] for name in done[0]), done


def test_counts_that_make_rows_are_bounded(tmp_path):
    with pytest.raises(ConfigError) as told:
        load(tmp_path, whole(1, 5), workers=10**9, search_times=10**9, confirm=10**9)
    assert {issue.where for issue in told.value.issues} == {"workers", "search_times", "confirm"}


def test_a_config_with_numbers_for_keys_and_nan_is_the_same_search_when_it_is_read_again(tmp_path):
    base = base_config(tmp_path)
    base["Arch"]["stages"] = {1: [2, 3], "more": {2: 0.5}, False: float("nan")}
    settings = load_search_file(write_search(tmp_path, base=base), dry_run=True)
    identity = settings.identity()
    assert dotpath.diff(json.loads(json.dumps(identity)), identity) == []


def many(folder, count, *, back=0):
    """A search of ``count`` keys, each active by the ``back`` ones before it."""
    base = base_config(folder)
    base["Arch"].update({f"p{i}": 0 for i in range(count)})
    items = [{"search_key": f"k{i}", "replace_config": [f"Arch.p{i}"], "search_values": [0, 1]}
             for i in range(count)]
    for i in range(1, count if back else 0):
        items[i]["when"] = {f"k{j}": [1] for j in range(max(0, i - back), i)}
    return write_search(folder, base=base, search_mode="random", search_dict=items)


def test_keys_that_lead_to_one_another_in_many_ways_are_followed_once(tmp_path):
    for back in (1, 3):  # with three of them 3**100 ways lead to the last key
        with pytest.raises(ConfigError, match="keys that depend on one another may have"):
            load_search_file(many(tmp_path, 100, back=back), dry_run=True)


def test_a_search_has_a_bounded_number_of_keys(tmp_path):
    with pytest.raises(ConfigError, match=r"search_dict: may have 200 keys; found 300\."):
        load_search_file(many(tmp_path, 300), dry_run=True)
