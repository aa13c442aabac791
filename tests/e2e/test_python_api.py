"""A search of real trainings from Python, in this process: the data check, workers, the result."""

import csv

import pytest

import paddle_transfer
from tests.helpers.digits import tiny_config
from tools.digits import write_digits


@pytest.fixture
def search(tmp_path, monkeypatch):
    """The content of a search file: lr (one of them hopeless) on two digits, the config inline."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_digits(tmp_path / "data", classes=(0, 1), per_class_train=16, per_class_val=20)
    config = tiny_config("data", "output", Metric__Eval=[{"TopkAcc": {"topk": [1]}}],
                         Infer__PostProcess__topk=1)
    return {"base_config_file": config, "output_dir": "out", "search_mode": "grid", "workers": 1,
            "fixed": {"lr": 0.01}, "keep_models": 1,
            "search_dict": [{"search_key": "lr", "search_values": [0.05, 0.01, 1e30]}]}


def test_estimate_search_and_load(search, capfd):
    estimate = paddle_transfer.estimate(search, {"Global.epochs": 2})
    assert (estimate.trials, estimate.epochs, estimate.images_per_epoch) == (3, 6, 32)
    assert estimate.warnings == ()

    result = paddle_transfer.search(search, {"Global.epochs": 2})
    assert [trial.state for trial in result.trials] == ["complete", "complete", "diverged"]
    assert result.baseline.point == {"lr": 0.01}
    assert result.gain == result.best_value - result.baseline.value >= 0
    assert result.best_config["Optimizer"]["lr"]["learning_rate"] == result.best_point["lr"]
    assert result.best_model_path.stat().st_size > 10_000
    assert [len(curve) for curve in result.curves.values()][:2] == [2, 2]
    assert "Search ended: all 3 points of the space were evaluated" in capfd.readouterr().out
    with open("out/search_results.csv", newline="") as stream:
        best = min((row for row in csv.DictReader(stream) if row["rank"]),
                   key=lambda row: int(row["rank"]))
    assert result.rows()[0]["trial"] == int(best["trial"])

    assert paddle_transfer.load_search("out") == result
    assert paddle_transfer.search(search, ["Global.epochs=2"]).trials == result.trials, "went on"
    with pytest.raises(paddle_transfer.PaddleTransferError, match=r"Global\.epochs: 2 -> 3"):
        paddle_transfer.search(search, ["Global.epochs=3"])
