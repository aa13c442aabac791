"""A trial's best weights measured on the train list as well, as stock PaddleClas would."""

import copy

import pytest

from paddle_transfer.config.load import dump_yaml
from paddle_transfer.config.portable import handed_back
from tests.helpers.bridge import stock_use, train
from tests.helpers.digits import tiny_config


def test_the_best_weights_on_the_train_list(trainings, digits, tmp_path):
    config = tiny_config(digits, "unused")
    trial = tmp_path / "trial"
    trained = trainings(train, str(trial), config, also_measure=["train"])
    plain = trainings(train, str(tmp_path / "plain"), config)
    assert (trained["reports"], trained["digest"]) == (plain["reports"], plain["digest"])
    assert "measured" not in plain
    measured = trained["measured"]
    assert list(measured) == ["val", "train"]
    assert measured["val"]["top1"] == trained["value"]
    assert set(measured["val"]) == set(measured["train"]) == {"top1", "top2", "mean_per_class"}

    other = handed_back(copy.deepcopy(config), output_dir=str(tmp_path / "stock"), seed=7,
                        device="cpu", metric="top1")
    loaders = other["DataLoader"]
    loaders["Eval"]["dataset"]["cls_label_path"] = loaders["Train"]["dataset"]["cls_label_path"]
    dump_yaml(other, str(tmp_path / "on_train.yaml"))
    used = trainings(stock_use, str(tmp_path / "on_train.yaml"), str(trial / "best_model"),
                     str(tmp_path / "stock"))
    assert measured["train"]["top1"] == pytest.approx(used["metric"], abs=1e-6)


def test_weights_that_are_not_kept_are_measured_all_the_same(trainings, digits, tmp_path):
    config = tiny_config(digits, "unused")
    config["Global"]["epochs"] = 1
    trained = trainings(train, str(tmp_path / "trial"), config, also_measure=["train"],
                        keep_weights=False)
    assert set(trained["measured"]) == {"val", "train"}
    assert not (tmp_path / "trial/best_model.pdparams").exists()
    stopped = trainings(train, str(tmp_path / "stopped"), {
        **config, "Global": {**config["Global"], "epochs": 2}}, also_measure=["train"],
        stop_after=1)
    assert "measured" not in stopped, "it was broken off: its result is none to compare"
