"""Real trainings on real images (a second each) through the bridge: on the installed wheel, and on
the checkout that PADDLECLAS_HOME names when it names one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from paddle_transfer.config import load
from paddle_transfer.errors import SetupError, TrialError
from paddle_transfer.predictions import Predictions
from paddle_transfer.worker.diverged import Diverged
from tests.helpers.bridge import (
    Trainings,
    digest,
    environment,
    predict,
    pretend_best,
    train,
    train_stock,
)
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config

TOOLS = Path(__file__).parents[2] / "tools"
CHECKOUT = os.environ.get("PADDLECLAS_HOME")


@pytest.fixture(scope="module")
def reference(trainings, digits, tmp_path_factory):
    """The training that others are compared with, and its directory."""
    directory = tmp_path_factory.mktemp("reference")
    return trainings(train, str(directory), tiny_config(digits, "unused")), directory


def tool(name, config, tmp_path, paddleclas, *overrides, code=0):
    file = str(tmp_path / "tool.yaml")
    load.dump_yaml(config, file)
    command = [sys.executable, str(TOOLS / f"{name}.py"), "-c", file]
    command += [part for override in overrides for part in ("-o", override)]
    # the thread count is the tool's own affair
    variables = {**os.environ, **environment(paddleclas)}
    del variables["OMP_NUM_THREADS"]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=tmp_path)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def test_a_trial_reports_every_epoch_and_keeps_only_the_best_weights(reference, digits):
    result, directory = reference
    assert [[told["epoch"], told["value"]] for told in result["reports"]] == result["curve"]
    assert [epoch for epoch, _ in result["curve"]] == [1, 2]
    assert result["value"] == max(value for _, value in result["curve"]) == dict(
        result["curve"])[result["best_epoch"]]
    scalars = result["reports"][0]["scalars"]
    assert {"eval/top1", "eval/top2", "eval/loss", "train/loss", "train/top1", "lr"} <= set(scalars)
    assert all(type(value) is float for value in scalars.values())
    count = len(Path(digits, "val_list.txt").read_text().splitlines())
    assert {result["images"], *(told["images"] for told in result["reports"])} == {count}
    assert scalars["eval/top1"] == result["reports"][0]["value"]
    assert sorted(file.name for file in directory.iterdir()) == [
        "best_model.pdparams", "best_predictions.npz", "config.yaml", "train.log"
    ]
    log = (directory / "train.log").read_text()
    engine = result["engine"]
    home = f"{engine['kind']} at {engine['path']}"
    assert log.startswith(f"paddle_transfer: PaddleClas {engine['paddleclas']}, {home}\n")
    assert log.count("[Train][Epoch 1/2][Avg]") == 1


def test_a_trial_leaves_its_answers_on_the_validation_list(reference, digits):
    result, directory = reference
    answers = Predictions.read(directory / "best_predictions.npz")
    lines = [line.split() for line in Path(digits, "val_list.txt").read_text().splitlines()]
    assert answers.labels.tolist() == [int(label) for _, label in lines]
    right = answers.classes[:, 0] == answers.labels
    assert right.mean() == pytest.approx(result["value"], abs=1e-9), "those of the best epoch"
    assert np.allclose(answers.own[right], answers.probabilities[right, 0])
    assert (answers.probabilities.sum(axis=1) <= 1.0 + 1e-5).all()


def test_a_second_run_in_a_process_equals_the_first_in_a_fresh_one(trainings, reference, digits,
                                                                   tmp_path):
    first, _ = reference
    again = trainings(train, str(tmp_path / "again"), tiny_config(digits, "unused"))
    assert (again["reports"], again["digest"]) == (first["reports"], first["digest"])
    other = trainings(train, str(tmp_path / "other"), tiny_config(digits, "unused", Global__seed=8))
    assert other["digest"] != first["digest"]

    fresh = tool("train", tiny_config(digits, str(tmp_path / "fresh")), tmp_path,
                 trainings.paddleclas)
    best, weights = fresh.stdout.splitlines()[-2:]
    assert best == (f"best top1: {first['value']!r} in epoch {first['best_epoch']}, on "
                    f"{first['images']} images")
    assert trainings(digest, weights.removeprefix("weights: ")) == first["digest"]


def test_data_workers_are_seeded_too(trainings, digits, tmp_path):
    workers = {"DataLoader__Train__loader__num_workers": 2}
    first, second = (trainings(train, str(tmp_path / name), tiny_config(
        digits, "unused", **workers)) for name in "ab")
    assert first["digest"] == second["digest"]
    other = trainings(train, str(tmp_path / "c"),
                      tiny_config(digits, "unused", Global__seed=8, **workers))
    assert other["reports"] != first["reports"]


def test_a_diverging_training_ends_at_once_and_leaves_nothing_behind(trainings, reference, digits,
                                                                     tmp_path):
    wild = tiny_config(digits, "unused", Optimizer__lr__learning_rate=1e8)
    with pytest.raises(
            Diverged,
            match=r"the training loss is (nan|inf) in epoch 1, iteration [2-5] \(learning rate "):
        trainings(train, str(tmp_path / "wild"), wild)
    after = trainings(train, str(tmp_path / "after"), tiny_config(digits, "unused"))
    assert after["digest"] == reference[0]["digest"]


def test_it_stops_when_asked(trainings, digits, tmp_path):
    result = trainings(train, str(tmp_path), tiny_config(digits, "unused", Global__epochs=4),
                       stop_after=1)
    assert result["stopped"]
    assert len(result["curve"]) == 1
    assert result["best_epoch"] == 1
    assert result["digest"]


def test_the_chosen_metric_tells_the_best_epoch(trainings, digits, tmp_path):
    config = tiny_config(digits, "unused", Global__epochs=3)
    result = trainings(train, str(tmp_path), config, metric="top2", keep_weights=False)
    top2 = [told["scalars"]["eval/top2"] for told in result["reports"]]
    assert [value for _, value in result["curve"]] == top2
    assert result["value"] == max(top2) != max(told["scalars"]["eval/top1"]
                                               for told in result["reports"])
    assert result["digest"] is None


def test_a_metric_that_is_not_evaluated(trainings, digits, tmp_path):
    with pytest.raises(TrialError,
                       match=r"The metric 'top3' is not evaluated: Metric.Eval gives top1, top2"):
        trainings(train, str(tmp_path), tiny_config(digits, "unused"), metric="top3")


def test_mixup_with_train_metrics_and_more_top_k_than_classes(trainings, digits, tmp_path):
    config = tiny_config(digits, "unused", Metric__Eval=[{"TopkAcc": {"topk": [5, 1]}}],
                         Metric__Train=[{"TopkAcc": {"topk": 1}}, {"TopkAcc": {"topk": 2}}],
                         Loss__Train=[{"CELoss": {"weight": 1.0, "epsilon": 0.1}}])
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{
        "MixupOperator": {"alpha": 0.2}
    }]
    result = trainings(train, str(tmp_path), config)
    assert set(result["reports"][0]["scalars"]) == {
        "eval/CELoss", "eval/loss", "eval/top1", "eval/mean_per_class", "train/CELoss",
        "train/loss", "lr"
    }


def test_logs_of_two_runs_stay_apart(trainings, digits, tmp_path):
    for name, epochs in (("a", 1), ("b", 2)):
        trainings(train_stock, tiny_config(digits, str(tmp_path / name), Global__epochs=epochs))
    logs = {name: next((tmp_path / name).rglob("train.log")).read_text() for name in "ab"}
    assert (logs["a"].count("[Avg]"), logs["b"].count("[Avg]")) == (2, 4)
    assert "Epoch 1/1" in logs["a"]
    assert "Epoch 1/1" not in logs["b"]


def test_a_resumed_training_remembers_its_best_epoch(trainings, digits, tmp_path):
    first = trainings(train_stock, tiny_config(digits, str(tmp_path)))
    folder = Path(first["path"]).parent
    trainings(pretend_best, str(folder / "best_model"), metric=2.0, epoch=1)
    more = tiny_config(digits, str(tmp_path), Global__epochs=3,
                       Global__checkpoints=str(folder / "latest"))
    resumed = trainings(train_stock, more)
    assert resumed == {**first, "best": (2.0, 1)}
    assert "Epoch 3/3" in next(tmp_path.rglob("train.log")).read_text()


@pytest.mark.parametrize("suffix", ["", ".pdparams"])
def test_pretrained_weights_that_fit(trainings, reference, digits, tmp_path, suffix):
    _, directory = reference
    config = tiny_config(digits, "unused",
                         Global__pretrained_model=str(directory / "best_model") + suffix,
                         Arch__class_num=6, Optimizer__lr__learning_rate=1e-9)
    trainings(train, str(tmp_path), config)
    log = (tmp_path / "train.log").read_text()
    assert "pretrained best_model.pdparams: 212 of 214 tensors loaded" in log
    assert "head newly initialised: fc.weight, fc.bias (" in log
    assert " in the file, 1280x6 here" in log


def test_pretrained_weights_that_do_not_fit(trainings, reference, digits, tmp_path):
    weights = str(reference[1] / "best_model")
    other_shape = (r"blocks.1.expand_conv.conv.weight: the network has \[40, 8, 1, 1\], the file "
                   r"\[24, 8, 1, 1\]")
    for arch, message in (("MobileNetV3_small_x0_5", other_shape),
                          ("ResNet18",
                           "missing in the file:\n    stem.0.conv.weight: .*and [0-9]+ more")):
        config = tiny_config(digits, "unused", Global__pretrained_model=weights, Arch__name=arch)
        with pytest.raises(TrialError,
                           match=f"(?s)best_model.pdparams: does not fit the network .*{message}"):
            trainings(train, str(tmp_path / arch), config)
    with pytest.raises(TrialError,
                       match=r"Global.pretrained_model: /nowhere: there is no such file"):
        trainings(train, str(tmp_path / "gone"),
                  tiny_config(digits, "unused", Global__pretrained_model="/nowhere"))


def test_configs_that_can_never_train(trainings, digits, tmp_path):
    with pytest.raises(TrialError, match=r"cannot build what the config asks for: .*NoSuchNet"):
        trainings(train, str(tmp_path / "a"), tiny_config(digits, "unused", Arch__name="NoSuchNet"))
    missing = tiny_config(digits, "unused",
                          DataLoader__Train__dataset__cls_label_path="/nowhere/list.txt")
    with pytest.raises(
            TrialError,
            match=r"DataLoader.Train.dataset.cls_label_path: there is no /nowhere/list.txt"):
        trainings(train, str(tmp_path / "b"), missing)
    beyond = tiny_config(digits, "unused", Metric__Eval=[{"TopkAcc": {"topk": 5}}])
    with pytest.raises(TrialError,
                       match=r"Metric\.Eval: TopkAcc has topk \[5\], but there are 4 classes"):
        trainings(train, str(tmp_path / "d"), beyond)
    with pytest.raises(TrialError, match=r"No epoch was evaluated: Global.eval_interval"):
        trainings(train, str(tmp_path / "c"), tiny_config(digits, "unused",
                                                          Global__eval_interval=9))


def test_images_of_which_none_can_be_read(trainings, digits, tmp_path):
    # PaddleClas and Paddle alone wait for ever here
    (tmp_path / "broken.png").write_text("no image")
    (tmp_path / "list.txt").write_text("broken.png 0\n" * 8)
    dataset = {"image_root": str(tmp_path), "cls_label_path": str(tmp_path / "list.txt")}
    for split in ("Train", "Eval"):
        broken = tiny_config(digits, "unused")
        broken["DataLoader"][split]["dataset"].update(dataset)
        message = r"^not one image can be read; the first, .*broken.png, is no image$"
        with pytest.raises(TrialError, match=message):
            trainings(train, str(tmp_path / split), broken)


@pytest.mark.parametrize(("room", "line"), [
    (1000.0, "num_workers is 0 here: data workers need shared memory, and "),
    (200e3, "use_shared_memory is False here: the data workers need about ")])
def test_data_workers_do_without_shared_memory_that_is_not_there(trainings, digits, tmp_path, room,
                                                                 line):
    config = tiny_config(digits, "unused", Global__epochs=1)
    config["DataLoader"]["Train"]["loader"] = {"num_workers": 1, "use_shared_memory": True}
    assert len(trainings(train, str(tmp_path), config, shared_memory=room)["curve"]) == 1
    assert line in (tmp_path / "train.log").read_text()


def test_cutmix(trainings, digits, tmp_path):
    config = tiny_config(digits, "unused",
                         Loss__Train=[{"CELoss": {"weight": 1.0, "epsilon": 1e-7}}])
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = [{
        "CutmixOperator": {"alpha": 0.2}
    }]
    assert len(trainings(train, str(tmp_path), config)["curve"]) == 2


@pytest.mark.parametrize(("device", "told"), [
    ("npu", "Global.device is npu, but this Paddle cannot use it: "),
    ("cuda", "Global.device: must be one of cpu, gpu, xpu, .*; found 'cuda'")])
def test_a_device_that_there_is_not(trainings, digits, tmp_path, device, told):
    with pytest.raises(SetupError, match=told):
        trainings(train, str(tmp_path), tiny_config(digits, "unused"), device=device)


def test_a_gpu_that_is_not_there(trainings, digits):
    with pytest.raises(SetupError, match=r"Global.device is gpu, but .*: -o Global.device=cpu"):
        trainings(train_stock, tiny_config(digits, "unused", Global__device="gpu"))


def test_evaluating_predicting_and_exporting(trainings, reference, digits, tmp_path):
    result, directory = reference
    config = tiny_config(digits, str(tmp_path))
    load.dump_yaml(config, str(tmp_path / "config.yaml"))

    def run(command, *overrides, code=0):
        best = f"Global.pretrained_model={directory}/best_model.pdparams"
        options = [part for one in (best, *overrides) for part in ("-o", one)]
        ended, told = trainings(run_command, command, "-c", "config.yaml", *options,
                                cwd=str(tmp_path))
        assert ended == code, told
        return told

    lines = run("eval").splitlines()
    assert f"top1: {result['value']!r}" in lines
    assert f"images: {result['images']}" in lines

    for file in sorted(Path(digits, "images").glob("*_3_*"))[:9]:
        os.symlink(file, tmp_path / file.name)
    (tmp_path / "zzz.png").write_text("no image")
    os.mkfifo(tmp_path / "zz.png")
    told = run("infer", f"Infer.infer_imgs={tmp_path}")
    assert sum(
        line.startswith('{"file_name"') and '"label_names"' in line
        for line in told.splitlines()) == 9
    assert f"error: {tmp_path}/zzz.png is no image" in told
    assert f"error: {tmp_path}/zz.png cannot be opened (is a named pipe, not a file)" in told
    assert "2 of 11 images have no prediction" in told

    run("export")
    assert trainings(predict, str(tmp_path / "inference/inference"), [2, 3, 28, 28]) == [2, 4]
    for strategy in ("head", "partial", "gradual"):  # these freeze layers in training
        load.dump_yaml({**config, "Transfer": {"strategy": strategy}},
                       str(tmp_path / "config.yaml"))
        run("export", f"Global.save_inference_dir={tmp_path / strategy}")
        assert trainings(predict, str(tmp_path / strategy / "inference"), [1, 3, 28, 28]) == [1, 4]


def test_a_tool_tells_an_error_without_a_traceback(digits, tmp_path):
    done = tool("train", tiny_config(digits, "unused"), tmp_path, str(tmp_path / "nowhere"), code=2)
    assert done.stderr.startswith("error: PADDLECLAS_HOME names")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not CHECKOUT, reason="PADDLECLAS_HOME names no checkout of PaddleClas")
def test_stock_paddleclas_trains_the_same(digits, tmp_path):
    config = tiny_config(digits, str(tmp_path / "stock"))
    load.dump_yaml(config, str(tmp_path / "stock.yaml"))
    # scikit-learn first: with Paddle 2.6.2 stock PaddleClas crashes in zlib now and then
    # (worker/before_paddle.py)
    code = ("import runpy, sys, sklearn.metrics; del sys.argv[0]; "
            "runpy.run_path(sys.argv[0], run_name='__main__')")
    tool = [f"{CHECKOUT}/tools/train.py", "-c", str(tmp_path / "stock.yaml")]
    done = subprocess.run([sys.executable, "-c", code, *tool], capture_output=True, text=True,
                          env={**os.environ, **environment(CHECKOUT)})
    assert done.returncode == 0, done.stderr[-4000:]
    with Trainings(CHECKOUT) as trainings:
        ours = trainings(train, str(tmp_path / "ours"), config)
        assert trainings(digest, str(tmp_path / "stock/best_model.pdparams")) == ours["digest"]
    # PaddleClas's own figures are 32 bit floats
    assert f"[best metric: {float(np.float32(ours['value']))!r}]" in done.stdout
