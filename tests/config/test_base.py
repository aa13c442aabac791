import copy

import pytest

from paddle_transfer.config import base
from paddle_transfer.config.check import check_base
from paddle_transfer.config.validation import ValidationIssues
from tests.helpers.configs import base_config


@pytest.fixture
def config(tmp_path):
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").touch()
    return base_config(tmp_path)


def mistakes_of(config):
    issues = ValidationIssues()
    check_base(config, issues, prefix="base.yaml")
    return [str(mistake) for mistake in issues]


def test_complete_fills_what_is_missing_and_keeps_the_rest(config):
    config["Global"] = {"epochs": 7, "device": "gpu"}
    del config["DataLoader"]["Train"]["loader"]["use_shared_memory"]
    before = copy.deepcopy(config)
    done = base.complete(config)
    assert config == before
    assert done["Global"] == {**base.GLOBAL_DEFAULTS, "epochs": 7, "device": "gpu"}
    assert done["DataLoader"]["Train"]["loader"] == {"num_workers": 0, "use_shared_memory": True}
    done["Global"]["image_shape"].append(0)
    assert base.GLOBAL_DEFAULTS["image_shape"] == [3, 224, 224]


def test_comparable_forgets_the_machine_and_nothing_else(config):
    other = copy.deepcopy(config)
    other["Global"].update(output_dir="elsewhere", device="cpu", print_batch_step=99)
    other["DataLoader"]["Train"]["loader"]["num_workers"] = 8
    assert base.comparable(config) == base.comparable(other)
    other["DataLoader"]["Train"]["sampler"]["batch_size"] = 9
    assert base.comparable(config) != base.comparable(other)
    other = copy.deepcopy(config)
    other["Global"]["epochs"] = 4
    assert base.comparable(config) != base.comparable(other)


def test_a_good_config_has_no_mistakes(config):
    assert mistakes_of(config) == []


@pytest.mark.parametrize("section", ["Global", "Arch", "Loss", "Optimizer", "DataLoader", "Metric"])
def test_a_missing_section_is_named(config, section):
    del config[section]
    assert any(f"base.yaml: {section}" in text and "is needed; found nothing there" in text
               for text in mistakes_of(config))


def test_a_misspelt_section_is_recognised(config):
    config["Optimiser"] = config.pop("Optimizer")
    assert mistakes_of(config) == [
        "base.yaml: Optimizer: is needed; found nothing there. Did you mean 'Optimiser'?"
    ]


def test_the_file_stands_before_mistakes_of_the_section_transfer(config):
    config["Transfer"] = {"pretrained": 3, "head": 4, "x": 5}
    assert [text.partition(": must")[0].partition(": unknown")[0]
            for text in mistakes_of(config)] == [
        "base.yaml: Transfer.x", "base.yaml: Transfer.head", "base.yaml: Transfer.pretrained"]


def test_what_data_sets_lack_goes_to_a_list_of_its_own(config, tmp_path):
    (tmp_path / "val_list.txt").unlink()
    config["Global"]["epochs"] = 0
    issues, lacking = ValidationIssues(), ValidationIssues()
    check_base(config, issues, prefix="base.yaml", lacking=lacking)
    assert [issue.where for issue in issues] == ["base.yaml: Global.epochs"]
    assert [issue.where for issue in lacking] == [
        "base.yaml: DataLoader.Eval.dataset.cls_label_path"]


@pytest.mark.parametrize("part",
                         ["Loss.Train", "DataLoader.Train", "DataLoader.Eval", "Metric.Eval"])
def test_a_missing_part_is_named(config, part):
    top, _, sub = part.partition(".")
    del config[top][sub]
    assert any(text.startswith(f"base.yaml: {part}: is needed") for text in mistakes_of(config))


@pytest.mark.parametrize(("change", "message"), [
    ({"eval_interval": 4
      }, "at least one epoch be evaluated; found eval_interval 4, start_eval_epoch 0, epochs 3"),
    ({"start_eval_epoch": 4
      }, "at least one epoch be evaluated; found eval_interval 1, start_eval_epoch 4, epochs 3"),
    ({"epochs": 0}, "Global.epochs: must be a whole number, 1 or more; found 0"),
    ({"epochs": "3"}, "Global.epochs: must be a whole number, 1 or more; found '3' (a string)"),
    ({"eval_interval": None
      }, "Global.eval_interval: must be a whole number, 1 or more; found nothing"),
])
def test_global_settings_that_give_no_metric(config, change, message):
    config["Global"].update(change)
    (text,) = mistakes_of(config)
    assert message in text


def test_the_last_epoch_alone_is_enough(config):
    config["Global"].update(start_eval_epoch=2, eval_interval=3)
    assert mistakes_of(config) == []


def test_top_k_beyond_the_classes(config):
    config["Arch"]["class_num"] = 4
    train, evaluation = mistakes_of(config)
    assert "base.yaml: Metric.Train: top-k must not be larger than the 4 classes" in train
    assert "found topk [1, 5]. Write topk: [1]." in evaluation


def test_lists_and_folders_that_are_not_there(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config["DataLoader"]["Train"]["dataset"]["image_root"] = "nowhere"
    (tmp_path / "val_list.txt").unlink()
    folder, file = mistakes_of(config)
    assert ("DataLoader.Train.dataset.image_root: must be a folder that exists; found 'nowhere'"
            in folder)
    assert f"looked for in {tmp_path}" in folder
    assert "DataLoader.Eval.dataset.cls_label_path: must be a file that exists" in file


def test_how_many_images_the_metric_is_measured_on(tmp_path):
    config = base_config(tmp_path)
    assert base.eval_size(config) is None, "there is no list"
    (tmp_path / "val_list.txt").write_text("a.png 0\n\nb.png 1\nc.png 1")
    assert base.eval_size(config) == 3
    (tmp_path / "val_list.txt").write_text("")
    assert base.eval_size(config) is None
    assert base.eval_size({"DataLoader": {"Eval": {"dataset": {}}}}) is None
