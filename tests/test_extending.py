"""A package of somebody else adds a part of every kind, and a search file names them all."""

import csv
import json

import pytest
import yaml

from paddle_transfer.api import run_search
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.datasets.registry import DATASETS
from paddle_transfer.errors import ConfigError
from paddle_transfer.executors.registry import EXECUTORS
from paddle_transfer.pruners.registry import PRUNERS
from paddle_transfer.report.registry import REPORTS
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.strategies.registry import STRATEGIES
from tests.helpers import toy_parts
from tests.helpers.digits import tiny_config
from tests.helpers.toy_strategy import Toy

PARTS = [(SAMPLERS, "last_first", toy_parts.LastFirst), (PRUNERS, "impatient", toy_parts.Impatient),
         (EXECUTORS, "counting", toy_parts.Counting), (STRATEGIES, "toy", Toy),
         (HYPERPARAMETERS, "momentum", toy_parts.MOMENTUM),
         (DATASETS, "two_digits", toy_parts.TWO_DIGITS), (REPORTS, "lines", toy_parts.Lines)]


@pytest.fixture
def installed():
    """All parts, as an installed package of somebody else would have them."""
    for registry, name, part in PARTS:
        registry.register(name, part)
    yield
    for registry, name, _ in PARTS:
        registry.unregister(name)


def search_file(folder, **fields):
    """A search on the toy data set that names every toy part."""
    (folder / "data").mkdir()
    prepare("two_digits", folder / "data")
    config = tiny_config(str(folder / "data"), str(folder / "unused"), Global__epochs=8,
                         Metric__Eval=[{"TopkAcc": {"topk": [1]}}])
    config["Transfer"] = {"strategy": {"name": "toy", "thaw_in": 99}}
    dump_yaml(config, str(folder / "base.yaml"))
    dump_yaml({
        "base_config_file": str(folder / "base.yaml"), "output_dir": str(folder / "out"),
        "sampler": {"name": "last_first", "skip": 1}, "max_iter": 2,
        "pruner": {"name": "impatient", "epochs": 1},
        "executor": {"name": "counting", "file": str(folder / "jobs.txt")},
        "reports": [{"name": "lines", "file": str(folder / "lines.txt")}],
        "search_dict": [{"search_key": "lr", "search_values": [0.1, 0.01]},
                        {"search_key": "momentum"}], **fields}, str(folder / "search.yaml"))
    return str(folder / "search.yaml")


@pytest.mark.usefixtures("installed")
def test_a_search_file_that_names_a_part_of_every_kind(tmp_path):
    settings = load_search_file(search_file(tmp_path))
    assert run_search(settings) == 0
    with (tmp_path / "out/search_results.csv").open(newline="") as stream:
        rows = {int(row["trial"]): row for row in csv.DictReader(stream)}
    points = [(float(rows[n]["lr"]), float(rows[n]["momentum"])) for n in (0, 1)]
    assert points == [(0.01, 0.9), (0.1, 0.5)], "the space from its end, one point left out"
    assert [rows[n]["state"] for n in (0, 1)] == ["complete", "pruned"]
    assert (tmp_path / "jobs.txt").read_text().split() == ["0", "1"]
    lines = (tmp_path / "lines.txt").read_text().splitlines()
    assert lines[:2] == ["trial 0 of 1: complete", "trial 1 of 2: pruned"]
    assert lines[2].startswith("end: ")
    trained = yaml.safe_load((tmp_path / "out/trials/0001/config.yaml").read_text())
    assert trained["Transfer"]["strategy"]["name"] == "tests.helpers.toy_strategy:Toy"
    assert trained["Optimizer"]["momentum"] == 0.5, "the strategy's edit of the point's value"
    assert trained["Arch"]["class_num"] == 2
    result = json.loads((tmp_path / "out/trials/0001/result.json").read_text())
    assert len(result["curve"]) < 8


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("fields", "message"), [
    ({"sampler": {"name": "last_firs"}}, "Did you mean 'last_first'?"),
    ({"sampler": {"name": "last_first", "skip": -1}}, "sampler.skip"),
    ({"pruner": {"name": "impatient", "epoch": 1}}, "Did you mean 'epochs'?"),
    ({"executor": {"name": "counting"}}, "executor.file"),
    ({"search_dict": [{"search_key": "momentum", "search_values": [1.5]}]}, "from 0 up to"),
])
def test_their_names_and_options_are_checked_like_those_of_the_package(tmp_path, fields, message):
    path = search_file(tmp_path, **fields)
    with pytest.raises(ConfigError) as caught:
        load_search_file(path)
    assert message in str(caught.value)
