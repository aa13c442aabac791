"""A search key that changes nothing is found before training."""

import pytest

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings import ineffective_keys
from paddle_transfer.settings.ignored import IGNORED, why_ignored
from paddle_transfer.settings.ineffective_keys import check_ineffective
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.hyperparameter import Choice, Range
from paddle_transfer.space.search_key import SearchKey
from tests.helpers.configs import base_config, write_search


def key(name, *values, path=None):
    return SearchKey(Choice(name, values), (path,) if path else ())


def found(keys, *, base=None):
    issues = ValidationIssues()
    check_ineffective(base or base_config(), keys, issues)
    return [str(mistake) for mistake in issues]


LR = "Optimizer.lr.learning_rate"


def test_a_living_space_has_nothing_to_say(tmp_path):
    assert found(
        [key("lr", 0.1, 0.01),
         key("label_smoothing", False, True),
         key("mixup", False, True)]) == []
    load_search_file(write_search(tmp_path))


@pytest.mark.parametrize(("path", "values", "reason"), [
    ("Loss.Train.0.CELoss.weight", (1.0, 2.0), "PaddleClas ignores the weight of a single loss"),
    ("Global.device", ("cpu", "gpu"), "the search sets it for every trial"),
    ("Global.print_batch_step", (1, 2), "it has no part in training"),
    ("Global.image_shape", ([3, 32, 32], [3, 16, 16]), "it is for export only"),
    ("DataLoader.Train.loader.num_workers", (0, 2), "it changes the speed only"),
    ("DataLoader.Eval.sampler.batch_size", (8, 16), "it changes the speed only"),
    ("Metric.Train.0.TopkAcc.topk",
     ([1], [1, 2]), "the metrics of the training images are only shown"),
])
def test_what_paddleclas_ignores(tmp_path, path, values, reason):
    items = [{"search_key": "it", "replace_config": [path], "search_values": list(values)},
             {"search_key": "mixup"}]
    with pytest.raises(ConfigError) as caught:
        load_search_file(write_search(tmp_path, search_dict=items))
    (text,) = map(str, caught.value.issues)
    assert text.startswith(
        f"search_key it: must change the training; found {path}. It would not, because {reason}")


def test_the_weight_of_one_loss_of_two_counts():
    base = base_config()
    base["Loss"]["Train"].append({"TripletLoss": {"weight": 1.0}})
    assert found([key("w", 1.0, 2.0, path="Loss.Train.0.CELoss.weight")], base=base) == []


def test_the_learning_rate_of_a_piecewise_schedule():
    base = base_config()
    base["Optimizer"]["lr"] = {
        "name": "Piecewise", "learning_rate": 0.1, "decay_epochs": [1], "values": [0.1, 0.01]
    }
    (text,) = found([key("rates", 0.1, 0.2, path=LR)], base=base)
    assert "search_key rates" in text
    assert "Piecewise" in text
    assert "The key lr scales the values." in text
    assert found([key("lr", 0.1, 0.2)], base=base) == []


def test_a_warmup_that_is_searched_gives_its_start_a_meaning():
    start = key("start", 0.0, 0.01, path="Optimizer.lr.warmup_start_lr")
    base = base_config()
    base["Optimizer"]["lr"].update(warmup_epoch=0, warmup_start_lr=0.0)
    assert "there is no warmup" in found([start], base=base)[0]
    assert found([start, key("warmup", 1, 2, path="Optimizer.lr.warmup_epoch")], base=base) == []
    (text,) = found([start, key("warmup", 0, 2, path="Optimizer.lr.warmup_epoch")], base=base)
    assert "start 0.0 (a number) and start 0.01 (a number) are the same in effect beside warmup 0" \
        in text
    assert "Or search it where its values differ: when: {warmup: [2]" in text


def test_a_key_with_one_path_that_counts_is_alive():
    both = SearchKey(Choice("size", (32, 48)),
                     ("Global.image_shape", "DataLoader.Train.dataset.transform_ops.1."
                      "RandCropImage.size"))
    assert found([both]) == []


@pytest.mark.parametrize(("first", "second"), [(LR, LR), (LR, "Optimizer.lr")])
def test_a_path_that_another_key_overwrites(first, second):
    schedules = ({"name": "Cosine", "learning_rate": 0.3}, {"name": "Linear", "learning_rate": 0.3})
    values = (0.3, 0.4) if first == second else schedules
    (text,) = found([key("rate", 0.1, 0.2, path=first), key("other", *values, path=second)])
    assert text.startswith(
        "search_key rate: two points of the space must not be the same training; found rate 0.1")
    assert f"other sets {second} too. Keep one of the two." in text


def test_a_name_from_the_catalogue_and_a_path_that_meet():
    (text,) = found([key("lr", 0.1, 0.2), key("rate", 0.3, 0.4, path=LR)])
    assert text.startswith("search_key lr: two points")
    assert f"rate sets {LR} too" in text


def test_values_that_differ_in_what_no_training_reads():
    (text, ) = found([
        key("part", {"batch_size": 8, "num_workers": 1}, {"batch_size": 8, "num_workers": 2},
            path="DataLoader.Train.loader")
    ])
    assert text.startswith("search_key part: two points of the space")


def test_in_a_large_space_too(monkeypatch):
    monkeypatch.setattr(ineffective_keys, "POINTS", 60)
    keys = [SearchKey(Range("lr", 1e-4, 1e-1, log=True)), key("mixup", False, True),
            key("decay", *(i / 100 for i in range(20)), path="Optimizer.momentum"),
            key("again", 0.5, 0.6, path="Optimizer.momentum")]
    (text,) = found(keys)
    assert text.startswith("search_key decay: two points")


def test_every_entry_says_why():
    assert all(entry.reason for entry in IGNORED)
    assert why_ignored(base_config(), "Optimizer.lr.learning_rate") is None
    assert why_ignored(base_config(), "Infer.transforms.0.x") is not None
