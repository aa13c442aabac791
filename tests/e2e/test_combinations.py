"""Strategies in real trainings beside distillation, a moving average and several processes, and in
trainings that go on after they were ended."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import TrialError
from paddle_transfer.weights.read import read
from tests.helpers.bridge import digest, environment, save_weights, train, train_stock
from tests.helpers.digits import DECODE, NORMALIZE, tiny_config

ROOT = Path(__file__).parents[2]
ARCH = "MobileNetV3_small_x0_35"
HEAD = {"fc.weight", "fc.bias"}


@pytest.fixture(scope="module")
def weights(trainings, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.pdparams"
    trainings(save_weights, str(path), arch=ARCH, class_num=7, seed=100)
    return str(path)


def config_of(digits, weights, strategy, **overrides):
    config = tiny_config(digits, "unused", **overrides)
    return {**config, "Transfer": {"pretrained": weights, "strategy": strategy}}


def changed(before, after, *, prefix="", statistics=False):
    """The tensors of ``after`` that differ from those of ``before``."""
    old, new = read(before).tensors, read(after).tensors
    return {name for name in (one.removeprefix(prefix) for one in new if one.startswith(prefix))
            if (statistics or not name.endswith(("_mean", "_variance")))
            and (name not in old or not np.array_equal(old[name], new[prefix + name]))}


def distilled(digits, weights, strategy):
    config = config_of(digits, None, strategy, Loss__Train=[{"DistillationDMLLoss": {
        "weight": 1.0, "model_name_pairs": [["Student", "Teacher"]]}}], Metric__Train=None)
    del config["Transfer"]["pretrained"]
    one = {"name": ARCH, "class_num": config["Arch"]["class_num"],
           "pretrained": weights.removesuffix(".pdparams")}
    config["Arch"] = {"name": "DistillationModel", "class_num": one["class_num"],
                      "freeze_params_list": [True, False], "infer_model_name": "Student",
                      "models": [{"Teacher": dict(one)}, {"Student": dict(one)}]}
    return config


@pytest.mark.parametrize("strategy", ["head", "scratch", "discriminative"])
def test_in_a_distillation_a_strategy_is_about_the_student(trainings, digits, weights, tmp_path,
                                                           strategy):
    trainings(train, str(tmp_path), distilled(digits, weights, strategy))
    best = tmp_path / "best_model.pdparams"
    assert changed(weights, best, prefix="Teacher.") == HEAD, "it has other classes in the file"
    student = changed(weights, tmp_path / "best_model_student.pdparams")
    assert student == HEAD if strategy == "head" else len(student) > 50
    assert changed(weights, best, prefix="Student.") == student


def test_a_moving_average_leaves_what_is_frozen_alone(trainings, digits, weights, tmp_path):
    config = config_of(digits, weights, "head", EMA={"decay": 0.9})
    if trainings.paddleclas is None:
        with pytest.raises(TrialError, match=r"EMA: needs PaddleClas 2\.5 or newer"):
            trainings(train, str(tmp_path), config)
        return
    trainings(train, str(tmp_path), config)
    assert changed(weights, tmp_path / "best_model.pdparams", statistics=True) == HEAD


def test_a_resumed_training_thaws_by_the_true_epoch(trainings, digits, weights, tmp_path):
    """Without random parts it ends in the weights of a training that was not ended."""
    config = config_of(digits, weights, {"name": "gradual", "head_epochs": 2, "stage_epochs": 1},
                       Global__epochs=3, Arch__dropout_prob=0.0,
                       DataLoader__Train__sampler__shuffle=False,
                       DataLoader__Train__dataset__transform_ops=[DECODE, NORMALIZE])

    def trained(folder, checkpoint=None):
        config["Global"].update(output_dir=str(tmp_path / folder), checkpoints=checkpoint)
        trainings(train_stock, config)
        return {epoch: next((tmp_path / folder).rglob(f"epoch_{epoch}.pdparams"), None)
                for epoch in (1, 2, 3)}

    whole = trained("whole")
    again = trained("again", str(whole[1].with_suffix("")))
    assert again[1] is None, "it has had this epoch"
    assert changed(whole[1], again[2], statistics=True) == HEAD
    assert changed(whole[2], again[3], statistics=True) > HEAD
    assert trainings(digest, str(again[3])) == trainings(digest, str(whole[3]))


def test_processes_that_train_together_keep_one_network(trainings, digits, weights, tmp_path):
    """Layers that are thawed on the way have their gradients added up, too."""
    config = config_of(digits, weights, {"name": "gradual", "head_epochs": 1, "stage_epochs": 1},
                       Global__output_dir=str(tmp_path / "out"))
    dump_yaml(config, str(tmp_path / "config.yaml"))
    places = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.two_processes", str(tmp_path / "config.yaml")],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={
            **os.environ, **environment(trainings.paddleclas), "PADDLE_TRAINER_ID": str(rank),
            "PADDLE_TRAINERS_NUM": "2", "PADDLE_TRAINER_ENDPOINTS": ",".join(places),
            "PADDLE_CURRENT_ENDPOINT": places[rank], "PADDLE_DISTRI_BACKEND": "gloo"})
        for rank in range(2)]
    told = [process.communicate(timeout=300)[0] for process in processes]
    digests = [text.rpartition("digest ")[2].strip() for text in told]
    assert len(digests[0]) == 64, told[0][-3000:]
    assert digests[0] == digests[1]
    best = next((tmp_path / "out").rglob("latest.pdparams"))
    assert changed(weights, best) > HEAD


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
