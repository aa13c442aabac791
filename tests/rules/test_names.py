"""Names of PaddleClas's parts are read from its sources."""

from pathlib import Path

import pytest

from paddle_transfer.config.validation import ValidationIssues
from paddle_transfer.rules.names import MODULES, known_names, names_rule
from paddle_transfer.worker.locate import known_ppcls
from tests.helpers.configs import base_config
from tests.helpers.greedy_files import distillation_config


@pytest.mark.parametrize(("kind", "name"), [
    ("architecture", "ResNet50_vd"), ("architecture", "DistillationModel"),
    ("architecture", "RecModel"), ("optimizer", "AdamW"), ("schedule", "MultiStepDecay"),
    ("loss", "CELoss"), ("metric", "TopkAcc"), ("data set", "ImageNetDataset"),
    ("sampler", "DistributedBatchSampler"), ("operator", "RandCropImage"),
    ("operator", "MixupOperator"), ("neck or head", "ArcMargin"),
    ("neck or head", "Tanh"),  # the neck of a new head with a hidden layer: Paddle's
])
def test_what_the_engine_has(kind, name):
    assert name in known_names(known_ppcls(), kind)


@pytest.mark.parametrize(("kind", "name"), [
    ("architecture", "copy"), ("architecture", "paddle"), ("architecture", "nn"),
    ("loss", "copy"), ("operator", "np"), ("schedule", "lr"), ("optimizer", "optim"),
    ("metric", "OrderedDict")])
def test_modules_and_tools_beside_the_parts_are_none(kind, name):
    assert name not in known_names(known_ppcls(), kind)


def test_a_name_in_another_case_is_told():
    config = base_config()
    config["Arch"]["name"] = "resnet50_VD"
    text, = mistakes(config, known_ppcls())
    assert text.endswith("found 'resnet50_VD'. Did you mean 'ResNet50_vd'?")


def mistakes(config, ppcls):
    issues = ValidationIssues()
    names_rule(ppcls).check(config, issues)
    return [str(issue) for issue in issues]


def test_every_place_with_a_name():
    config = distillation_config(base_config())
    assert mistakes(config, known_ppcls()) == []
    config["Arch"]["models"][0]["Teacher"]["name"] = "ResNet7"
    config["Loss"]["Train"].append({"CLoss": {"weight": 1.0}})
    config["Metric"]["Eval"].append({"Topk": None})
    config["DataLoader"]["Eval"]["sampler"]["name"] = "Sampler7"
    config["DataLoader"]["Eval"]["dataset"]["name"] = "Dataset7"
    config["DataLoader"]["Source"] = {"dataset": {"transform_ops": [{"Flip7": None}]}}
    places = {text.partition(":")[0] for text in mistakes(config, known_ppcls())}
    assert places == {"Arch.models.0.Teacher.name", "Loss.Train", "Metric.Eval",
                      "DataLoader.Eval.sampler.name", "DataLoader.Eval.dataset.name",
                      "DataLoader.Source.dataset.transform_ops"}


def test_what_cannot_be_known_is_not_refused(tmp_path):
    for i, text in enumerate(["from somewhere import *\n", "def (", "def __getattr__(name): ...\n",
                              None]):
        ppcls = tmp_path / str(i)
        (ppcls / "arch").mkdir(parents=True)
        if text is not None:
            (ppcls / MODULES["architecture"]).write_text(text)
        assert known_names(Path(ppcls), "architecture") is None


def test_names_inside_of_functions_are_none_of_the_module(tmp_path):
    (tmp_path / "arch").mkdir()
    (tmp_path / "arch" / "mine.py").write_text("class Net: ...\n")
    (tmp_path / MODULES["architecture"]).write_text(
        "from .mine import *\nfrom ppcls.arch.mine import Net as Other\nif True:\n    Third = 1\n"
        "def build():\n    Fourth = 1\n")
    assert known_names(tmp_path, "architecture") == {"Net", "Other", "Third", "build"}
