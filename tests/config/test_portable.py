import copy

import pytest

from paddle_transfer.config import resolve
from paddle_transfer.config.portable import for_trial, handed_back, portable
from tests.helpers.configs import base_config

WHERE = {"output_dir": "out/trials/0003", "seed": 5, "device": "gpu:3"}


@pytest.fixture
def config(tmp_path):
    return base_config(tmp_path)


def test_for_trial_sets_its_own_folder_seed_and_kind_of_device(config):
    before = copy.deepcopy(config)
    trial = for_trial(config, **WHERE)
    assert config == before
    assert (trial["Global"]["output_dir"], trial["Global"]["seed"], trial["Global"]["device"]) == (
        "out/trials/0003", 5, "gpu")
    assert for_trial(config, output_dir="x", seed=0, device="cpu:1")["Global"]["device"] == "cpu"


def test_what_a_search_overrides_is_in_no_config_of_it(config):
    config["Global"].update(checkpoints="./output/old/latest", use_visualdl=True,
                            eval_during_train=False, uniform_output_enabled=True)
    config["profiler_options"] = "batch_range=[1, 2]"
    for made in (for_trial(config, **WHERE), handed_back(config, **WHERE, metric="top1")):
        assert made["Global"]["checkpoints"] is None
        assert (made["Global"]["use_visualdl"], made["Global"]["eval_during_train"]) == (
            False, True)
        assert "uniform_output_enabled" not in made["Global"]
        assert "profiler_options" not in made
        assert for_trial(made, **WHERE) == made, "the worker changes nothing more"


def test_a_portable_config_needs_no_cure_of_one_version(config):
    config["Global"].update(device="cpu", class_num=4)
    del config["Arch"]["class_num"]
    config["Arch"]["use_sync_bn"] = True
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{"MixupOperator": None}]
    config["Metric"]["Train"] = [{"TopkAcc": {"topk": [1]}}, {"TopkAcc": {"topk": [2]}}]
    before = copy.deepcopy(config)
    made = portable(config)
    assert config == before
    assert made["Arch"] == {"class_num": 4, "name": "ResNet18_vd"}
    assert "class_num" not in made["Global"]
    assert made["Metric"] == {"Train": [], "Eval": [{"TopkAcc": {"topk": [1]}}]}
    assert portable(made) == made
    config["Global"]["device"] = "gpu"
    assert portable(config)["Arch"]["use_sync_bn"] is True


def test_the_suffix_of_weights_that_paddleclas_loads_itself(config):
    config["Arch"] = {"name": "DistillationModel", "models": [{"Student": {"name": "ResNet18"}}]}
    config["Global"]["pretrained_model"] = "weights.pdparams"
    assert portable(config)["Global"]["pretrained_model"] == "weights"


@pytest.mark.parametrize(("metrics", "metric", "first"), [
    ([{"TopkAcc": {"topk": [1, 5]}}], "top5", [{"TopkAcc": {"topk": [5, 1]}}]),
    ([{"TopkAcc": None}], "top5", [{"TopkAcc": {"topk": [5, 1]}}]),
    ([{"MultiLabelMAP": None}, {"AccuracyScore": None}], "AccuracyScore",
     [{"AccuracyScore": None}, {"MultiLabelMAP": None}]),
    ([{"TopkAcc": {"topk": [1, 5]}}], "mean_per_class", [{"TopkAcc": {"topk": [1, 5]}}]),
    ([{"TopkAcc": {"topk": 1}}], "top1", [{"TopkAcc": {"topk": 1}}]),
    ([{"MyOwn": None}, {"TopkAcc": {"topk": [1]}}], "top1",
     [{"TopkAcc": {"topk": [1]}}, {"MyOwn": None}])])
def test_stock_training_chooses_its_best_epoch_by_the_metric_of_the_search(config, metrics, metric,
                                                                           first):
    config["Metric"]["Eval"] = metrics
    made = handed_back(config, **WHERE, metric=metric)
    assert made["Metric"]["Eval"] == first
    assert resolve.metric(made) == (metric if metric != "mean_per_class" else "top1")


def test_the_exported_network_takes_images_of_the_size_that_was_evaluated(config):
    config["Global"]["image_shape"] = [3, 224, 224]
    operators = config["DataLoader"]["Eval"]["dataset"]["transform_ops"]
    operators.append({"ResizeImage": {"size": [48, 192]}})
    assert handed_back(config, **WHERE, metric="top1")["Global"]["image_shape"] == [3, 192, 48]
    del operators[1:]
    assert handed_back(config, **WHERE, metric="top1")["Global"]["image_shape"] == [3, 224, 224]
