"""How a search spends its trainings, as the search file says it."""

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.settings import budget
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from tests.helpers.configs import base_config, write_search


def issues(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_search_file(path, overrides)
    return [str(mistake) for mistake in caught.value.issues]


EPOCHS = [{"search_key": "lr"}, {"search_key": "epochs", "search_values": [4, 30]}]


def test_by_default_a_bayesian_search_stops_hopeless_trials_and_confirms_its_best(tmp_path):
    settings = load_search_file(write_search(tmp_path, search_mode="bayes"))
    assert (settings.sampling.stop, settings.budget.time_budget, settings.budget.epoch_budget,
            settings.repeats.confirm) == ("none", None, None, 2)
    assert (settings.sampling.warm_start, settings.sampling.prior) == ((), "none")
    assert settings.pruner.to_dict() == {"name": "auto"}
    assert load_search_file(write_search(tmp_path, search_mode="bayes",
                                    pruner=None)).pruner.to_dict() == {"name": "auto"}
    path = write_search(tmp_path, search_mode="bayes", pruner="none")
    assert load_search_file(path).pruner is None
    for mode in ("random", "grid"):
        settings = load_search_file(write_search(tmp_path, search_mode=mode))
        assert settings.pruner is None
        assert (settings.sampling.prior, settings.repeats.confirm) == ("none", None)


@pytest.mark.parametrize(("fields", "confirm"), [
    ({"search_mode": "bayes"}, 2), ({"sampler": "TPESampler"}, 2),
    ({"search_mode": "bayes", "confirm": "none"}, None),
    ({"search_mode": "bayes", "confirm": "None"}, None),
    ({"search_mode": "bayes", "confirm": None}, 2), ({"search_mode": "bayes", "confirm": 4}, 4),
    ({"search_mode": "bayes", "search_times": 2}, None), ({"search_mode": "random"}, None),
    ({"sampler": "QMCSampler"}, None), ({"search_mode": "greedy"}, None)])
def test_the_best_are_confirmed_where_points_are_chosen_by_results(tmp_path, fields, confirm):
    fields = {"search_mode": None, **fields}
    settings = load_search_file(write_search(tmp_path, **fields))
    assert settings.repeats.confirm == confirm
    assert SearchSettings.from_dict(settings.to_dict()).repeats == settings.repeats


def test_the_acquisition_is_for_a_sampler_that_has_one(tmp_path):
    assert issues(write_search(tmp_path, search_mode="random", acquisition="PI")) == [
        "acquisition: is an option of search_mode bayes; random has none; found 'PI'. Take it out."]


def test_everything_at_once(tmp_path):
    (tmp_path / "earlier").mkdir()
    (tmp_path / "table.csv.gz").touch()
    settings = load_search_file(
        write_search(tmp_path, search_mode="bayes", stop="Auto", time_budget=1.5, epoch_budget=3,
                     confirm=3, prior="shipped", warm_start=[
                         "earlier", str(tmp_path / "table.csv.gz")
                     ], pruner={"name": "MedianPruner", "n_startup_trials": 4}))
    assert (settings.sampling.stop, settings.budget.time_budget, settings.budget.epoch_budget,
            settings.repeats.confirm) == ("auto", 1.5, 3, 3)
    assert settings.sampling.warm_start == (
        str(tmp_path / "earlier"), str(tmp_path / "table.csv.gz"))
    assert settings.sampling.prior == "shipped"
    assert settings.pruner.to_dict() == {"name": "MedianPruner", "n_startup_trials": 4}


@pytest.mark.parametrize(("written", "read"),
                         [("none", None), (None, None), ("auto", {"name": "auto"}),
                          ("MedianPruner", {"name": "MedianPruner"}),
                          ({"name": "MedianPruner"}, {"name": "MedianPruner"})])
def test_forms_of_a_pruner(tmp_path, written, read):
    pruner = load_search_file(write_search(tmp_path, pruner=written)).pruner
    assert (pruner and pruner.to_dict()) == read


def test_one_path_needs_no_list_and_none_is_none(tmp_path):
    (tmp_path / "earlier").mkdir()
    path = write_search(tmp_path, search_mode="bayes", warm_start="earlier")
    assert load_search_file(path).sampling.warm_start == (str(tmp_path / "earlier"),)
    assert load_search_file(path, ["warm_start=none"]).sampling.warm_start == ()


def test_what_is_only_for_bayes_may_be_switched_off_elsewhere(tmp_path):
    settings = load_search_file(
        write_search(tmp_path, stop="none", prior="none", time_budget=2, confirm=2, pruner="auto"))
    assert settings.sampling.sampler.name == "grid"
    assert (settings.budget.time_budget, settings.repeats.confirm) == (2, 2)


def test_budgets_and_the_rest_do_not_make_it_another_search(tmp_path):
    (tmp_path / "earlier").mkdir()
    path = write_search(tmp_path, search_mode="bayes")
    first = load_search_file(path).identity()
    for same in ("stop=auto", "time_budget=1", "epoch_budget=90", "confirm=2", "prior=shipped",
                 "warm_start=earlier", "pruner=auto"):
        assert load_search_file(path, [same]).identity() == first, same


@pytest.mark.parametrize(("fields", "expected"), [
    ({"stop": True}, "stop: must be one of none, auto; found True (a boolean)"),
    ({"time_budget": 0}, "time_budget: must be a number of hours above 0; found 0"),
    ({"time_budget": "2h"
      }, "time_budget: must be a number of hours above 0; found '2h' (a string). YAML read a str"),
    ({"epoch_budget": 2.5}, "epoch_budget: must be a whole number, 1 or more; found 2.5"),
    ({"epoch_budget": 2
      }, "epoch_budget: must be enough for one training; found 2 (an integer). One takes 3 epochs"),
    ({"epoch_budget": 29, "search_dict": EPOCHS
      }, "epoch_budget: must be enough for one training; found 29 (an integer). "
     "One takes 30 epochs"),
    ({"confirm": 1}, "confirm: must be a whole number, 2 to 1000, or none; found 1 (an integer). "
     "It is the number of trainings"),
    ({"confirm": True}, "confirm: must be a whole number, 2 to 1000, or none; found True"),
    ({"confirm": 3, "search_times": 3
      }, "confirm: must be more than search_times: it is the number of trainings in all; "
     "found 3 (an integer). search_times is 3 already."),
    ({"prior": "old"}, "prior: must be one of none, shipped; found 'old'"),
    ({"prior": "shiped"
      }, "prior: must be one of none, shipped; found 'shiped' (a string). Did you mean 'shipped'?"),
    ({"warm_start": []
      }, "warm_start: must be a list with at least one item; found [] (a list). List output_dirs"),
    ({"warm_start": [3]}, "warm_start.0: must be a path; found 3"),
    ({"warm_start": ["nowhere"]
      }, "warm_start.0: must be a folder or a table that exists; found 'nowhere'. Looked in"),
    ({"warm_start": "nowhere"
      }, "warm_start: must be a folder or a table that exists; found 'nowhere'"),
    ({"warm_start": ["base.yaml"]
      }, "warm_start.0: must be the output_dir of a search, or a table; found 'base.yaml'"),
    ({"pruner": 3}, "pruner: must be auto, none, or a mapping with a name; found 3"),
    ({"pruner": {}}, "pruner: must be auto, none, or a mapping with a name; found {}"),
    ({"pruner": {"nam": "MedianPruner"}
      }, "pruner.name: is needed; found nothing there. Did you mean 'nam'?"),
    ({"pruner": {"n": 1}}, "pruner.name: is needed; found nothing there. For example pruner: auto"),
    ({"pruner": {"name": 7}}, "pruner.name: must be a text; found 7"),
])
def test_mistakes(tmp_path, fields, expected):
    (text,) = issues(write_search(tmp_path, **{"search_mode": "bayes", **fields}))
    assert text.startswith(expected), text


@pytest.mark.parametrize(("mode", "key", "value", "expected"), [
    ("grid", "stop", "auto",
     "stop: is only for search_mode bayes: it goes by the model of the results. Take it out, or"),
    ("random", "prior", "shipped", "prior: is only for search_mode bayes"),
    ("greedy", "warm_start", ["out"], "warm_start: is only for search_mode bayes"),
    ("greedy", "confirm", 3,
     "confirm: is not for a greedy search, whose steps all have to be finished. Take it out, or"),
    ("greedy", "time_budget", 1, "time_budget: is not for a greedy search"),
    ("greedy", "epoch_budget", 100, "epoch_budget: is not for a greedy search"),
    ("greedy", "pruner", "auto", "pruner: is not for a greedy search"),
])
def test_keys_that_mean_nothing_in_a_mode(tmp_path, mode, key, value, expected):
    (tmp_path / "out").mkdir()
    (text,) = issues(write_search(tmp_path, search_mode=mode, **{key: value}))
    assert text.startswith(expected), text


def test_all_of_them_at_once(tmp_path):
    path = write_search(tmp_path, search_mode="bayes", stop="maybe", time_budget=-1, epoch_budget=0,
                        confirm=0, prior=1, warm_start=["a", 2], pruner=[1])
    assert [text.partition(":")[0] for text in issues(path)] == [
        "stop", "prior", "time_budget", "epoch_budget", "confirm", "warm_start.0", "warm_start.1",
        "pruner"
    ]


@pytest.mark.parametrize(("items", "most"), [
    ([{"search_key": "lr"}], 3), (EPOCHS, 30),
    ([{"search_key": "n", "replace_config": ["Global.epochs"], "search_values": [1, 2]}], 2)])
def test_the_longest_training_of_a_space(tmp_path, items, most):
    settings = load_search_file(write_search(tmp_path, search_dict=items))
    assert budget.most_epochs(settings.base.config, settings.search_space.keys) == most
    assert settings.base.config["Global"] == base_config(
        tmp_path)["Global"], "the base config is left alone"
