"""Whose weights go together with the winner's."""

import pytest

from paddle_transfer.loop.soup_candidates import candidates
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.study.trial_folder import TrialFolder
from tests.helpers.records import ranker_of, record, shown_settings

LR = SearchKey(Choice("lr", (0.1, 0.01, 0.001), log=True))
OTHERS = {"strategy": ("full", "discriminative", "feature_extraction"),
          "pretrained": ("imagenet", "imagenet_ssld"), "batch_size": (8, 16)}
PATHS = {"classes": ("Arch.class_num", (5, 6)), "network": ("Arch.name", ("ResNet18", "ResNet34"))}


def chosen(folder, key, *trials, weights=None):
    """``candidates`` of trials (value of ``key``, metric): their numbers, and why others are none.

    :param weights: the numbers of the trials that have some; None: all
    """
    path, values = PATHS.get(key, (None, OTHERS.get(key)))
    searched = SearchKey(Choice(key, values), (path,) if path else ())
    settings = shown_settings(folder, keys=(LR, searched), fixed=None, search_mode="grid")
    settings.base.config["Transfer"] = {"pretrained": "imagenet"}
    records = []
    for number, (value, metric) in enumerate(trials):
        state = "pruned" if metric is None else "complete"
        records.append(record(number, 0.1, value=metric or 0.99, state=state,
                              point={"lr": 0.1 / 10 ** (number % 3), key: value}))
        if weights is None or number in weights:
            file = TrialFolder.of(folder, number).weights
            file.parent.mkdir(parents=True)
            file.touch()
    board = ranker_of(settings).leaderboard(records)
    found, others = candidates(board, records, stages=settings.stages, output_dir=folder)
    return [one.number for one in found], others


def test_the_best_come_first_and_pruned_ones_and_those_without_weights_are_none(tmp_path):
    assert chosen(tmp_path, "batch_size", (8, 0.5), (16, 0.9), (8, None), (16, 0.7), (8, 0.6),
                  weights={0, 1, 2, 4}) == ([1, 4, 0], {})


@pytest.mark.parametrize(("key", "what"), [
    ("network", "architecture"), ("classes", "number of classes"),
    ("strategy", "strategy"), ("pretrained", "pretrained weights or new head")])
def test_what_they_have_in_common_with_the_winner(tmp_path, key, what):
    first, second = (OTHERS.get(key) or PATHS[key][1])[:2]
    found, others = chosen(tmp_path, key, (second, 0.6), (first, 0.5), (second, 0.9), (first, 0.8))
    assert found == [2, 0]
    assert others == {1: f"its {what} is not the winner's", 3: f"its {what} is not the winner's"}


def test_classifiers_on_features_are_not_averaged(tmp_path):
    found, others = chosen(tmp_path, "strategy", ("feature_extraction", 0.9), ("full", 0.8),
                           ("feature_extraction", 0.7))
    assert found == []
    assert others == {0: "its strategy trains no network", 2: "its strategy trains no network",
                      1: "its strategy is not the winner's"}
