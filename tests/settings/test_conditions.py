"""``when`` in search_dict."""

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.records import Proposal
from tests.helpers.configs import base_config, write_search

RANDAUGMENT = {"search_key": "randaugment"}
MAGNITUDE = {"search_key": "randaugment_magnitude", "search_values": [3, 9]}
LR = {"search_key": "lr", "search_values": [0.1, 0.01, 0.001]}


def load(tmp_path, *items, **fields):
    return load_search_file(write_search(tmp_path, search_dict=list(items), **fields))


def issues(tmp_path, *items, **fields):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, *items, **fields)
    return [str(mistake) for mistake in caught.value.issues]


def test_a_key_that_refines_another_one_depends_on_it(tmp_path):
    # whichever comes first
    for items in ((RANDAUGMENT, MAGNITUDE), (MAGNITUDE, RANDAUGMENT)):
        settings = load(tmp_path, *items)
        assert settings.search_space.space.size == 3
        assert settings.budget.max_iter == 3
        magnitude = settings.search_space.space["randaugment_magnitude"]
        assert magnitude.condition == (("randaugment", (True,)),)
    assert settings.identity()["space"]["randaugment_magnitude"]["when"] == {"randaugment": [True]}


def test_always_on_is_no_condition(tmp_path):
    settings = load(tmp_path, {**RANDAUGMENT, "search_values": [True]}, MAGNITUDE)
    assert settings.search_space.space["randaugment_magnitude"].condition == ()
    assert settings.search_space.space.size == 2


def test_a_key_that_refines_what_is_nowhere(tmp_path):
    assert issues(tmp_path, MAGNITUDE) == [
        "search_dict.0.search_key: randaugment_magnitude needs the search_key randaugment beside "
        "it, or a RandAugment "
        "in the transform_ops of the base config; found none there. Add it, or take the key out."
    ]


TRANSFER = {"search_key": "strategy", "search_values": ["full", "feature_extraction"]}
OPTIONS = [{"search_key": "classifier"}, {"search_key": "strength"}, {"search_key": "neighbors"}]


def with_weights(tmp_path, **transfer):
    return {**base_config(tmp_path), "Transfer": {"pretrained": "imagenet", **transfer}}


def conditions(tmp_path, *items):
    space = load(tmp_path, *items, base=with_weights(tmp_path)).search_space.space
    return {h.name: h.condition for h in space.hyperparameters}


def test_keys_of_a_training_are_active_with_strategies_that_train(tmp_path):
    mine = {"search_key": "mine", "replace_config": ["Optimizer.momentum"],
            "search_values": [0.8, 0.9]}
    resolution = {"search_key": "resolution", "search_values": [24, 32]}
    found = conditions(tmp_path, LR, TRANSFER, mine, resolution, {"search_key": "mixup"})
    full = (("strategy", ("full", )), )
    assert found == {"lr": full, "strategy": (), "mine": full, "resolution": (), "mixup": full}
    settings = load(tmp_path, TRANSFER, LR, base=with_weights(tmp_path))
    assert settings.search_space.space.size == 3 + 1


def test_an_option_of_a_classifier_depends_on_the_nearest_key(tmp_path):
    found = conditions(tmp_path, TRANSFER, *OPTIONS)
    assert found == {
        "strategy": (), "classifier": (("strategy", ("feature_extraction", )), ),
        "strength": (("classifier", ("logistic_regression", "linear_svm")), ),
        "neighbors": (("classifier", ("knn", )), )}
    settings = load(tmp_path, TRANSFER, *OPTIONS, base=with_weights(tmp_path))
    assert settings.search_space.space.size == 1 + 2 * 4 + 3
    values = ["full", "feature_extraction", {"name": "feature_extraction", "classifier": "knn"}]
    found = conditions(tmp_path, {**TRANSFER, "search_values": values}, *OPTIONS[1:])
    assert found["strength"] == (("strategy", ("feature_extraction", )), )
    assert found["neighbors"] == (("strategy", (values[2], )), )


def test_a_rate_beside_a_strategy_that_trains_nothing(tmp_path):
    issue, = issues(tmp_path, LR, base=with_weights(tmp_path, strategy="feature_extraction"))
    assert "the same in effect. No network is trained, only a classifier on its feat" in issue


@pytest.mark.parametrize(("when", "size"), [({"randaugment": True}, 3 * (2 + 1)),
                                            ({"lr": [0.1, 0.01]}, 2 * (2 * 2 + 1)),
                                            ({"lr": 0.1, "randaugment": False}, 2 + 5)])
def test_conditions_of_ones_own(tmp_path, when, size):
    cutout = {"search_key": "cutout", "when": when}
    settings = load(tmp_path, cutout, LR, RANDAUGMENT)
    assert settings.search_space.space.size == size
    space = settings.search_space.space
    assert len({space.key(point) for point in space.points()}) == size


@pytest.mark.parametrize(("when", "expected"), [
    ({"randaugmen": True},
     "search_dict.0.when: must name another search_key of this search_dict; found 'randaugmen'. "
     "Did you mean 'randaugment'?"),
    ({"cutout": True}, "search_dict.0.when: must name another search_key"),
    ({"lr": 0.5},
     "search_dict.0.when.lr: must be among the values that are searched; found 0.5 (a number). "
     "They are "
     "[0.1, 0.01, 0.001]."),
    ({"lr": []}, "search_dict.0.when.lr: must have a value: the key would never matter"),
    ("randaugment",
     "search_dict.0.when: must be a mapping of search keys to their values; found 'randaugment'"),
    ({}, "search_dict.0.when: must be a mapping"), (None, "search_dict.0.when: must be a mapping")
])
def test_mistakes(tmp_path, when, expected):
    found = issues(tmp_path, {"search_key": "cutout", "when": when}, LR, RANDAUGMENT)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_conditions_in_a_circle(tmp_path):
    found = issues(tmp_path, {"search_key": "cutout", "when": {"mixup": True}},
                   {"search_key": "mixup", "when": {"cutout": True}},
                   {**LR, "when": {"mixup": True}})
    assert found == ["search_dict.0.when: must not lead back to the key itself; found 'cutout'",
                     "search_dict.1.when: must not lead back to the key itself; found 'mixup'"]


def test_a_mistake_of_the_other_key_is_told_once(tmp_path):
    found = issues(tmp_path, {"search_key": "cutout", "when": {"lr": 0.1}},
                   {**LR, "search_values": ["x"]})
    assert len(found) == 1
    assert found[0].startswith("search_dict.1.search_values.0")


def test_the_fixed_point_may_leave_out_what_is_inactive(tmp_path):
    settings = load(tmp_path, RANDAUGMENT, MAGNITUDE, fixed={"randaugment": False})
    assert settings.search_space.baseline == {"randaugment": False, "randaugment_magnitude": 3}
    settings = load(tmp_path, RANDAUGMENT, MAGNITUDE,
                    fixed={"randaugment": False, "randaugment_magnitude": 9})
    assert settings.search_space.baseline == {"randaugment": False, "randaugment_magnitude": 3}
    assert "fixed.randaugment_magnitude: is needed" in issues(tmp_path, RANDAUGMENT, MAGNITUDE,
                                                                fixed={"randaugment": True})[0]


STRATEGY = {"search_key": "strategy", "search_values": [
    "full", "gradual", {"name": "discriminative", "decay": 0.5}]}
RATE = {"search_key": "backbone_rate", "search_values": [0.3, 0.1]}


def test_an_option_of_a_strategy_exists_only_under_it(tmp_path):
    file = write_search(tmp_path, search_dict=[
        STRATEGY, RATE, {"search_key": "head_epochs", "search_values": [1]}])
    settings = load_search_file(file, ["Transfer.pretrained=imagenet"])
    space, strategies = settings.search_space.space, STRATEGY["search_values"]
    assert space.size == 1 + 1 + 2
    assert space["backbone_rate"].condition == (("strategy", (strategies[2],)),)
    configs = [settings.stages.raw_config(Proposal(point))["Transfer"].get("strategy")
               for point in space.points()]
    assert configs == [
        None, {"name": "gradual", "head_epochs": 1},
        {"name": "discriminative", "decay": 0.5, "backbone": 0.3},
        {"name": "discriminative", "decay": 0.5, "backbone": 0.1}]


def test_an_option_without_its_strategy(tmp_path):
    text, = issues(tmp_path, {"search_key": "strategy", "search_values": ["full", "head"]}, RATE)
    assert text.startswith("search_dict.1.search_key: backbone_rate (the learning rate of the ")
    assert "has no value of strategy to refine; found ['full', 'head'] (a list)" in text
    assert issues(tmp_path, RATE) == [
        "search_dict.0.search_key: backbone_rate needs the search_key strategy with discriminative "
        "beside it, or Transfer.strategy: discriminative of the base config; found none there. Add "
        "it, or take the key out."]


def test_a_greedy_search_tells_of_the_strategies_that_an_option_needs(tmp_path):
    file = write_search(tmp_path, search_mode="greedy", search_dict=[STRATEGY, RATE])
    with pytest.raises(ConfigError) as caught:
        load_search_file(file, ["Transfer.pretrained=imagenet"])
    text, = map(str, caught.value.issues)
    assert text.startswith("search_dict.1.search_key: backbone_rate exists only beside some values "
                           "of strategy, and the keys of a greedy search come one by one; found "
                           "[{'name': 'discriminative', 'decay': 0.5}] (a list). Take it out and")
    assert "when" not in text


@pytest.mark.parametrize(("values", "options", "told"), [
    (["scratch", "full"], ["Transfer.pretrained=imagenet"], 1),
    (["full", "head"], ["Transfer.pretrained=imagenet"], 0),
    (None, ["Transfer.pretrained=imagenet", "Transfer.strategy=scratch"], 1)])
def test_that_scratch_needs_no_weights_is_said_once(tmp_path, values, options, told):
    keys = [{"search_key": "strategy", "search_values": values}] if values else []
    file = write_search(tmp_path, search_dict=[*keys, LR])
    remarks = [note for note in load_search_file(file, options).notes if "scratch" in note]
    assert remarks == ["The strategy scratch begins with random weights: Transfer.pretrained "
                       "imagenet is not for it."] * told


@pytest.mark.parametrize(("value", "expected"), [
    ("heads", "there is no strategy 'heads'. Did you mean 'head'?"),
    ({"name": "partial", "stages": 0}, "stages must be greater than or equal to 1"),
    ({"name": "head", "stages": 1}, "stages is no argument of head"),
    ("scratch", ""), ({"name": "full"}, "must differ from the values before it")])
def test_values_of_strategy(tmp_path, value, expected):
    item = {"search_key": "strategy", "search_values": ["full", value]}
    if not expected:
        file = write_search(tmp_path, search_dict=[item])
        settings = load_search_file(file, ["Transfer.pretrained=imagenet"])
        assert settings.search_space.space.size == 2
        return
    text, = issues(tmp_path, item)
    assert text.startswith("search_dict.0.search_values.1: ")
    assert expected in text
