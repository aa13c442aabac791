"""A search file of PaddleClas's own form, teacher and distillation included, trained for real on
small images."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer.config.load import load_yaml
from tests.helpers.bridge import Trainings, environment
from tests.helpers.digits import tiny_config
from tests.helpers.greedy_files import distillation_config, write_greedy
from tools.digits import write_digits

SEARCH = Path(__file__).parents[2] / "tools" / "search.py"
CHECKOUT = os.environ.get("PADDLECLAS_HOME")


@pytest.fixture(scope="module", params=["wheel", "checkout"])
def paddleclas(request):
    if request.param == "checkout" and not CHECKOUT:
        pytest.skip("PADDLECLAS_HOME names no checkout of PaddleClas")
    return CHECKOUT if request.param == "checkout" else None


@pytest.fixture(scope="module")
def found(paddleclas, tmp_path_factory):
    """The folder of a finished search, and the command that made it."""
    folder = tmp_path_factory.mktemp("greedy")
    write_digits(folder / "data", classes=(0, 1, 2), per_class_train=8, per_class_val=6)
    base = tiny_config(str(folder / "data"), "unused", Arch__name="PPLCNet_x0_25", Global__epochs=1)
    file = write_greedy(
        folder, base, distil=distillation_config(base, teacher="ResNet18"), keep_models=1,
        teacher={"rm_keys": ["Arch.lr_mult_list"], "search_values": ["MobileNetV3_small_x0_35"]})
    command = [sys.executable, str(SEARCH), "-c", file]
    return folder, command, run(command, folder, paddleclas)


def run(command, folder, paddleclas):
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder,
                          env={**os.environ, **environment(paddleclas)})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


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


def test_the_result_is_the_distilled_student(found, paddleclas):
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
    with Trainings(paddleclas) as trainings:
        assert trainings(same_weights, str(folder / "out"), teacher["pretrained"]) == (True, True)


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


def test_the_same_command_trains_nothing_again(found, paddleclas):
    folder, command, _ = found
    before = (folder / "out" / "search_results.csv").read_text()
    assert "Going on: 6 trials are done already." in run(command, folder, paddleclas)
    assert (folder / "out" / "search_results.csv").read_text() == before
