import csv

import pytest
import yaml

from paddle_transfer.search.outputs import Outputs, replace_with_link, trial_dir
from paddle_transfer.testing.records import record, shown_settings


def weights_of(root, number):
    path = trial_dir(root, number) / "best_model.pdparams"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def finish(root, records):
    """The files of finished trials, and all that a listener makes of them."""
    settings = shown_settings(root)
    outputs = Outputs(settings)
    outputs.search_started(settings, [])
    for i, entry in enumerate(records):
        weights_of(root, entry.number).write_bytes(b"weights of %d" % entry.number)
        outputs.trial_ended(entry, records[:i + 1])
    outputs.search_ended(records, "done")
    return outputs


def rows(root):
    with open(root / "search_results.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_finished_trial_has_a_row_in_trial_order(tmp_path):
    failed = record(2, 0.1, True, state="failed", info={"reason": "it broke:\nbadly", "best_epoch": None})
    finish(tmp_path, [record(0, 0.01, value=0.7), record(1, 0.001, value=0.8), failed,
                      record(3, 0.001, value=0.8, reused=1), record(4, 0.1, state="running")])
    table = rows(tmp_path)
    assert [row["trial"] for row in table] == ["0", "1", "2", "3"]
    assert [row["rank"] for row in table] == ["2", "1", "", "1"]
    assert 0.75 < float(table[1].pop("estimate")) < 0.85, "what the model expects of the point"
    assert table[1] == {"trial": "1", "state": "complete", "top1": "0.8", "rank": "1", "best_epoch": "2", "epochs": "3",
                        "lr": "0.001", "mixup": "False", "seed": "0", "seconds": "12.3", "attempts": "1", "reused": "",
                        "reason": ""}
    assert table[2]["reason"] == "it broke: badly" and table[2]["top1"] == ""
    assert table[3]["reused"] == "1"


def test_the_best_model_and_its_config_follow_the_best_trial(tmp_path):
    records = [record(0, 0.01, value=0.7), record(1, 0.001, True, value=0.8, seed=5), record(2, 0.1, value=0.75)]
    finish(tmp_path, records[:1])
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 0"
    finish(tmp_path, records)
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 1"
    text = (tmp_path / "best_config.yaml").read_text()
    assert text.startswith("# Found by paddle_transfer: lr 0.001, mixup True\n# top1 0.80000 in trial 1, epoch 2, seed 5\n")
    config = yaml.safe_load(text)
    assert config["Optimizer"]["lr"]["learning_rate"] == 0.001 and config["Global"]["seed"] == 5
    assert config["Global"]["output_dir"] == str(tmp_path / "best") and config["Global"]["device"] == "cpu"
    assert "MixupOperator" in str(config["DataLoader"]["Train"]) and config["Global"]["checkpoints"] is None


def test_only_the_best_few_keep_their_weights(tmp_path):
    finish(tmp_path, [record(number, lr, mixup, value=value) for number, (lr, mixup, value) in enumerate(
        [(0.1, False, 0.3), (0.01, False, 0.9), (0.001, False, 0.5), (0.1, True, 0.7)])])
    kept = [number for number in range(4) if (trial_dir(tmp_path, number) / "best_model.pdparams").exists()]
    assert kept == [1, 3]  # keep_models: 2


def test_the_winner_keeps_its_weights_even_when_a_lucky_repeat_outranks_it(tmp_path):
    records = [record(0, 0.1, value=0.95), record(1, 0.1, value=0.2, seed=1), record(2, 0.1, True, value=0.94),
               record(3, 0.1, True, value=0.1, seed=1), record(4, 0.01, value=0.8)]
    finish(tmp_path, records)
    assert (trial_dir(tmp_path, 4) / "best_model.pdparams").exists()
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 4"


def test_running_trials_keep_what_they_have_written(tmp_path):
    weights_of(tmp_path, 7).write_bytes(b"half")
    finish(tmp_path, [record(0, 0.1, value=0.3)])
    settings = shown_settings(tmp_path)
    Outputs(settings).search_started(settings, [record(0, 0.1, value=0.3), record(7, 0.01, state="running")])
    assert (trial_dir(tmp_path, 7) / "best_model.pdparams").exists()


def test_going_on_without_the_files_writes_them_again(tmp_path):
    records = [record(0, 0.01, value=0.7)]
    finish(tmp_path, records)
    for name in ("search_results.csv", "best_config.yaml", "best_model.pdparams"):
        (tmp_path / name).unlink()
    settings = shown_settings(tmp_path)
    Outputs(settings).search_started(settings, records)
    assert rows(tmp_path)[0]["top1"] == "0.7" and (tmp_path / "best_model.pdparams").exists()


def test_nothing_completed_leaves_no_best(tmp_path):
    finish(tmp_path, [record(0, 0.01, state="diverged")])
    assert not (tmp_path / "best_config.yaml").exists() and rows(tmp_path)[0]["state"] == "diverged"


def test_a_file_system_without_hard_links_gets_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")
    monkeypatch.setattr("os.link", refuse)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    target.write_text("old")
    replace_with_link(source, target)
    assert target.read_text() == "new" and not target.samefile(source)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_deleting_a_trials_weights_leaves_the_best_model(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    replace_with_link(source, target)
    source.unlink()
    assert target.read_text() == "new"
    with pytest.raises(FileNotFoundError):
        replace_with_link(source, target)
