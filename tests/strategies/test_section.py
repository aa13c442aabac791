"""Transfer.strategy of a training config: read, checked, applied; Paddle stays out."""

import copy

import pytest

from paddle_transfer.config import pretrained
from paddle_transfer.errors import ConfigError
from paddle_transfer.strategies.registry import STRATEGIES
from paddle_transfer.strategies.section import (
    apply_strategy,
    check_strategy,
    read_head_options,
    read_strategy,
)
from tests.helpers.configs import base_config
from tests.helpers.toy_strategy import Toy

TOY = "tests.helpers.toy_strategy:Toy"


def config(strategy=None, **sections):
    made = {**base_config(), **sections}
    return made if strategy is None else {**made, "Transfer": {"strategy": strategy}}


@pytest.fixture
def toy():
    STRATEGIES.register("toy", Toy)
    yield
    STRATEGIES.unregister("toy")


@pytest.mark.parametrize("written", [None, "full", {"name": "full"}])
def test_full_is_the_strategy_of_a_config_without_one_and_leaves_no_trace(written):
    assert read_strategy(config(written)).name == "full"
    assert check_strategy(config(written)) == []
    assert apply_strategy(config(written)) == config()


def test_a_name_may_be_module_and_attribute():
    chosen = read_strategy(config({"name": TOY, "momentum": 0.25}))
    assert (chosen.options.momentum, chosen.options.thaw_in) == (0.25, 2)


@pytest.mark.parametrize(("written", "message"), [
    ("ful", "Transfer.strategy: there is no strategy 'ful'. Did you mean 'full'?"),
    ("tests.helpers.toy_strategy:Toi",
     "Transfer.strategy: there is no strategy 'tests.helpers.toy_strategy:Toi': module "),
    ("no_such_module:Toy", "there is no strategy 'no_such_module:Toy': No module named"),
    ({"momentum": 1}, "Transfer.strategy: must be a name, or a mapping with a name; found {'mom"),
    (3, "Transfer.strategy: must be a name, or a mapping with a name; found 3 (an integer). For "),
    ({"name": TOY, "momntum": 0.5}, "Transfer.strategy.momntum: is no argument of "
     f"{TOY}; found 0.5 (a number). Did you mean 'momentum'?"),
    ({"name": "full", "rate": 1}, "Transfer.strategy.rate: is no argument of full"),
    ({"name": TOY, "momentum": 2}, "Transfer.strategy.momentum: must be less than 1"),
])
def test_what_is_wrong_with_it(written, message):
    issue, = check_strategy(config(written))
    assert message in str(issue)
    with pytest.raises(ConfigError) as caught:
        apply_strategy(config(written))
    assert message in str(caught.value)


def test_data_that_a_strategy_needs():
    needy = config("tests.helpers.toy_strategy:NeedsEverything")
    assert [str(issue) for issue in check_strategy(needy)] == [
        f"DataLoader.{split}: is needed by the strategy {needy['Transfer']['strategy']}; found "
        "nothing there" for split in ("Source", "Unlabeled")]
    needy["DataLoader"].update(Source={"dataset": {}}, Unlabeled={"dataset": {}})
    assert check_strategy(needy) == []


@pytest.mark.parametrize("name", ["head", "partial", "gradual"])
def test_layers_that_stay_as_they_were_loaded_need_weights(name):
    issue, = check_strategy(config(name))
    assert f"{name} needs pretrained weights: it leaves layers as they were loaded" in str(issue)
    loaded = config(name)
    loaded["Transfer"]["pretrained"] = "imagenet"
    assert check_strategy(loaded) == []


@pytest.mark.parametrize(("section", "edits", "message"), [
    ("Global", {"use_multilabel": True}, "images have one label each; found True"),
    ("Global", {"eval_mode": "retrieval"}, "what is evaluated is a classification; found 'retr"),
    ("Global", {"checkpoints": "out/latest"}, "there is nothing to resume; found 'out/latest'"),
    ("Transfer", {"head": {"hidden": [256]}}, "no new layer is trained; found [256]"),
    ("Arch", {"models": []}, "there is one network, with one file of weights; found several"),
])
def test_what_has_no_features(section, edits, message):
    asked = config("feature_extraction")
    asked["Transfer"]["pretrained"] = "imagenet"
    assert check_strategy(asked) == []
    asked[section].update(edits)
    issue = check_strategy(asked)[0]
    assert f"under the strategy feature_extraction {message}" in str(issue)


@pytest.mark.parametrize(("options", "stock"), [
    ({}, True), ({"classifier": "linear_svm"}, True), ({"classifier": "knn"}, False),
    ({"layer": "conv"}, False)])
def test_a_config_says_whether_its_weights_are_all(options, stock):
    applied = apply_strategy(config({"name": "feature_extraction", **options}))
    assert applied["Global"]["epochs"] == 1
    assert (".index.npz beside the weights" in applied["Transfer"]["note"]) == (not stock)
    assert ("evaluates and infers with the weights" in applied["Transfer"]["note"]) == stock


def test_head_options():
    assert read_head_options(config(FineTune={"dropout": 0.5})).backbone_lr_mult == 1.0
    issue, = check_strategy(config(FineTune={"dropot": 0.5}))
    assert str(issue) == "FineTune.dropot: unknown key; found 'dropot'. Did you mean 'dropout'?"
    assert [issue.where for issue in check_strategy(config(3, FineTune={"dropout": 1}))] == [
        "Transfer.strategy", "FineTune.dropout"]


@pytest.mark.usefixtures("toy")
def test_an_applied_strategy_is_named_for_other_processes_and_edits_once():
    asked = config({"name": "toy", "thaw_in": 1})
    before = copy.deepcopy(asked)
    applied = apply_strategy(asked)
    assert asked == before
    assert applied["Optimizer"]["momentum"] == 0.5
    assert applied["Transfer"]["strategy"] == {"name": TOY, "thaw_in": 1}
    assert "PaddleClas's own trains without it" in applied["Transfer"]["note"]
    assert apply_strategy(applied) == applied
    assert check_strategy(applied) == []


def test_a_strategy_that_edits_only_is_gone_afterwards():
    applied = apply_strategy(config("tests.helpers.toy_strategy:NeedsEverything"))
    assert applied == {**config(), "Global": {**config()["Global"], "epochs": 1}}


@pytest.mark.usefixtures("toy")
def test_the_config_of_a_search_keeps_a_strategy_and_drops_the_weights_section():
    asked = apply_strategy({**config(), "Transfer": {"strategy": "toy", "pretrained": "imagenet"}})
    emitted = pretrained.for_search(asked, "out")
    assert set(emitted["Transfer"]) == {"strategy", "note"}
    assert emitted["Global"]["pretrained_model"].startswith("out/pretrained/imagenet-")
    assert pretrained.for_search(emitted, "out")["Transfer"] == emitted["Transfer"]


def test_what_every_shipped_strategy_declares():
    for name in STRATEGIES:
        made = STRATEGIES[name]()
        assert made.name == name
        assert made.returns
        edited = config()
        made.edit(edited, made.options())
        again = copy.deepcopy(edited)
        made.edit(again, made.options())
        assert again == edited
