"""Shipped configs are found by path and by name, from any folder."""

import pytest

from paddle_transfer.config.shipped import command, find_config, shipped_configs
from paddle_transfer.errors import ConfigError
from paddle_transfer.settings.search_file import load_search_file


def test_by_path_and_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = str(shipped_configs() / "search" / "dtd_bayes.yaml")
    assert find_config("ppcls_configs/search/dtd_bayes.yaml") == file
    assert find_config("dtd_bayes") == file
    assert find_config("dtd") == str(shipped_configs() / "transfer" / "ResNet50_vd" / "dtd.yaml")


def test_the_users_own_files_come_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dtd_bayes").touch()
    (tmp_path / "ppcls_configs" / "search").mkdir(parents=True)
    (tmp_path / "ppcls_configs" / "search" / "dtd_bayes.yaml").touch()
    for name in ("dtd_bayes", "ppcls_configs/search/dtd_bayes.yaml"):
        assert find_config(name) == name


def test_what_is_not_there_stays_as_it_is_and_a_name_gets_a_hint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x.yaml", "configs/x", "ppcls_configs/search/x.yaml"):
        assert find_config(name) == name
    with pytest.raises(ConfigError, match=r"Did you mean 'dtd_bayes'\?"):
        find_config("dtd_bajes")


def test_the_base_config_of_a_shipped_search_file_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_search_file(find_config("dtd_bayes"), dry_run=True)
    assert settings.base_config["Arch"]["class_num"] == 47
    (tmp_path / "own.yaml").write_text(
        "base_config_file: dtd\nsearch_mode: random\nsearch_dict:\n"
        "  - search_key: lr\n    search_values: [0.1, 0.01]\n")
    settings = load_search_file("own.yaml", dry_run=True)
    assert settings.base_config["Arch"]["class_num"] == 47


def test_commands_are_scripts_in_the_checkout_only(tmp_path, monkeypatch):
    monkeypatch.chdir(shipped_configs().parent)
    assert command("check") == "python tools/check_data.py"
    assert command("train") == "python tools/train.py"
    monkeypatch.chdir(tmp_path)
    assert command("check") == "paddle-transfer check"
