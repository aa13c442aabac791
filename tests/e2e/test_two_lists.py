"""Trainings on two lists: what is read of the second one, and what is left of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from paddle_transfer import dotpath
from paddle_transfer.errors import TrialError
from paddle_transfer.weights.read import read
from tests.helpers.bridge import train
from tests.helpers.digits import tiny_config


def config_of(digits, list_file, part, **strategy):
    config = tiny_config(digits, "unused", Global__epochs=1)
    section = dotpath.clone(config["DataLoader"]["Train"])
    section["dataset"]["cls_label_path"] = str(list_file)
    config["DataLoader"][part] = section
    config["Transfer"] = {"strategy": strategy}
    return config


def variants(digits, folder):
    """The validation list as it is, with other labels, and without any."""
    lines = Path(digits, "val_list.txt").read_text().split("\n")[:-1]
    paths, labels = zip(*(line.split(" ") for line in lines), strict=True)
    others = list(labels)
    random.Random(1).shuffle(others)
    made = {"own": lines, "none": paths,
            "others": [f"{path} {label}" for path, label in zip(paths, others, strict=True)]}
    assert made["own"] != made["others"]
    for name, text in made.items():
        (folder / f"{name}.txt").write_text("\n".join(text) + "\n")
    return [folder / f"{name}.txt" for name in made]


@pytest.mark.parametrize("method", ["adversarial", "adabn"])
def test_labels_of_the_target_are_never_read(trainings, digits, tmp_path, method):
    results = [trainings(train, str(tmp_path / file.stem), config_of(
        digits, file, "Unlabeled", name="domain_adaptation", method=method), metric="target_free")
        for file in variants(digits, tmp_path)]
    assert len({result["digest"] for result in results}) == 1
    assert len({result["value"] for result in results}) == 1
    assert 0 <= results[0]["value"] <= 1


def test_the_classifier_of_the_source_is_dropped(trainings, digits, tmp_path):
    """It has more classes than the target, and the weights are those of the network alone."""
    lines = Path(digits, "val_list.txt").read_text().split("\n")[:-1]
    more = tmp_path / "more.txt"
    more.write_text("".join(f"{line.split(' ')[0]} {i % 9}\n" for i, line in enumerate(lines)))
    config = config_of(digits, more, "Source", name="multi_task")
    result = trainings(train, str(tmp_path / "two"), config)
    assert result["reports"][0]["scalars"]["train/SourceLoss"] > 0
    del config["DataLoader"]["Source"], config["Transfer"]
    trainings(train, str(tmp_path / "one"), config)
    two, one = (read(str(tmp_path / name / "best_model.pdparams")).shapes
                for name in ("two", "one"))
    assert two == one


def test_a_second_list_without_labels_or_a_batch_is_told(trainings, digits, tmp_path):
    none = variants(digits, tmp_path)[1]
    with pytest.raises(TrialError, match=r"none.txt \(DataLoader.Source\): has a line without"):
        trainings(train, str(tmp_path / "a"), config_of(digits, none, "Source", name="multi_task"))
    with pytest.raises(TrialError, match=r"DataLoader.Source.dataset.cls_label_path: there is no "):
        trainings(train, str(tmp_path / "c"), config_of(digits, "gone", "Source",
                                                        name="multi_task"))
    config = config_of(digits, none, "Unlabeled", name="domain_adaptation")
    config["DataLoader"]["Unlabeled"]["sampler"].update(batch_size=1000, drop_last=True)
    with pytest.raises(TrialError, match=r"DataLoader.Unlabeled gives no batch: its list has 20"):
        trainings(train, str(tmp_path / "b"), config)
