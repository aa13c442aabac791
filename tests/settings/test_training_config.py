"""A training config in the place of a search file is told, with the search files over it."""

import pytest

from paddle_transfer.config.load import dump_yaml
from paddle_transfer.config.shipped import find_config
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import write_search


def told(file):
    with pytest.raises(ConfigError) as caught:
        load_search_file(str(file))
    issue, = caught.value.issues
    assert "is a training config (it has Arch and DataLoader), but a search file" in issue.rule
    return issue.hint


def test_the_search_file_beside_a_training_config_is_named(tmp_path):
    search = write_search(tmp_path)
    (tmp_path / "broken.yaml").write_text("a: [")
    dump_yaml({"base_config_file": "other/base.yaml"}, str(tmp_path / "another.yaml"))
    assert told(tmp_path / "base.yaml") == f"Take -c {search}."
    dump_yaml({"base_config_file": "base.yaml"}, search)  # relative to the search file
    assert told(tmp_path / "base.yaml") == f"Take -c {search}."


def test_shipped_search_files_are_named_for_a_shipped_config():
    config = find_config("ppcls_configs/transfer/ResNet50_vd/dtd.yaml")
    assert "search/dtd_bayes.yaml" in told(config)


def test_without_any_it_is_said_how_to_have_one(tmp_path):
    write_search(tmp_path)
    (tmp_path / "search.yaml").unlink()
    assert told(tmp_path / "base.yaml").startswith("paddle-transfer prepare writes one")


def test_a_search_file_with_sections_of_the_config_is_no_training_config(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_search_file(write_search(tmp_path, Arch={}, DataLoader={}))
    assert [issue.where for issue in caught.value.issues] == ["Arch", "DataLoader"]
