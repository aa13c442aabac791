"""Pretrained weights all the way: by each name, through our tools and through stock PaddleClas; and
files that would do harm. Weights are made here and served on loopback; trainings take a second or
two each."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer.config import load
from paddle_transfer.errors import TrialError
from tests.helpers.bridge import (
    digest,
    environment,
    save_weights,
    stock_trainings,
    train,
    train_stock,
)
from tests.helpers.commands import run_command
from tests.helpers.digits import tiny_config
from tests.helpers.evil_weights import evil_files
from tests.helpers.weights_server import PROXIES, WeightsServer

SMALL = "MobileNetV3_small_x0_35"
FOLDER = "/dygraph/legendary_models/"


@pytest.fixture(scope="module")
def files(trainings, tmp_path_factory):
    """Weights by their name on the server; all networks are new, each with another seed."""
    folder = tmp_path_factory.mktemp("weights")
    wanted = {
        f"{SMALL}_pretrained": (SMALL, 1000, True), f"{SMALL}_ssld_pretrained": (SMALL, 1000, True),
        "ResNet50_vd_10w_pretrained": ("ResNet50_vd", 1000, False), "mine": (SMALL, 4, True),
        "theirs": (SMALL, 7, True)
    }
    for seed, (name, (arch, classes, head)) in enumerate(wanted.items(), start=100):
        trainings(save_weights, str(folder / f"{name}.pdparams"), arch=arch, class_num=classes,
                  seed=seed, head=head)
    return folder


@pytest.fixture(scope="module")
def server(files):
    served = {(FOLDER if "pretrained" in file.name else "/") + file.name: file.read_bytes()
              for file in files.iterdir()}
    with WeightsServer(served) as running:
        yield running


@pytest.fixture
def variables(trainings, server, tmp_path):
    return {
        **dict.fromkeys(PROXIES, ""), **environment(trainings.paddleclas),
        "PADDLE_TRANSFER_HOME": str(tmp_path / "home"), "PADDLE_TRANSFER_MIRROR": server.address
    }


@pytest.fixture
def tool(trainings, variables, tmp_path):
    """tool(name, *arguments, code=0): what the command says in the process of the trainings."""
    def call(name, *arguments, code=0):
        ended, told = trainings(run_command, name, *arguments, cwd=str(tmp_path),
                                variables=variables)
        assert ended == code, told
        return told
    return call


def search(tmp_path, config, variables, *arguments, code=0, **fields):
    """What the command says in this process; its workers train."""
    load.dump_yaml(config, str(tmp_path / "base.yaml"))
    load.dump_yaml(
        {
            "base_config_file": str(tmp_path / "base.yaml"), "output_dir": str(tmp_path / "out"),
            "search_mode": "grid", "keep_models": 9, **fields
        }, str(tmp_path / "search.yaml"))
    ended, told = run_command("search", "-c", "search.yaml", *arguments, cwd=tmp_path,
                              variables=variables)
    assert ended == code, told
    return told


def losses(text):
    """The average training loss of every epoch in a log."""
    return re.findall(r"\[Train\]\[Epoch \d+/\d+\]\[Avg\].*\bloss: ([\d.]+)", text)


def result(tmp_path, number):
    return json.loads((tmp_path / f"out/trials/{number:04d}/result.json").read_text())


def test_each_name_starts_from_the_same_loss_everywhere(trainings, digits, files, server, variables,
                                                        tool, tmp_path):
    names = [
        "imagenet", "imagenet_ssld", "none",
        str(files / "mine.pdparams"), f"{server.address}/theirs.pdparams"
    ]
    base = tiny_config(digits, "unused", Global__epochs=1, Arch__pretrained=True)
    shown = search(tmp_path, base, variables,
                   search_dict=[{"search_key": "pretrained", "search_values": names}])
    configs = [
        str(tmp_path / f"out/trials/{number:04d}/config.yaml") for number in range(len(names))
    ]
    logs = [(tmp_path / f"out/trials/{number:04d}/train.log").read_text()
            for number in range(len(names))]
    first = [losses(log)[0] for log in logs]
    assert len(set(first)) == len(names)

    told = [result(tmp_path, number)["pretrained"] for number in range(len(names))]
    assert told[2] is None
    assert [one and (one["source"], one["short"].split()[-1]) for one in told] == [
        ("imagenet", "212/214"), ("imagenet_ssld", "212/214"), None, ("mine.pdparams", "214/214"),
        (f"{server.address}/theirs.pdparams", "212/214")]
    assert told[0]["head"]["fc.weight"] == "1280x1000 in the file, 1280x4 here"
    assert told[0]["line"] in logs[0]
    assert told[0]["line"] in shown
    assert "imagenet, 212/214" in shown
    assert "mine.pdparams, 214/214" in shown

    for file in (*configs, tmp_path / "out/best_config.yaml"):
        config = load.load_yaml(str(file))
        assert "Transfer" not in config
        assert config["Arch"]["pretrained"] is False
    for name, loss in zip(names, first, strict=False):  # the tools read the names themselves
        if name not in ("imagenet_ssld", "none"):
            load.dump_yaml(
                {
                    **base, "Global": {
                        **base["Global"], "seed": 0, "output_dir": str(tmp_path / "ours")
                    }
                }, str(tmp_path / "ours.yaml"))
            assert losses(tool("train", "-c", "ours.yaml", "--pretrained", name)) == [loss], name
    if trainings.paddleclas:
        trainings(stock_trainings, configs, str(tmp_path / "stock"))
        for number, loss in enumerate(first):
            assert losses(next((tmp_path / f"stock/{number}").rglob("train.log")).read_text()) == [
                loss
            ], names[number]
            ours = str(tmp_path / f"out/trials/{number:04d}/best_model.pdparams")
            stock = str(next((tmp_path / f"stock/{number}").rglob("best_model.pdparams")))
            assert trainings(digest, ours) == trainings(digest, stock), names[number]


def test_10w_starts_from_the_same_loss_everywhere(trainings, digits, variables, tmp_path):
    base = tiny_config(digits, "unused", Global__epochs=1, Arch__name="ResNet50_vd",
                       Transfer__pretrained="10w")
    rates = [{"search_key": "lr", "search_values": [0.003]}]
    search(tmp_path, base, variables, search_dict=rates)
    told = result(tmp_path, 0)["pretrained"]
    assert told["source"] == "10w"
    assert set(told["head"]) == {"fc.weight", "fc.bias"}
    assert told["loaded"] == told["total"] - 2
    log = (tmp_path / "out/trials/0000/train.log").read_text()
    notes = (tmp_path / "out/logs/pretrained.log").stat()
    search(tmp_path, base, variables, search_dict=rates)  # what is prepared is not prepared again
    assert (tmp_path / "out/logs/pretrained.log").stat() == notes
    if trainings.paddleclas:
        stock = subprocess.run([
            sys.executable, f"{trainings.paddleclas}/tools/train.py", "-c",
            str(tmp_path / "out/best_config.yaml")
        ], capture_output=True, text=True, env={**os.environ, **variables})
        assert stock.returncode == 0, stock.stderr[-3000:]
        assert losses(stock.stdout) == losses(log) != []


def test_a_file_that_does_not_fit_ends_the_search_before_its_first_trial(
        digits, files, variables, tmp_path):
    base = tiny_config(digits, "unused", Arch__name="MobileNetV3_small_x0_5",
                       Global__pretrained_model=str(files / "mine"))
    told = search(tmp_path, base, variables, search_dict=[{"search_key": "lr"}], code=2)
    assert "mine.pdparams: does not fit the network" in told
    assert "the file [24, 8, 1, 1]" in told
    assert not (tmp_path / "out/trials").exists()
    assert "Traceback" not in told


def test_an_evil_file_ends_the_search_before_its_first_trial(digits, variables, tmp_path):
    (tmp_path / "evil.pdparams").write_bytes(next(evil_files(str(tmp_path / "mark")))[1])
    told = search(tmp_path, tiny_config(digits, "unused"), variables, "--pretrained",
                  tmp_path / "evil.pdparams", search_dict=[{"search_key": "lr"}], code=2)
    assert "Transfer.pretrained: " in told
    assert "refused, nothing of it was run" in told
    assert not (tmp_path / "mark").exists()
    assert not (tmp_path / "out/trials").exists()


@pytest.mark.parametrize("place",
                         ["Global__pretrained_model", "Arch__pretrained", "Transfer__pretrained"])
def test_no_training_runs_what_a_file_says(trainings, digits, tmp_path, place):
    (tmp_path / "evil.pdparams").write_bytes(next(evil_files(str(tmp_path / "mark")))[1])
    with pytest.raises(TrialError, match="refused, nothing of it was run: it asks for "):
        trainings(train, str(tmp_path / "run"),
                  tiny_config(digits, "unused", **{place: str(tmp_path / "evil")}))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("suffix", [".pdparams", ".pdopt", ".pdstates"])
def test_no_resumed_training_runs_what_a_checkpoint_says(trainings, digits, tmp_path, suffix):
    first = trainings(train_stock, tiny_config(digits, str(tmp_path / "run"), Global__epochs=1))
    latest = Path(first["path"]).parent / "latest"
    Path(f"{latest}{suffix}").write_bytes(next(evil_files(str(tmp_path / "mark")))[1])
    more = tiny_config(digits, str(tmp_path / "run"), Global__epochs=2,
                       Global__checkpoints=str(latest))
    with pytest.raises(TrialError, match="refused, nothing of it was run"):
        trainings(train_stock, more)
    assert not (tmp_path / "mark").exists()


def test_no_answers_from_a_classifier_that_was_not_trained(tool, digits, files, tmp_path):
    load.dump_yaml(tiny_config(digits, str(tmp_path)), str(tmp_path / "a.yaml"))
    told = tool("eval", "-c", "a.yaml", "--pretrained", files / "theirs.pdparams", code=2)
    assert "has no classifier for this network (fc.weight, fc.bias" in told
    told = tool("eval", "-c", "a.yaml", "--pretrained", files / "mine.pdparams")
    assert "214 of 214 tensors loaded" in told
    assert "top1: " in told


def test_a_fresh_classifier_on_request(trainings, digits, files, tmp_path):
    config = tiny_config(digits, "unused", Global__epochs=1,
                         Transfer={"pretrained": str(files / "mine"), "head": "fresh"})
    told = trainings(train, str(tmp_path / "fresh"), config)["pretrained"]
    assert told["loaded"] == 212
    assert told["head"] == {"fc.weight": "asked for", "fc.bias": "asked for"}
    config["Transfer"]["head"] = "keep"
    assert trainings(train, str(tmp_path / "keep"), config)["pretrained"]["loaded"] == 214
