import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from paddle_transfer.executors.base import Sharing
from paddle_transfer.report.files import EVERY, SHARE, ResultFiles, replace_with_link
from paddle_transfer.report.next_steps import next_steps
from paddle_transfer.report.summary import leaderboard_lines
from paddle_transfer.samplers.base import PosteriorSummary
from paddle_transfer.settings.groups import Devices
from paddle_transfer.study.trial_folder import TrialFolder
from tests.helpers.records import ranker_of, record, shown_settings


def result_files(settings):
    return ResultFiles(settings, ranker=ranker_of(settings))


def weights_of(root, number):
    path = TrialFolder.of(root, number).weights
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def finish(root, records):
    """The files of finished trials, and all that a listener makes of them."""
    settings = shown_settings(root)
    outputs = result_files(settings)
    outputs.search_started([])
    for i, entry in enumerate(records):
        weights_of(root, entry.number).write_bytes(b"weights of %d" % entry.number)
        outputs.trial_ended(entry, records[:i + 1])
    outputs.search_ended(records, "done")
    return outputs


def rows(root):
    with open(root / "search_results.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_finished_trial_has_a_row_in_trial_order(tmp_path):
    failed = record(2, 0.1, True, state="failed",
                    info={"reason": "it broke:\nbadly", "best_epoch": None})
    finish(tmp_path, [record(0, 0.01, value=0.7), record(1, 0.001, value=0.8), failed,
                      record(3, 0.001, value=0.8, reused=1), record(4, 0.1, state="running")])
    table = rows(tmp_path)
    assert [row["trial"] for row in table] == ["0", "1", "2", "3"]
    assert [row["rank"] for row in table] == ["2", "1", "", "1"]
    assert 0.75 < float(table[1].pop("estimate")) < 0.85, "what the model expects of the point"
    assert table[1] == {
        "trial": "1", "state": "complete", "top1": "0.8", "images": "9", "rank": "1",
        "best_epoch": "2", "epochs": "3",
        "lr": "0.001", "mixup": "False", "seed": "0", "seconds": "12.3",
        "attempts": "1", "reused": "", "reason": ""
    }
    assert table[2]["reason"] == "it broke: badly"
    assert table[2]["top1"] == ""
    assert table[3]["reused"] == "1"


def test_what_also_measure_adds(tmp_path):
    made = shown_settings(tmp_path)
    settings = replace(made, objective=replace(made.objective, also_measure=("train",),
                                               others=("top5",)))
    one = {"val": {"top1": 0.8, "top5": 0.9}, "train": {"top1": 0.95, "top5": 1.0}}
    records = [record(0, 0.01, value=0.8, info={"measured": one}), record(1, 0.001, value=0.7),
               record(2, 0.1, state="failed")]
    outputs = result_files(settings)
    outputs.search_ended(records, "done")
    first, second, failed = rows(tmp_path)
    assert list(first)[2:6] == ["top1", "top5", "train_top1", "train_top5"]
    assert [first[name] for name in ("top5", "train_top1", "train_top5")] == ["0.9", "0.95", "1.0"]
    assert {other["train_top1"] for other in (second, failed)} == {""}
    told = json.loads((tmp_path / "search_results.json").read_text())
    assert told["winner"]["measured"] == {"top5": 0.9, "train_top1": 0.95, "train_top5": 1.0}

    lines = leaderboard_lines(settings, records, ranker_of(settings).leaderboard(records))
    start = lines.index("Errors in % (val is the list of DataLoader.Eval), of the best epoch:")
    header, best = lines[start + 1:start + 3]
    assert header.split()[3:] == ["val", "top1", "val", "top5", "train", "top1", "train", "top5"]
    assert best.split()[-4:] == ["20.0", "10.0", "5.0", "0.0"]
    assert not any("Errors" in line for line in leaderboard_lines(
        made, records, ranker_of(made).leaderboard(records)))


def test_the_best_model_and_its_config_follow_the_best_trial(tmp_path):
    records = [
        record(0, 0.01, value=0.7),
        record(1, 0.001, True, value=0.8, seed=5),
        record(2, 0.1, value=0.75)
    ]
    finish(tmp_path, records[:1])
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 0"
    finish(tmp_path, records)
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 1"
    text = (tmp_path / "best_config.yaml").read_text()
    assert text.startswith("# Found by paddle_transfer: lr 0.001, mixup True\n"
                           "# top1 0.80000 on 9 images in trial 1, epoch 2, seed 5\n")
    config = yaml.safe_load(text)
    assert config["Optimizer"]["lr"]["learning_rate"] == 0.001
    assert config["Global"]["seed"] == 5
    assert config["Global"]["output_dir"] == str(tmp_path / "best")
    assert config["Global"]["device"] == "cpu"
    assert "MixupOperator" in str(config["DataLoader"]["Train"])
    assert config["Global"]["checkpoints"] is None


def test_only_the_best_few_keep_their_weights(tmp_path):
    finish(tmp_path, [
        record(number, lr, mixup, value=value)
        for number, (lr, mixup, value) in enumerate([(0.1, False,
                                                      0.3), (0.01, False,
                                                             0.9), (0.001, False,
                                                                    0.5), (0.1, True, 0.7)])
    ])
    kept = [
        number for number in range(4)
        if TrialFolder.of(tmp_path, number).weights.exists()
    ]
    assert kept == [1, 3]  # keep_models: 2


def test_the_winner_keeps_its_weights_even_when_a_lucky_repeat_outranks_it(tmp_path):
    records = [
        record(0, 0.1, value=0.95),
        record(1, 0.1, value=0.2, seed=1),
        record(2, 0.1, True, value=0.94),
        record(3, 0.1, True, value=0.1, seed=1),
        record(4, 0.01, value=0.8)
    ]
    finish(tmp_path, records)
    assert TrialFolder.of(tmp_path, 4).weights.exists()
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 4"


def choose(monkeypatch, order):
    """Make the model prefer the trials' points in this order, all of them tried."""
    def view(space, finished, **_):
        points = [space.key(one.point) for one in finished]
        estimates = {
            points[number]: 0.9 - 0.01 * place
            for place, number in enumerate(order)
            if number < len(points)
        }
        first = min(estimates, key=lambda key: -estimates[key])
        return PosteriorSummary(
            next(one.point for one in finished if space.key(one.point) == first), 0.1, 0.01, 0.1,
            len(points), estimates)
    monkeypatch.setattr("paddle_transfer.samplers.gp.termination.posterior_summary", view)


POINTS = [(lr, mixup) for lr in (0.1, 0.01, 0.001) for mixup in (False, True)]


def six():
    return [
        record(number, lr, mixup, value=0.8 - 0.1 * number)
        for number, (lr, mixup) in enumerate(POINTS)
    ]


def kept(root):
    return [
        number for number in range(6) if TrialFolder.of(root, number).weights.exists()
    ]


def test_the_winner_by_the_model_has_its_config_and_weights(tmp_path, monkeypatch):
    choose(monkeypatch, [5, 4, 0, 1, 2, 3])
    finish(tmp_path, six())
    assert (tmp_path / "best_model.pdparams").read_bytes() == b"weights of 5"
    assert kept(tmp_path) == [0, 1, 5]
    text = (tmp_path / "best_config.yaml").read_text()
    assert text.startswith(
        "# Found by paddle_transfer: lr 0.001, mixup True\n"
        "# top1 0.30000 on 9 images in trial 5, epoch 2, seed 0\n"
        "# 0.90000 is what the model expects of these settings")
    assert [(row["top1"], row["estimate"], row["rank"]) for row in rows(tmp_path)][::5] == [
        ("0.8", "0.88", "3"), ("0.30000000000000004", "0.9", "1")]
    told = json.loads((tmp_path / "search_results.json").read_text())
    assert told["ended"] == "done"
    assert told["winner"]["trials"] == [5]
    assert told["winner"]["estimate"] == 0.9
    assert told["fixed"]["trials"] == [2]
    assert told["confirm"] is None


@pytest.mark.parametrize("reason", ["interrupted", "ended by an error: DiskFull"])
def test_weights_of_what_may_yet_win_stay_until_the_end(tmp_path, monkeypatch, reason):
    choose(monkeypatch, [5, 4, 3, 2, 1, 0])
    settings = shown_settings(tmp_path, keep_models=1)
    monkeypatch.setattr("paddle_transfer.report.files.SPARE", 2)
    for entry in six():
        weights_of(tmp_path, entry.number).write_bytes(b"weights")
    result_files(settings).search_ended(six(), reason)
    assert kept(tmp_path) == [
        0, 3, 4, 5
    ], "the best by the model, the one that keep_models says and two to spare"
    result_files(settings).search_ended(six(), "max_iter (6) suggestions were evaluated")
    assert kept(tmp_path) == [0, 5]


def test_a_winner_whose_weights_are_gone_has_not_those_of_another(tmp_path, monkeypatch):
    finish(tmp_path, six())
    TrialFolder.of(tmp_path, 5).weights.unlink(missing_ok=True)
    choose(monkeypatch, [5, 4, 3, 2, 1, 0])
    outputs = result_files(shown_settings(tmp_path))
    for _ in range(2):
        outputs.search_started(six())
        assert not (tmp_path / "best_model.pdparams").exists()
        text = (tmp_path / "best_config.yaml").read_text()
        assert "in trial 5, " in text
        assert "# Its weights are not kept (keep_models)" in text


def test_running_trials_keep_what_they_have_written(tmp_path):
    weights_of(tmp_path, 7).write_bytes(b"half")
    finish(tmp_path, [record(0, 0.1, value=0.3)])
    settings = shown_settings(tmp_path)
    result_files(settings).search_started(
        [record(0, 0.1, value=0.3), record(7, 0.01, state="running")])
    assert TrialFolder.of(tmp_path, 7).weights.exists()


def test_what_going_on_is_worth_is_there_while_the_search_runs(tmp_path):
    settings = shown_settings(tmp_path)
    records = [record(0, 0.01, value=0.7), record(1, 0.1, value=0.6)]
    files = ResultFiles(settings, ranker=ranker_of(settings))
    for count, there in ((1, False), (2, True)):
        files.search_started(records[:count])
        told = json.loads((tmp_path / "search_results.json").read_text())
        assert told["ended"] is None
        assert ("going_on" in told) is there


def test_going_on_without_the_files_writes_them_again(tmp_path):
    records = [record(0, 0.01, value=0.7)]
    finish(tmp_path, records)
    for name in ("search_results.csv", "best_config.yaml", "best_model.pdparams"):
        (tmp_path / name).unlink()
    settings = shown_settings(tmp_path)
    result_files(settings).search_started(records)
    assert rows(tmp_path)[0]["top1"] == "0.7"
    assert (tmp_path / "best_model.pdparams").exists()


def test_nothing_completed_leaves_no_best(tmp_path):
    finish(tmp_path, [record(0, 0.01, state="diverged")])
    assert not (tmp_path / "best_config.yaml").exists()
    assert rows(tmp_path)[0]["state"] == "diverged"


def test_a_file_system_without_hard_links_gets_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")
    monkeypatch.setattr("os.link", refuse)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    target.write_text("old")
    replace_with_link(source, target)
    assert target.read_text() == "new"
    assert not target.samefile(source)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_deleting_a_trials_weights_leaves_the_best_model(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    replace_with_link(source, target)
    source.unlink()
    assert target.read_text() == "new"
    with pytest.raises(FileNotFoundError):
        replace_with_link(source, target)


def test_the_files_are_written_every_few_seconds_and_at_the_end(tmp_path, monkeypatch):
    now, took, written = [0], [0], []

    def write(path, _text):
        now[0] += took[0]
        written.append(Path(path).name)

    monkeypatch.setattr("paddle_transfer.report.files.write_atomic", write)
    settings = shown_settings(tmp_path)
    outputs = ResultFiles(settings, ranker=ranker_of(settings), clock=lambda: now[0])
    records = [record(0, 0.01, state="failed")]
    outputs.search_started(records)
    for _ in range(100):
        now[0] += 1
        outputs.trial_ended(records[0], records)
    assert written.count("search_results.csv") == 1 + 100 // EVERY
    now[0] += EVERY
    outputs.turn_ended(records)  # nothing has happened since
    assert written.count("search_results.csv") == 1 + 100 // EVERY
    took[0] = 1  # a large search: two seconds for its two files
    outputs.trial_ended(records[0], records)
    done = len(written)
    for _ in range(2 * SHARE - 1):
        now[0] += 1
        outputs.trial_ended(records[0], records)
    assert len(written) == done
    now[0] += 1
    outputs.turn_ended(records)
    outputs.search_ended(records, "done")
    assert len(written) == done + 3, "no row has changed at the end"


def test_weights_are_looked_for_once(tmp_path, monkeypatch):
    settings, unlinked = shown_settings(tmp_path, keep_models=1), []
    outputs = ResultFiles(settings, ranker=ranker_of(shown_settings(tmp_path,
                                                                    search_mode="random")))
    monkeypatch.setattr(os, "unlink", unlinked.append)
    records = [record(i, 0.1, state="failed") for i in range(50)]
    outputs.search_started(records[:20])
    for i in range(20, 50):
        outputs.trial_ended(records[i], records[:i + 1])
    outputs.search_ended(records, "done")
    assert len(unlinked) == len(set(unlinked)) == 3 * 50


def test_the_best_config_has_the_batch_that_was_trained(tmp_path):
    tries = [{"attempt": 1, "verdict": "out_of_memory", "message": "", "log_tail": "",
              "accumulate": 2}]
    finish(tmp_path, [record(0, 0.01, value=0.7), record(1, 0.001, value=0.8,
                                                         info={"tries": tries})])
    text = (tmp_path / "best_config.yaml").read_text()
    assert "# Out of memory with the batch of these settings: trained with 1 / 2 of it, and" in text
    config = yaml.safe_load(text)
    assert config["Global"]["update_freq"] == 2
    assert config["DataLoader"]["Train"]["sampler"]["batch_size"] == 4


def test_the_answers_of_the_best_network_are_handed_back(tmp_path):
    settings = shown_settings(tmp_path, keep_models=0)
    outputs, records = result_files(settings), [record(0, 0.01, value=0.7),
                                                record(1, 0.001, value=0.8)]
    for one in records:
        weights_of(tmp_path, one.number).with_name("best_predictions.npz").write_bytes(
            b"answers %d" % one.number)
    outputs.search_ended(records, "done")
    handed = tmp_path / "best_predictions.npz"
    assert handed.read_bytes() == b"answers 1"
    left = [file.parent.name for file in tmp_path.glob("trials/*/best_predictions.npz")]
    assert left == ["0001"], "the others' are deleted with their weights"

    soup = tmp_path / "final" / "soup" / "0001"
    soup.mkdir(parents=True)
    told = {"accepted": True, "weights": "final/soup/0001/best_model.pdparams", "metric": "top1",
            "trials": [0, 1], "value": 0.85, "images": 9, "statistics": 0,
            "single": {"trial": 1, "value": 0.8}}
    for name in ("best_model.pdparams", "best_predictions.npz"):
        (soup / name).write_bytes(b"of the soup")
    outputs.soup_ended(told)
    assert handed.read_bytes() == b"of the soup"
    (soup / "best_predictions.npz").unlink()
    outputs.soup_ended(told)
    assert not handed.exists(), "those of another network would be wrong"


def test_a_training_of_two_processes_is_handed_back_as_one(tmp_path):
    settings = shown_settings(tmp_path)
    settings = replace(settings, devices=Devices(sharing=Sharing(processes_per_trial=2)))
    assert settings.stages.rate_factor == 2
    outputs = result_files(settings)
    outputs.search_ended([record(0, 0.01, value=0.7)], "done")
    text = (tmp_path / "best_config.yaml").read_text()
    assert "# 2 devices trained it together, with batch_size images on each" in text
    assert yaml.safe_load(text)["Optimizer"]["lr"]["learning_rate"] == 0.02
    (line, ) = (one for one in next_steps(settings) if "train it again" in one)
    assert "python -m paddle.distributed.launch --nproc_per_node 2 " in line
    assert line.endswith(f"train -c {tmp_path}/best_config.yaml") or "tools/train.py -c" in line
