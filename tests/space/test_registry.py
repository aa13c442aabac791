"""Hyperparameters by name: those of this package, and one that another package registers."""

import pytest

from paddle_transfer import dotpath
from paddle_transfer.errors import ConfigError
from paddle_transfer.registry import UnknownName
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.space.entry import Entry, number
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.registry import HYPERPARAMETERS
from paddle_transfer.space.search_key import SearchKey, apply_point
from tests.helpers.configs import base_config, write_search


def _check_momentum(config):
    return None if dotpath.exists(config, "Optimizer.momentum") else "needs Optimizer.momentum"


MOMENTUM = Entry(
    name="momentum", meaning="momentum of the optimizer", values=(0.8, 0.9), source="a paper",
    check=number("must be a number from 0 to 1", lambda x: 0 <= x <= 1),
    apply=lambda config, value: dotpath.set_(config, "Optimizer.momentum", value),
    check_requirements=_check_momentum, edits=("Optimizer.momentum",))


@pytest.fixture
def registered():
    HYPERPARAMETERS.register("momentum", MOMENTUM)
    yield
    HYPERPARAMETERS.unregister("momentum")


@pytest.mark.usefixtures("registered")
def test_a_search_file_names_what_another_package_registered(tmp_path):
    items = [{"search_key": "momentum"}, {"search_key": "lr", "search_values": [0.1]}]
    settings = load_search_file(write_search(tmp_path, search_dict=items))
    assert settings.space["momentum"] == Choice("momentum", (0.8, 0.9))
    config = apply_point(base_config(), settings.keys, {"momentum": 0.8, "lr": 0.1})
    assert dotpath.diff(base_config(), config) == ["Optimizer.momentum: 0.9 -> 0.8"]
    assert settings.keys[0].edits == ("Optimizer.momentum",)


@pytest.mark.usefixtures("registered")
def test_its_values_and_requirements_are_checked(tmp_path):
    base = base_config(tmp_path)
    del base["Optimizer"]["momentum"]
    items = [{"search_key": "momentum", "search_values": [2]}]
    with pytest.raises(ConfigError) as caught:
        load_search_file(write_search(tmp_path, base=base, search_dict=items))
    assert sorted(str(issue) for issue in caught.value.issues) == [
        "search_dict.0.search_key: momentum needs Optimizer.momentum of the base config; found "
        "none there. Add it, or take the key out.",
        "search_dict.0.search_values.0: must be a number from 0 to 1; found 2 (an integer)"]


def test_without_it_the_name_is_unknown(tmp_path):
    assert "momentum" not in HYPERPARAMETERS
    with pytest.raises(ConfigError, match="is not one that needs no replace_config"):
        load_search_file(write_search(tmp_path, search_dict=[{"search_key": "momentum"}]))
    with pytest.raises(UnknownName, match=r"no hyperparameter 'mixupp'.* Did you mean 'mi"):
        SearchKey(Choice("mixupp", (1,))).apply({}, 1)


def test_every_builtin_has_its_own_name():
    names = HYPERPARAMETERS.builtin
    assert HYPERPARAMETERS.names() == names
    assert tuple(HYPERPARAMETERS[name].name for name in names) == names
