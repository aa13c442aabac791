"""Names of search keys and of the metric: columns of tables, tags, parts of dotted paths."""

import csv
import io

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.report.results import results_csv
from paddle_transfer.settings.names import RESERVED, YIELDING, header
from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import base_config, write_search


def items(*names):
    return [{"search_key": name, "replace_config": [path], "search_values": values}
            for name, path, values in zip(names, (
                "Optimizer.lr.learning_rate", "Optimizer.regularizer.coeff"),
                ([0.1, 0.01], [1e-4, 1e-3]), strict=False)]


def issues(folder, **fields):
    with pytest.raises(ConfigError) as told:
        load_search_file(write_search(folder, **fields), dry_run=True)
    return [str(issue) for issue in told.value.issues]


@pytest.mark.parametrize("name", [*sorted(RESERVED - YIELDING.keys()), "Trial", "RANK"])
def test_a_key_with_the_name_of_a_column_is_refused(tmp_path, name):
    text, = issues(tmp_path, search_dict=items(name))
    assert text == ("search_dict.0.search_key: must not be a column that search_results.csv has "
                    f"anyway; found '{name}'. Give it another name, such as my_{name}.")


@pytest.mark.parametrize("name", ["a,b", "a.", "_a", "a\nb", "a\x1b[31m", "x" * 300, "a|b", "a=b",
                                  "50%", "a/b", " a", "1", "'a'", "\ufeffa", "a b:", "\u202ea"])
def test_a_name_that_tables_and_overrides_cannot_hold_is_refused(tmp_path, name):
    text, = issues(tmp_path, search_dict=items(name))
    assert "search_dict.0.search_key: must be a name that tables and -o can hold; found" in text
    assert text.isprintable()
    assert len(text) < 400


def test_a_name_of_what_cannot_be_imported_is_a_mistake_of_its_key(tmp_path):
    assert issues(tmp_path, search_dict=[{"search_key": "no_such:entry"}]) == [
        "search_dict.0.search_key: there is no hyperparameter 'no_such:entry': No module named "
        "'no_such'; found 'no_such:entry'"]
    text, = issues(tmp_path, search_dict=items("rate"), search_mode="bayes",
                   pruner={"name": "math:pi"})
    assert text.startswith("pruner: 'math:pi' is no pruner: it has no ")
    text, = issues(tmp_path, search_dict=items("rate"), search_mode="math:pi")
    assert text.startswith("search_mode: 'math:pi' is no sampler: it has no ")


def test_the_metric_and_a_difference_in_case_are_no_names(tmp_path):
    text, = issues(tmp_path, search_dict=items("top1"))
    assert text.startswith("search_dict.0.search_key: must not be the name of the metric")
    text, = issues(tmp_path, search_dict=items("rate", "Rate"))
    assert text.startswith("search_dict.1.search_key: must differ from other names in more than")


@pytest.mark.parametrize(("metric", "told"), [
    ("trial", "must not be a column"), ("x\x1b", "must be a printable name"),
    ("y" * 100, "must be a printable name")])
def test_a_metric_of_ones_own_is_no_column_either(tmp_path, metric, told):
    base = base_config(tmp_path)
    base["Metric"]["Eval"] = [{"MyMetric": None}]
    text, = issues(tmp_path, base=base, metric=metric, search_dict=items("rate"))
    assert text.startswith(f"metric: {told}")


def test_other_names_are_free(tmp_path):
    path = write_search(tmp_path, search_dict=items("learning rate-2", "权重衰减"))
    assert load_search_file(path, dry_run=True).search_space.space.names == (
        "learning rate-2", "权重衰减")


@pytest.mark.parametrize("mode", ["grid", "bayes"])
def test_no_two_columns_of_the_results_have_one_name(tmp_path, mode):
    path = write_search(tmp_path, search_mode=mode, search_dict=[
        {"search_key": "epochs", "search_values": [3, 4]}, {"search_key": "lr"}])
    settings = load_search_file(path, dry_run=True)
    leaderboard = Ranker(settings.search_space, settings.repeats).leaderboard([])
    head = next(csv.reader(io.StringIO(results_csv(settings, [], leaderboard))))
    assert len(set(head)) == len(head)
    assert {"epochs", "trained_epochs", "lr", "top1"} <= set(head)
    assert header("top1", ("lr",), estimate=False) == [
        "trial", "state", "top1", "images", "rank", "best_epoch", "epochs", "lr", "seed",
        "seconds", "attempts", "reused", "reason"]


@pytest.mark.parametrize("name", ["Optimizer.lr.learning_rate", "学习率", "lr-2 x"])
def test_paths_and_words_of_any_language_are_names(tmp_path, name):
    settings = load_search_file(write_search(tmp_path, search_dict=items(name)), dry_run=True)
    assert settings.search_space.space.names == (name,)
