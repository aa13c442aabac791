"""What a search does about the memory and the devices of one machine, with real trainings."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from paddle_transfer.api import PADDLE_RUNNER
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.config.portable import handed_back
from paddle_transfer.executors.base import Ended, ExecutorContext, Job
from paddle_transfer.executors.local import LocalExecutor
from paddle_transfer.rules.accumulation import accumulated, why_not_halved
from paddle_transfer.weights.read import read
from tests.executors.test_local import gone
from tests.helpers.bridge import environment, save_weights, stock_evaluation, train
from tests.helpers.digits import DECODE, NORMALIZE, tiny_config
from tools.digits import write_digits


def without_chance(data, weights):
    """A training of the head alone, which draws nothing."""
    config = tiny_config(data, "unused", Arch__dropout_prob=0.0,
                         DataLoader__Train__sampler__shuffle=False,
                         DataLoader__Train__dataset__transform_ops=[DECODE, NORMALIZE])
    # of two metrics that are equal the first epoch's would count
    config["Global"].update(epochs=1, seed=3)
    return {**config, "Transfer": {"pretrained": weights, "strategy": "head"}}


def test_half_the_batch_trains_the_same_weights(trainings, digits, tmp_path):
    """But for what a network computes over a batch, which a frozen one does not."""
    if trainings.paddleclas is None:
        pytest.skip("the wheel adds up no gradients")
    weights = str(tmp_path / "mine.pdparams")
    trainings(save_weights, weights, arch="MobileNetV3_small_x0_35", class_num=7, seed=100)
    whole = without_chance(digits, weights)
    assert not why_not_halved(whole, "2.6.0")
    heads = []
    for name, made in (("whole", whole), ("half", accumulated(whole, 2))):
        trainings(train, str(tmp_path / name), made)
        heads.append(read(tmp_path / name / "best_model.pdparams").tensors["fc.weight"])
    np.testing.assert_allclose(*heads, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def odd_digits(tmp_path_factory):
    """48 images to train on, and 21 to measure on, which two processes cannot halve."""
    root = tmp_path_factory.mktemp("odd")
    write_digits(root, classes=(0, 1, 2), per_class_train=16, per_class_val=7)
    return str(root)


@pytest.fixture(scope="module")
def executor(trainings, tmp_path_factory):
    """One worker of two processes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(trainings.paddleclas).items():
            patch.setenv(name, value)
        executor = LocalExecutor(ExecutorContext(
            ("cpu:0", ), PADDLE_RUNNER, tmp_path_factory.mktemp("logs")), processes=2)
        yield executor
        executor.close()


def submit(executor, number, folder, config):
    folder.mkdir()
    dump_yaml(config, str(folder / "config.yaml"))
    executor.submit(Job(number, 1, str(folder), {
        "seed": 3, "device": "cpu", "metric": "top1", "paddleclas": None, "keep_weights": True,
        "also_measure": ["train"]}))


def until_end(executor, each=lambda _: None):
    """The reports of the job that runs, and its end.

    :param each: is told every report
    """
    events = []
    while executor.running():
        for event in executor.poll(1.0):
            events.append(event)
            if not isinstance(event, Ended):
                each(event)
    return events[:-1], events[-1]


@pytest.fixture(scope="module")
def trained(executor, odd_digits, tmp_path_factory):
    """A training by two processes: its config, folder, reports and end."""
    folder = tmp_path_factory.mktemp("trials") / "0000"
    config = tiny_config(odd_digits, str(folder), Global__epochs=8)
    submit(executor, 0, folder, config)
    return config, folder, *until_end(executor)


def test_two_processes_train_one_network_and_measure_the_whole_list(trainings, trained, tmp_path):
    """Stock PaddleClas, alone, measures the same of the weights that they leave."""
    config, folder, reports, ended = trained
    assert ended.verdict == "complete", ended
    assert (ended.result["images"], ended.result["classes"]) == (21, 3)
    assert ended.result["measured"].keys() == {"val", "train"}
    log = (folder / "train.log").read_text()
    assert "[Epoch 1/8][Iter: 0/3]" in log, "each of them has half of the images, in batches of 8"
    dump_yaml(handed_back(config, output_dir=str(tmp_path), seed=3, device="cpu", metric="top1"),
              str(tmp_path / "best.yaml"))
    value, loss = trainings(stock_evaluation, str(tmp_path / "best.yaml"),
                            str(folder / "best_model"), str(tmp_path))
    assert value == pytest.approx(ended.result["value"], abs=1e-6)
    best = next(one for one in reports if one.epoch == ended.result["best_epoch"])
    assert loss == pytest.approx(best.scalars["eval/loss"], abs=2e-5)


@pytest.mark.usefixtures("trained")
def test_its_steps_are_those_of_one_process_with_both_batches(trainings, executor, odd_digits,
                                                              tmp_path):
    """But for what a network computes over a batch, which a frozen one does not."""
    weights = str(tmp_path / "mine.pdparams")
    trainings(save_weights, weights, arch="MobileNetV3_small_x0_35", class_num=7, seed=100)
    config = without_chance(odd_digits, weights)
    submit(executor, 4, tmp_path / "0004", config)
    assert until_end(executor)[1].verdict == "complete"
    config["DataLoader"]["Train"]["sampler"]["batch_size"] *= 2
    trainings(train, str(tmp_path / "alone"), config)
    ours, theirs = (read(folder / "best_model.pdparams").tensors["fc.weight"]
                    for folder in (tmp_path / "0004", tmp_path / "alone"))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("trained")
def test_a_stop_ends_both_after_the_same_epoch(executor, odd_digits, tmp_path):
    config = tiny_config(odd_digits, "unused", Global__epochs=500)
    submit(executor, 1, tmp_path / "0001", config)
    reports, ended = until_end(executor, lambda _: executor.stop(1))
    assert ended.verdict == "pruned"
    assert len(reports) < 500
    submit(executor, 2, tmp_path / "0002", {**config, "Global": {**config["Global"], "epochs": 1}})
    assert until_end(executor)[1].verdict == "complete"


@pytest.mark.usefixtures("trained")
def test_a_process_that_is_killed_takes_the_other_with_it(executor, odd_digits, tmp_path):
    submit(executor, 3, tmp_path / "0003", tiny_config(odd_digits, "unused", Global__epochs=500))
    (leader, ) = executor.worker_pids()
    (follower, ) = map(int, Path(f"/proc/{leader}/task/{leader}/children").read_text().split())

    def kill(report):
        if report.epoch == 1:
            os.kill(follower, signal.SIGKILL)
    _, ended = until_end(executor, kill)
    assert ended.verdict == "killed"
    assert gone(leader)
    assert gone(follower)
