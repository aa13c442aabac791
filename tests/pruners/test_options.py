"""The key ``pruner``: every mistake with its path, and no Optuna needed for it."""

from __future__ import annotations

import pytest

from paddle_transfer.pruners.options import OPTIONS, pruner_issues


@pytest.mark.parametrize("spec", [
    None, {"name": "auto"}, {"name": "none"}, {"name": "MedianPruner", "n_startup_trials": 0}, {
        "name": "PercentilePruner", "percentile": 25
    }, {"name": "ThresholdPruner", "lower": 0.3, "upper": None}, {
        "name": "SuccessiveHalvingPruner", "min_resource": "auto"
    }, {"name": "HyperbandPruner", "max_resource": 20}, {
        "name": "PatientPruner", "patience": 2, "wrapped_pruner": {"name": "MedianPruner"}
    }, {"name": "PatientPruner", "patience": 2, "wrapped_pruner": None},
    {"name": "WilcoxonPruner", "p_threshold": 0.1}
])
def test_what_is_right(spec):
    assert pruner_issues(spec) == []


@pytest.mark.parametrize(
    ("spec", "where", "text"),
    [("auto", "pruner",
      "must be a mapping with a name; found 'auto' (a string). For example {name: auto}"),
     ({"percentile": 3}, "pruner", "must be a mapping with a name"),
     ({"name": "MedianPrunner"
       }, "pruner.name", "found 'MedianPrunner' (a string). Did you mean 'MedianPruner'?"),
     ({"name": "MedianPruner", "n_startup": 3
       }, "pruner.n_startup", "Did you mean 'n_startup_trials'?"),
     ({"name": "NopPruner", "x": 3}, "pruner.x", "NopPruner takes none"),
     ({"name": "PercentilePruner"
       }, "pruner.percentile", "PercentilePruner needs it: a number from 0 to 100"),
     ({"name": "PercentilePruner", "percentile": 101
       }, "pruner.percentile", "must be a number from 0 to 100; found 101"),
     ({"name": "MedianPruner", "interval_steps": 0
       }, "pruner.interval_steps", "must be an integer of at least 1"),
     ({"name": "MedianPruner", "n_warmup_steps": True
       }, "pruner.n_warmup_steps", "found True (a boolean)"),
     ({"name": "HyperbandPruner", "max_resource": "all"
       }, "pruner.max_resource", "of at least 1 or 'auto'; found 'all'"),
     ({"name": "ThresholdPruner"}, "pruner", "needs lower or upper"),
     ({"name": "ThresholdPruner", "lower": 1, "upper": 0.5
       }, "pruner", "lower must be at most upper; found 1 and 0.5"),
     ({"name": "SuccessiveHalvingPruner", "bootstrap_count": 1
       }, "pruner", "bootstrap_count needs min_resource"),
     ({"name": "HyperbandPruner", "bootstrap_count": 1, "max_resource": "auto"
       }, "pruner", "needs max_resource"),
     ({"name": "PatientPruner", "patience": 1, "wrapped_pruner": {"name": "Median"}
       }, "pruner.wrapped_pruner.name", "Did you mean 'MedianPruner'?"),
     ({"name": "PatientPruner", "patience": 1, "wrapped_pruner": {"name": "auto"}
       }, "pruner.wrapped_pruner", "must be one of Optuna's pruners, or null")])
def test_what_is_wrong(spec, where, text):
    [mistake] = pruner_issues(spec)
    assert mistake.where == where
    assert text in str(mistake)


def test_all_mistakes_at_once():
    found = pruner_issues({"name": "PercentilePruner", "n_min_trials": 0, "interval": 2})
    assert [mistake.where for mistake in found] == [
        "pruner.n_min_trials", "pruner.interval", "pruner.percentile"
    ]


def test_the_names_and_arguments_are_optunas():
    import inspect

    import optuna
    for name, rules in OPTIONS.items():
        if name in ("auto", "none", "NopPruner"):
            continue
        parameters = inspect.signature(getattr(optuna.pruners, name).__init__).parameters
        assert set(parameters) - {"self"} == set(rules.model_fields), name
