"""A training of few steps is told, by ``check`` and by a search, with the values that make it."""

import pytest

from paddle_transfer.checks.checker import check_config
from paddle_transfer.checks.few_steps import few_steps
from paddle_transfer.settings.check_data import check_data
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import base_config, write_search
from tests.helpers.datasets import picture


def config(folder=".", *, epochs=5, side=64, iterations=None, **sampler):
    made = base_config(folder)
    made["Global"] |= {"epochs": epochs, "iter_per_epoch": iterations}
    made["DataLoader"]["Train"]["sampler"] |= {"batch_size": 64, **sampler}
    made["DataLoader"]["Train"]["dataset"]["transform_ops"][1]["RandCropImage"]["size"] = side
    return made


@pytest.mark.parametrize(("made", "found"), [
    (config(), (2, 5)), (config(drop_last=True), (1, 5)), (config(epochs=29), (2, 29)),
    (config(iterations=3), (3, 5)), (config(epochs=30), None), (config(batch_size=8), None),
    (config(side=32), None), (config(name="PKSampler"), None), (config(batch_size="x"), None),
    (config(drop_last=True, batch_size=99), None)])
def test_the_steps_of_98_images(made, found):
    assert few_steps(made, 98) == found


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    for start, part in enumerate(("train", "val")):
        names = [f"{part}{i}.jpg" for i in range(10)]
        for i, name in enumerate(names):
            (tmp_path / name).write_bytes(picture(10 * start + i))
    return tmp_path


def fill(folder):
    for part in ("train", "val"):
        (folder / f"{part}_list.txt").write_text(
            "".join(f"{part}{i}.jpg {i % 5}\n" for i in range(10)))


def told(report):
    assert not report.errors
    return [finding.message for finding in report.findings if finding.kind == "few-steps"]


def test_the_check_warns(data):
    fill(data)
    assert told(check_config(config(data), processes=1)) == [
        "a training has 5 steps in all (1 an epoch x 5 epochs)"]


def test_a_search_names_the_values_that_make_it_short(data):
    file = write_search(data, base=config(data), fixed=None, search_dict=[
        {"search_key": "epochs", "search_values": [2, 60]}])
    fill(data)
    assert told(check_data(load_search_file(file), processes=1)) == [
        "a training has 2 steps in all (1 an epoch x 2 epochs) (with epochs 2 of search_dict.0)"]
