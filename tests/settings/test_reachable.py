"""The points that are visited before training: all that matter, in bounded number."""

from paddle_transfer.settings.blame import causes
from paddle_transfer.settings.kinds import kinds_of
from paddle_transfer.settings.reachable import POINTS, configs, reachable, touching
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.stages.plan import BASE
from tests.helpers.configs import base_config

BATCH = "DataLoader.Train.sampler.batch_size"
WARMUP = "Optimizer.lr.warmup_epoch"


def key(name, *values, path=None, when=None):
    condition = tuple((when or {}).items())
    return SearchKey(Choice(name, values, condition=condition), (path,) if path else ())


def points(keys, paths, **options):
    (kind,) = kinds_of("base.yaml", base_config(), keys, **options)
    return [point for point, _ in reachable(kind, paths)]


def test_all_combinations_of_the_keys_that_touch_the_paths():
    keys = [key("lr", 0.1, 0.01), key("epochs", 1, 2), key("batch_size", 4, 8)]
    assert points(keys, [BATCH]) == [{"batch_size": 4}, {"batch_size": 8}]
    assert points(keys, ["Global.epochs", BATCH]) == [
        {"epochs": epochs, "batch_size": size} for epochs in (1, 2) for size in (4, 8)]
    assert points(keys, ["Metric"]) == [{}]


def test_a_section_touches_what_is_in_it_and_optimizers_of_a_list_are_optimizers():
    section = key("sampler", {"batch_size": 4}, path="DataLoader.Train.sampler")
    listed = key("warmup", 0, 1, path="Optimizer.0.Momentum.lr.warmup_epoch")
    assert touching([section, listed], [BATCH]) == (section,)
    assert touching([section, listed], [WARMUP]) == (listed,)


def test_conditions_are_respected_and_bring_their_keys_along():
    keys = [key("l2_decay", 0, 1), key("mixup", False, True),
            key("warmup", 0, 1, path=WARMUP, when={"mixup": (True,)})]
    assert points(keys, [WARMUP]) == [{"mixup": False}, {"mixup": True, "warmup": 0},
                                      {"mixup": True, "warmup": 1}]


def test_a_range_is_visited_at_both_ends_and_between():
    low, between, high = points([SearchKey(Range("lr", 0.001, 0.1, log=True))], ["Optimizer.lr"])
    assert (low["lr"], high["lr"]) == (0.001, 0.1)
    assert 0.001 < between["lr"] < 0.1
    whole = SearchKey(Range("batch_size", 1, 2, integer=True))
    assert points([whole], [BATCH]) == [{"batch_size": 1}, {"batch_size": 2}]


def test_a_greedy_search_has_later_keys_as_the_base_config_has_them():
    keys = [key("batch_size", 4, 8), key("batch", 1, 2, path=BATCH)]
    assert points(keys, [BATCH], stepwise=True) == [
        {"batch_size": 4, "batch": BASE}, {"batch_size": 8, "batch": BASE},
        {"batch_size": 4, "batch": 1}, {"batch_size": 4, "batch": 2},
        {"batch_size": 8, "batch": 1}, {"batch_size": 8, "batch": 2}]


def test_a_key_that_comes_later_in_a_greedy_search_is_first_as_the_base_config_has_it():
    keys = [key("lr", 0.1, 0.01), key("batch_size", 4, 8)]
    assert points(keys, [BATCH], stepwise=True) == [
        {"batch_size": BASE}, {"batch_size": 4}, {"batch_size": 8}]


def test_a_space_of_a_million_points_is_visited_in_part_with_every_value_and_the_corners():
    keys = [key(f"k{i}", *range(1, 11), path=BATCH) for i in range(6)]
    found = points(keys, [BATCH])
    assert len(found) <= POINTS + 60
    assert all({point[f"k{i}"] for point in found} == set(range(1, 11)) for i in range(6))
    for corner in (1, 10):
        assert dict.fromkeys([f"k{i}" for i in range(6)], corner) in found


def test_what_cannot_be_edited_comes_as_an_error():
    keys = [key("schedule", {"name": "Cosine"}, 3, path="Optimizer.lr"),
            key("warmup", 0, path=WARMUP)]
    (kind,) = kinds_of("base.yaml", base_config(), keys)
    _, (point, error) = configs(kind, keys)
    assert point == {"schedule": 3, "warmup": 0}
    assert isinstance(error, LookupError)


# --- which values are the cause -----------------------------------------------------------------

GRID = [{"a": a, "b": b} for a in (1, 2) for b in (1, 2, 3)]


def test_one_value_explains_all_points_with_it():
    assert causes(GRID, [3, 4, 5]) == [{"a": 2}]


def test_two_values_that_are_wrong_together():
    assert causes(GRID, [5]) == [{"a": 2, "b": 3}]
    assert causes(GRID, [3, 4, 5, 2]) == [{"a": 2}, {"b": 3}]


def test_the_base_config_is_the_cause_when_no_value_mends_it():
    assert causes(GRID, range(6), from_base=True) == [{}]
    assert causes(GRID, range(6)) == [{"a": 1}, {"a": 2}]
    assert causes(GRID, [5], from_base=True) == [{"a": 2, "b": 3}]
