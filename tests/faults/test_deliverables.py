"""What a search overrides or ignores is in nothing that it hands back; points of a space that are
equal in effect are one."""

import pytest
import yaml

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
    with pytest.raises(Exception, match=f"Global.{key}: must be a whole number"):
        load_search_file(write_search(tmp_path, base=base))
