"""The public Python API with tiny trainings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml

import paddle_transfer
from paddle_transfer import api
from paddle_transfer.errors import ConfigError, DataError, SearchFailed, StudyError
from tests.helpers.configs import base_config, write_search
from tests.helpers.tiny_search import RUNNER

ROOT = Path(__file__).resolve().parent.parent

@pytest.fixture
def search_file(tmp_path, monkeypatch):
    """A search of ``a`` (0.0, 0.5, 1.0), whose best value is 0.0; the fixed point is 0.5."""
    monkeypatch.setattr(api, "PADDLE_RUNNER", RUNNER)
    base = {**base_config(tmp_path), "Tiny": {"misbehave": None, "x": {"a": 0.0}}}
    items = [{"search_key": "a", "replace_config": ["Tiny.x.a"], "search_values": [0.0, 0.5, 1.0]}]
    return write_search(tmp_path, base=base, search_dict=items, fixed={"a": 0.5}, workers=2)


def search(file, *arguments, **options):
    return paddle_transfer.search(file, *arguments, check_data=False, **options)


def test_a_search_gives_its_result(search_file, tmp_path):
    result = search(search_file)
    assert result.reason == "all 3 points of the space were evaluated"
    assert result.best_point == {"a": 0.0}
    assert result.best_value == pytest.approx(0.9)
    assert result.baseline.point == {"a": 0.5}
    assert result.gain == pytest.approx(0.9 - result.baseline.value)
    assert result.best_config_path == tmp_path / "out" / "best_config.yaml"
    assert result.best_config["Tiny"]["x"] == {"a": 0.0}
    assert result.best_model_path is None, "tiny trainings leave no weights"
    assert [trial.point["a"] for trial in result.trials] == [0.5, 0.0, 1.0]
    assert [epoch for epoch, _ in result.curves[0]] == [1, 2, 3]
    assert repr(result) == (f"<SearchResult '{tmp_path}/out': best top1 0.9000 of 3 trials, "
                            "all 3 points of the space were evaluated>")


def test_the_leaderboard_is_a_data_frame_where_pandas_is(search_file, monkeypatch):
    result = search(search_file)
    table = result.leaderboard()
    assert list(table.columns) == ["rank", "top1", "images", "error", "estimate", "trials", "trial",
                                   "epoch", "a", "baseline"]
    assert list(table["a"]) == [0.0, 0.5, 1.0]
    assert list(table["baseline"]) == [False, True, False]
    assert list(table["trial"]) == [1, 0, 2]
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert result.leaderboard() == result.rows()
    assert result.rows()[0]["top1"] == pytest.approx(0.9)


def test_overrides_as_texts_as_a_mapping_and_as_keywords(search_file, tmp_path):
    texts = search(search_file, ["Global.epochs=5", "max_iter=1"])
    assert len(texts.trials) == 1
    assert texts.best_config["Global"]["epochs"] == 5
    mapping = search(search_file, {"Global.epochs": 5, "max_iter": 1, "output_dir": tmp_path.name},
                     output_dir=str(tmp_path / "out"), max_iter=2)
    assert len(mapping.trials) == 2, "keywords come last; it went on"
    assert paddle_transfer.estimate(search_file, "max_iter=1").trials == 1, "a text is one override"
    with pytest.raises(ConfigError, match="max_iter: must be a whole number"):
        search(search_file, max_iter="many")
    with pytest.raises(ConfigError, match="Did you mean 'max_iter'"):
        search(search_file, max_itr=3)


class Counter(paddle_transfer.SearchCallback):
    """Overrides one method only."""

    def __init__(self):
        self.ended = []

    def trial_ended(self, record, _records):
        self.ended.append(record.number)


def test_callbacks_hear_beside_the_reports(search_file, tmp_path, capsys):
    counter = Counter()
    search(search_file, callbacks=[counter])
    assert sorted(counter.ended) == [0, 1, 2]
    assert "[  3/3] trial" in capsys.readouterr().out
    assert (tmp_path / "out" / "search_results.csv").exists()


class CtrlC(Counter):
    """Asks the search to stop after its first trial."""

    def trial_ended(self, *_):
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_gives_the_result_so_far_and_the_same_call_goes_on(search_file):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    result = search(search_file, callbacks=[CtrlC()], workers=1)
    assert result.reason == "interrupted"
    assert len([trial for trial in result.trials if trial.finished]) == 1
    assert result.best_value is not None
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert len(search(search_file).trials) == 3


class Impatient(Counter):
    def trial_ended(self, *_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_second_ctrl_c_stops_at_once_and_the_process_lives(search_file):
    result = search(search_file, callbacks=[Impatient()], workers=1)
    assert result.reason == "interrupted"
    assert paddle_transfer.load_search(result.output_dir).trials == result.trials


def test_an_interrupt_before_anything_was_trained(search_file, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt
    monkeypatch.setattr(api, "run", interrupted)
    result = search(search_file)
    assert (result.reason, result.trials, result.best) == ("interrupted", (), None)
    assert result.output_dir == tmp_path / "out"
    assert result.rows() == []
    assert result.gain is None


def test_a_search_in_another_thread_leaves_signals_alone(search_file):
    results = []
    thread = threading.Thread(target=lambda: results.append(search(search_file, max_iter=1)))
    before = signal.getsignal(signal.SIGINT)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert len(results[0].trials) == 1


def test_errors_are_raised(search_file):
    with pytest.raises(SearchFailed, match="all 3 trials failed"):
        search(search_file, {"Tiny": {"misbehave": "raise", "x": {"a": 0.0}}})
    with pytest.raises(StudyError, match="--fresh"):
        search(search_file)
    assert len(search(search_file, fresh=True).trials) == 3


def test_the_data_is_checked_as_on_the_command_line(search_file, tmp_path):
    with pytest.raises(DataError, match="the list names no image"):
        paddle_transfer.search(search_file)
    assert not (tmp_path / "out").exists()


def test_a_finished_search_is_loaded(search_file, tmp_path):
    result = search(search_file)
    before = sorted(path for path in (tmp_path / "out").rglob("*"))
    loaded = paddle_transfer.load_search(tmp_path / "out")
    assert loaded == result
    assert sorted(path for path in (tmp_path / "out").rglob("*")) == before
    with pytest.raises(StudyError, match="no search has been here"):
        paddle_transfer.load_search(tmp_path / "elsewhere")


def test_a_running_search_is_loaded(search_file):
    seen = []

    class Look(Counter):
        def epoch_reported(self, *_):
            seen.append(paddle_transfer.load_search(result_dir))

    result_dir = yaml.safe_load(Path(search_file).read_text())["output_dir"]
    search(search_file, callbacks=[Look()], workers=1)
    first, last = seen[0], seen[-1]
    assert first.reason is None
    assert first.ranking == ()
    assert [trial.state for trial in first.trials] == ["running"]
    assert [row.point["a"] for row in last.ranking] == [0.0, 0.5]


def test_a_result_shows_itself_in_a_notebook(search_file):
    shown = search(search_file)._repr_html_()
    assert "top1 0." in shown
    assert "all 3 points of the space were evaluated" in shown


def test_an_estimate_runs_and_writes_nothing(search_file, tmp_path):
    (tmp_path / "train_list.txt").write_text("a.png 0\nb.png 1\n\n")
    estimate = paddle_transfer.estimate(search_file, confirm=2)
    assert estimate.trials == 6, "3 points, each trained a second time"
    assert (estimate.points, estimate.space_size) == (3, 3)
    assert (estimate.epochs_per_trial, estimate.epochs) == (3, 18)
    assert estimate.images_per_epoch == 2
    assert estimate.slots == ("cpu:0", "cpu:1")
    assert [point["a"] for point in estimate.first_points] == [0.5, 0.0, 1.0]
    assert estimate.first_config["Tiny"]["x"] == {"a": 0.5}
    assert estimate.final_trainings == 0
    assert "at most 3 points" in str(estimate)
    assert not (tmp_path / "out").exists()


def test_an_estimate_knows_the_budgets(search_file):
    estimate = paddle_transfer.estimate(search_file, {"Global.epochs": 4}, epoch_budget=10,
                                        time_budget=2, search_times=2, max_iter=2)
    assert (estimate.epochs_per_trial, estimate.epochs, estimate.hours) == (4, 10, 2)
    assert (estimate.points, estimate.trials) == (2, 4)


def test_every_public_name_is_there_and_a_wrong_one_is_not():
    for name in paddle_transfer.__all__:
        assert getattr(paddle_transfer, name) is not None
        assert name in dir(paddle_transfer)
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        getattr(paddle_transfer, "serach")  # noqa: B009


@pytest.mark.parametrize("name", ["load_search", "estimate", "SearchCallback", "api"])
def test_search_is_the_function_whatever_was_used_before(name):
    code = (f"import paddle_transfer\nfrom paddle_transfer import {name}\n"
            "print(callable(paddle_transfer.search))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert done.stdout == "True\n"


def test_paths_and_numbers_of_numpy_are_plain_data(tmp_path):
    base = base_config(tmp_path)
    made = paddle_transfer.estimate({
        "base_config_file": base, "output_dir": tmp_path / "out", "search_mode": "grid",
        "max_iter": np.int64(3), "search_dict": [
            {"search_key": "lr", "search_values": np.array([0.1, 0.01])},
            {"search_key": "epochs", "search_values": range(2, 4)}]}, seed=np.int32(3))
    assert made.trials == 3
