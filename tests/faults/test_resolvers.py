"""One setting, one reader: where a config may say a thing in several places, all parts of the
package read the one that PaddleClas reads."""

import copy

import pytest

from paddle_transfer.checks.checker import check_config
from paddle_transfer.config.check import check_base
from paddle_transfer.config.validation import ValidationIssues
from tests.helpers.configs import base_config
from tests.helpers.datasets import picture


@pytest.fixture
def config(tmp_path):
    """Three classes, two images of each in either list."""
    for split in ("train", "val"):
        write_list(tmp_path, split, [f"{split}{i}.jpg {i % 3}" for i in range(6)])
        for i in range(6):
            (tmp_path / f"{split}{i}.jpg").write_bytes(picture(i + 6 * (split == "val")))
    made = base_config(tmp_path)
    del made["Arch"]["class_num"]
    for part in ("Train", "Eval"):
        made["Metric"][part] = [{"TopkAcc": {"topk": 1}}]
    return made


def write_list(folder, split, lines):
    (folder / f"{split}_list.txt").write_text("\n".join(lines) + "\n")


def shift_labels(folder):
    for split in ("train", "val"):
        write_list(folder, split, [f"{split}{i}.jpg {i % 3 + 1}" for i in range(6)])


def errors(config, folder):
    report = check_config(config, processes=1, cache_folder=folder / "cache")
    return [str(finding) for finding in report.errors]


def mistakes(config):
    issues = ValidationIssues()
    check_base(config, issues, prefix="base.yaml")
    return [str(issue) for issue in issues]


def test_labels_are_checked_against_a_class_count_of_the_section_global(config, tmp_path):
    config["Global"]["class_num"] = 3
    assert errors(config, tmp_path) == [] == mistakes(config)
    shift_labels(tmp_path)
    found = "\n".join(errors(config, tmp_path))
    assert "labels run from 1 to 3, but must be 0-based" in found
    assert "label 3, but Global.class_num is 3: labels are 0 to 2" in found


def test_without_any_class_count_the_check_that_is_off_is_named(config, tmp_path):
    (found,) = errors(config, tmp_path)
    assert "Arch.class_num is not set: the network gets 1000 outputs" in found
    assert "no label can be checked against it; the lists have labels 0 to 2" in found
    assert "Write Arch.class_num: 3." in found
    shift_labels(tmp_path)
    (found,) = errors(config, tmp_path)
    assert "labels 1 to 3" in found
    assert "Write Arch.class_num: 3. Labels begin at 0" in found


def test_labels_that_need_the_default_outputs_need_no_class_count(config, tmp_path):
    lines = [f"train{i}.jpg {label}" for i, label in enumerate((0, 1, 2, 999))]
    write_list(tmp_path, "train", lines)
    assert not any("class_num" in error for error in errors(config, tmp_path))


@pytest.mark.parametrize("path", ["Arch", "Global"])
@pytest.mark.parametrize("count", ["3", 3.0, True, 0, None])
def test_a_class_count_that_no_network_takes(config, tmp_path, path, count):
    config[path]["class_num"] = count
    (found,) = mistakes(config)
    assert f"{path}.class_num: must be a whole number, 1 or more" in found
    (found,) = errors(config, tmp_path)
    assert f"{path}.class_num must be a whole number, 1 or more, but is" in found


def distillation(config, *, teacher, student, loss):
    made = copy.deepcopy(config)
    made["Arch"] = {"name": "DistillationModel", "models": [
        {"Teacher": {"name": "ResNet18", "class_num": teacher}},
        {"Student": {"name": "PPLCNet_x0_25", "class_num": student}}]}
    made["Loss"]["Train"] = [{loss: {"weight": 1.0, "model_name_pairs": [["Student", "Teacher"]]}}]
    made["Metric"] = {"Eval": [{"DistillationTopkAcc": {"model_key": "Student", "topk": 1}}]}
    return made


def test_teacher_and_student_with_other_classes_cannot_be_compared(config):
    made = distillation(config, teacher=10, student=3, loss="DistillationDMLLoss")
    (found,) = mistakes(made)
    assert "Arch.models.0.Teacher.class_num: must be Arch.models.1.Student.class_num" in found
    assert "found 10 and 3" in found
    made = distillation(config, teacher=10, student=3, loss="DistillationDistanceLoss")
    made["Loss"]["Train"][0]["DistillationDistanceLoss"]["key"] = "backbone"
    assert mistakes(made) == [], "features are compared"


def test_the_labels_of_a_distillation_are_the_students(config, tmp_path):
    made = distillation(config, teacher=2, student=2, loss="DistillationDMLLoss")
    found = "\n".join(errors(made, tmp_path))
    assert "label 2, but Arch.models.1.Student.class_num is 2: labels are 0 to 1" in found


def test_mixed_labels_of_another_width_than_the_network(config):
    config["Arch"] = {"name": "RecModel", "Backbone": {"name": "ResNet18"},
                      "Head": {"name": "FC", "class_num": 3, "embedding_size": 512}}
    assert mistakes(config) == []
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [
        {"MixupOperator": {"alpha": 0.2}}]
    (found,) = mistakes(config)
    assert "Arch.class_num: must be Arch.Head.class_num: batch_transform_ops" in found
    assert "Write Arch.class_num: 3." in found


def test_a_class_count_that_paddleclas_passes_over(config):
    config["Global"]["class_num"] = 3
    config["Arch"]["class_num"] = 1000
    (found,) = mistakes(config)
    assert "Global.class_num: must be Arch.class_num, which the network is built with" in found
    assert "and 1000" in found
    del config["Global"]["class_num"]
    config["Arch"] = {"name": "RecModel", "class_num": 3, "Backbone": {"name": "ResNet18"},
                      "Head": {"name": "FC", "class_num": 20, "embedding_size": 512}}
    (found,) = mistakes(config)
    assert "Arch.class_num: must be Arch.Head.class_num" in found


def test_top_k_is_measured_against_the_heads_classes(config):
    config["Arch"] = {"name": "RecModel", "Backbone": {"name": "ResNet18"},
                      "Head": {"name": "FC", "class_num": 3, "embedding_size": 512}}
    config["Metric"]["Eval"] = [{"TopkAcc": {"topk": [1, 5]}}]
    (found,) = mistakes(config)
    assert "top-k must not be larger than the 3 classes of Arch.Head.class_num" in found
