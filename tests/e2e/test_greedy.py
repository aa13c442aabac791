"""A search file of PaddleClas's own form, teacher and distillation included, trained for real on
small images."""

import csv
import json

import pytest

from paddle_transfer.config.load import load_yaml
from tests.helpers.bridge import environment
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config
from tests.helpers.greedy_files import distillation_config, write_greedy
from tools.digits import write_digits


@pytest.fixture(scope="module")
def found(trainings, tmp_path_factory):
    """The folder of a finished search, its file, and what it said."""
    folder = tmp_path_factory.mktemp("greedy")
    write_digits(folder / "data", classes=(0, 1, 2), per_class_train=8, per_class_val=6)
    base = tiny_config(str(folder / "data"), "unused", Arch__name="PPLCNet_x0_25", Global__epochs=1)
    file = write_greedy(
        folder, base, distil=distillation_config(base, teacher="ResNet18"), keep_models=1,
        teacher={"rm_keys": ["Arch.lr_mult_list"], "search_values": ["MobileNetV3_small_x0_35"]})
    return folder, file, run(file, folder, trainings)


def run(file, folder, trainings):
    code, told = run_command("search", "-c", file, cwd=folder,
                             variables=environment(trainings.paddleclas))
    assert code == 0, told
    return told


def rows(folder):
    with open(folder / "out" / "search_results.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_key_then_the_teacher_then_the_student(found):
    folder, _, text = found
    assert [(row["stage"], row["teacher"], row["state"]) for row in rows(folder)] == [
        ("search", "-", "complete")] * 4 + [("teacher", "MobileNetV3_small_x0_35", "complete"),
                                            ("final", "MobileNetV3_small_x0_35", "complete")]
    assert rows(folder)[-1]["rank"] == "1"
    assert "all 2 keys were searched and the student was distilled" in text


def test_the_result_is_the_distilled_student(found, trainings):
    folder, _, _ = found
    config = load_yaml(str(folder / "out" / "best_config.yaml"))
    models = zip(config["Arch"]["models"], ("Teacher", "Student"), strict=True)
    teacher, student = (model[name] for model, name in models)
    assert teacher["name"] == "MobileNetV3_small_x0_35"
    assert "lr_mult_list" not in teacher
    last = rows(folder)[-1]
    assert student["lr_mult_list"] == json.loads(last["lr_mult_list"])
    assert config["Optimizer"]["lr"]["learning_rate"] == float(last["lrs"])
    assert (folder / (teacher["pretrained"] + ".pdparams")).is_file()
    weights = str(folder / teacher["pretrained"])
    assert trainings(same_weights, str(folder / "out"), weights) == (True, True)


def same_weights(out, teacher):
    """Whether the distilled model holds (the trained teacher's weights, the student's file)."""
    import numpy
    import paddle

    whole = paddle.load(f"{out}/best_model.pdparams", return_numpy=True)

    def holds(prefix, path):
        part = {
            name: value
            for name, value in paddle.load(path, return_numpy=True).items()
            if hasattr(value, "shape")
        }
        # the teacher's parameters are frozen; its BatchNorm statistics go on moving in train mode
        return bool(part) and all(
            numpy.array_equal(whole[prefix + name], value)
            for name, value in part.items()
            if "._mean" not in name and "._variance" not in name)

    return holds("Teacher.", f"{teacher}.pdparams"), holds("Student.",
                                                           f"{out}/best_model_student.pdparams")


def test_the_same_command_trains_nothing_again(found, trainings):
    folder, file, _ = found
    before = (folder / "out" / "search_results.csv").read_text()
    assert "Going on: 6 trials are done already." in run(file, folder, trainings)
    assert (folder / "out" / "search_results.csv").read_text() == before
