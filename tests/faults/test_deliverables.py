"""What a search overrides or ignores is in nothing that it hands back; points of a space that are
equal in effect are one."""

import pytest
import yaml

from paddle_transfer.errors import ConfigError
from paddle_transfer.report.files import ResultFiles
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import base_config, write_search
from tests.helpers.records import ranker_of, record, shown_settings
from tests.helpers.settings import change


def best_config(folder, base, **changes):
    """(text, content) of ``best_config.yaml`` after a search of one trial over ``base``."""
    settings = change(shown_settings(folder), base_config=base, **changes)
    files = ResultFiles(settings, ranker=ranker_of(settings))
    files.search_ended([record(0, 0.01, value=0.7)], "done")
    text = (folder / "best_config.yaml").read_text()
    return text, yaml.safe_load(text)


def test_an_old_checkpoint_of_the_base_config_is_not_handed_back(tmp_path):
    base = base_config(tmp_path)
    base["Global"]["checkpoints"] = "./output/old/latest"
    _, made = best_config(tmp_path, base)
    assert made["Global"]["checkpoints"] is None


def test_what_trials_do_without_is_not_handed_back(tmp_path):
    base = base_config(tmp_path)
    base["Global"].update(use_visualdl=True, uniform_output_enabled=True)
    base["profiler_options"] = "batch_range=[1, 2]"
    _, made = best_config(tmp_path, base)
    assert made["Global"]["use_visualdl"] is False
    assert "uniform_output_enabled" not in made["Global"]
    assert "profiler_options" not in made


def test_the_metric_that_was_searched_chooses_the_best_epoch_of_the_config_too(tmp_path):
    _, made = best_config(tmp_path, base_config(tmp_path), metric="top5")
    assert made["Metric"]["Eval"] == [{"TopkAcc": {"topk": [5, 1]}}]
    text, made = best_config(tmp_path, base_config(tmp_path), metric="mean_per_class")
    assert made["Metric"]["Eval"] == [{"TopkAcc": {"topk": [1, 5]}}]
    assert ("# mean_per_class is paddle_transfer's own: a training of this config chooses its best "
            "epoch by top1") in text


def test_what_is_exported_is_what_was_evaluated(tmp_path):
    base = base_config(tmp_path)
    del base["Global"]["image_shape"]
    _, made = best_config(tmp_path, base)
    assert made["Global"]["image_shape"] == [3, 32, 32], "not PaddleClas's usual 224"


def notes(folder, section, **fields):
    base = base_config(folder)
    base["Global"].update(section)
    return "\n".join(load_search_file(write_search(folder, base=base, **fields)).notes)


def test_keys_of_the_base_config_that_no_trial_uses_are_told(tmp_path):
    told = notes(tmp_path, {"checkpoints": "./output/old/latest", "seed": 42})
    assert "Global.checkpoints of the base config is not used: every trial begins" in told
    assert ("Global.seed of the base config is not used: trials have seeds of their own, from 0 "
            "on; -o seed=42 begins with this one") in told
    assert "is not used" not in notes(tmp_path, {"seed": 42}, seed=7)
    assert "is not used" not in notes(tmp_path, {"seed": 42}, seed=42)


@pytest.mark.parametrize(("key", "value"), [("save_interval", 0), ("save_interval", None),
                                            ("print_batch_step", 0), ("start_eval_epoch", None)])
def test_intervals_that_end_a_training_are_refused_before_it(tmp_path, key, value):
    base = base_config(tmp_path)
    base["Global"][key] = value
    with pytest.raises(ConfigError, match=f"Global.{key}: must be a whole number"):
        load_search_file(write_search(tmp_path, base=base))


def refusal(folder, *items, base=None, **fields):
    """What is wrong with a search of ``items``; empty when nothing is."""
    base = base or base_config(folder)
    base["Global"]["epochs"] = fields.pop("epochs", 1)
    base["Optimizer"]["lr"]["warmup_epoch"] = fields.pop("warmup", 0)
    try:
        load_search_file(write_search(folder, base=base, search_dict=list(items), **fields))
    except ConfigError as error:
        return str(error)
    return ""


def test_warmups_are_fewer_than_all_epochs(tmp_path):
    warmups = {"search_key": "warmup_epochs", "search_values": [0, 1, 5]}
    told = refusal(tmp_path, warmups)
    assert "search_dict.0.search_values: with warmup_epochs 1, 5, Optimizer.lr.warmup_epoch must " \
        "be fewer than all epochs: from there on PaddleClas makes it the whole training" in told
    assert told.count("\n") == 1, "one cause, told once"
    assert refusal(tmp_path, warmups, epochs=6) == ""
    path = {"search_key": "rise", "search_values": [0, 1],
            "replace_config": ["Optimizer.lr.warmup_epoch"]}
    assert "with rise 1, Optimizer.lr.warmup_epoch must be fewer" in refusal(tmp_path, path)


def test_a_warmup_beside_some_epochs_only_can_be_left_out_by_a_condition(tmp_path):
    lengths = {"search_key": "epochs", "search_values": [5, 20]}
    warmups = {"search_key": "warmup_epochs", "search_values": [0, 1, 5]}
    told = refusal(tmp_path, lengths, warmups)
    assert "with warmup_epochs 5 beside epochs 5" in told
    assert "when: {epochs: [20]}" in told
    assert refusal(tmp_path, lengths, {**warmups, "when": {"epochs": [20]}}) == ""
    assert refusal(tmp_path, lengths, {**warmups, "when": {"epochs": [20]}}, warmup=5) == "", \
        "the base config's own warmup is left to PaddleClas"


def test_a_warmup_of_the_base_config_is_left_to_paddleclas(tmp_path):
    rates = {"search_key": "lr", "search_values": [0.1, 0.01]}
    assert refusal(tmp_path, rates, warmup=5) == "", "a quick try of one epoch stays possible"
    schedules = {"search_key": "lr_schedule", "search_values": ["cosine", "linear"]}
    told = refusal(tmp_path, schedules, warmup=5)
    assert "are the same in effect. A warmup as long as the training, or longer" in told


@pytest.mark.parametrize(("item", "why"), [
    ({"search_key": "batch_size", "search_values": [8, 32, 64]}, "train list is one batch"),
    ({"search_key": "end", "search_values": [[2], [7]],
      "replace_config": ["Optimizer.lr.decay_epochs"]}, "the same up to the last epoch"),
    ({"search_key": "epsilon", "search_values": [0, None, 0.1],
      "replace_config": ["Loss.Train.0.CELoss.epsilon"]}, "It is the same loss"),
    ({"search_key": "first", "search_values": [0, 1, 2],
      "replace_config": ["Global.start_eval_epoch"]}, "The same epochs are evaluated"),
    ({"search_key": "extra", "replace_config": ["DataLoader.Train.dataset.transform_ops.3"],
      "search_values": [{"RandomErasing": {"EPSILON": 0}}, {"ResizeImage": {"size": 32}}]},
     "change no image"),
    ({"search_key": "list", "replace_config": ["DataLoader.Train.dataset.cls_label_path"],
      "search_values": ["train_list.txt", "copy.txt"]}, "lists have the same content")])
def test_points_that_are_equal_in_effect_are_one(tmp_path, monkeypatch, item, why):
    monkeypatch.chdir(tmp_path)
    base = base_config(".")
    for name in ("train_list", "copy"):
        (tmp_path / f"{name}.txt").write_text("a.jpg 0\n" * 18)
    base["Optimizer"]["lr"] = {"name": "Piecewise", "decay_epochs": [1], "values": [0.1, 0.01]}
    base["Loss"]["Train"][0]["CELoss"]["epsilon"] = 0.1
    base["Global"]["start_eval_epoch"] = 0
    base["DataLoader"]["Train"]["dataset"]["transform_ops"].append({"RandFlipImage": None})
    told = refusal(tmp_path, item, base=base, epochs=2)
    assert "two points of the space must not be the same training" in told
    assert "are the same in effect" in told
    assert why in told
