"""The key ``also_measure`` of a search file."""

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import base_config, write_search

LR = {"search_key": "lr", "search_values": [0.1, 0.01]}


def load(folder, **fields):
    return load_search_file(write_search(folder, **{"search_dict": [LR], **fields}), dry_run=True)


def test_it_is_off_by_default_and_written_out_when_it_is_on(tmp_path):
    assert load(tmp_path).objective.columns == ()
    assert "also_measure" not in load(tmp_path).to_dict()
    made = load(tmp_path, also_measure=["train", "train"])
    assert made.to_dict()["also_measure"] == ["train"]
    assert "train_top1" in made.objective.columns
    assert "top1" not in made.objective.columns, "the column of the metric is there anyway"


@pytest.mark.parametrize(("fields", "message"), [
    ({"also_measure": ["tain"]}, "also_measure.0: must be one of train; found 'tain'"),
    ({"also_measure": "train"}, "also_measure: must be a list"),
    ({"also_measure": ["train"], "search_dict": [LR, {
        "search_key": "train_top1", "search_values": [1, 2], "replace_config": ["Global.epochs"]}]},
     "search_dict.1.search_key: must not be a column that also_measure adds; found 'train_top1'"),
])
def test_what_is_wrong_with_it(tmp_path, fields, message):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **fields)
    assert message in str(caught.value)


def test_a_retrieval_has_no_such_metrics(tmp_path):
    config = base_config()
    config["Global"]["eval_mode"] = "retrieval"
    with pytest.raises(ConfigError, match="also_measure: is for classifications; found 'retriev"):
        load(tmp_path, base_config_file=config, also_measure=["train"])
