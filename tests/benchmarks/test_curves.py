"""Pruners on public records: what is read of them, and what is counted."""

from __future__ import annotations

import gzip
import json

import pytest

from benchmarks import curves
from benchmarks.records import Training, best_epochs, read_records, without_padding
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.space.hyperparameter import Range
from paddle_transfer.space.space import Space

SPACE = Space((Range("lr", 0.0, 1.0),))


class Below:
    """Stops what is below 0.5, once something is finished."""

    def should_stop(self, _space, trial, finished, *, epochs, seed):  # noqa: ARG002
        return bool(finished) and trial.curve[-1][1] < 0.5


def training(*values, **changes):
    curve = tuple((epoch, value) for epoch, value in enumerate(values, start=1))
    return Training({"lr": 0.5}, curve, len(values), **changes)


def test_the_winner_is_the_best_epoch_and_what_is_stopped_is_lost():
    late, steady = training(0.4, 0.4, 0.9), training(0.6, 0.8, 0.7)
    outcome = curves.search(SPACE, [steady, late, training(0.1, 0.2, 0.3)], Below(), seed=0)
    assert (outcome.trained, outcome.epochs) == (5, 9)
    assert outcome.winner_stopped
    assert outcome.lost == pytest.approx(0.1)
    harmless = curves.search(SPACE, [steady, training(0.1, 0.2, 0.3)], Below(), seed=0)
    assert not harmless.winner_stopped
    assert harmless.lost == 0.0


def test_nothing_is_stopped_in_its_warmup():
    late, steady = training(0.4, 0.4, 0.9, warmup=2), training(0.6, 0.8, 0.7)
    assert not curves.search(SPACE, [steady, late], Below(), seed=0).winner_stopped
    assert curves.search(SPACE, [steady, late], Below(), seed=0, warmup=False).winner_stopped


def test_a_training_that_diverged_wins_nothing():
    outcome = curves.search(SPACE, [training(0.95, diverged=True), training(0.6, 0.7)], Below(),
                            seed=0)
    assert not outcome.winner_stopped
    assert outcome.lost == 0.0


def test_padding_is_no_training():
    assert without_padding([50.0, 60.0, 55.0, 55.0, 55.0, 0.0]) == ((1, 0.5), (2, 0.6), (3, 0.55))
    assert without_padding([50.0, 50.0]) == ((1, 0.5),)
    assert without_padding([0.0, 0.0]) == ()


@pytest.fixture
def records(tmp_path):
    (tmp_path / "opda").mkdir()
    with gzip.open(tmp_path / "opda" / "alexnet_tuning.results.jsonl.gz", "wt") as file:
        for lr, nan in ((0.1, False), (9.0, True)):
            ends = [] if nan else [{"epoch": 0, "top_1": 0.2}, {"epoch": 1, "top_1": 0.4}]
            file.write(json.dumps({
                "nan_train_loss": nan, "epochs": 2, "batch_size": 128, "lr": lr, "lr_peak_epoch": 1,
                "momentum": 0.9, "weight_decay": 1e-4, "label_smoothing": 0.1,
                "learning_curve": ends}) + "\n")
    (tmp_path / "med_quicktune").mkdir()
    names = ["", "dataset", "learning_rate", "weight_decay", "label_smoothing", "mixup_alpha",
             "warmup_epochs", "scheduler_type", "optimizer_type", "model", "batch_size"]
    rows = [[i, "liver", 10.0 ** -i, 1e-3 / i, 0.1 * i, 0.1 * i, i, "warmup", "sgd", "resnet", 2]
            for i in (1, 2, 3, 4, 5)]
    lines = [",".join(map(str, row)) for row in (names, *rows)]
    (tmp_path / "med_quicktune" / "config.csv").write_text("\n".join(lines))
    curve = [40.0 + i for i in range(10)] + [50.0] * 15
    lines = [",".join(map(str, row)) for row in (["", *range(25)], *(
        [i, *(curve if i < 5 else [30.0] * 25)] for i in (1, 2, 3, 4, 5)))]
    (tmp_path / "med_quicktune" / "curve.csv").write_text("\n".join(lines))
    return tmp_path


def test_records_are_sets_of_curves_over_a_space_that_has_their_points(records):
    liver, alexnet = read_records(records)
    assert (liver.name, alexnet.name) == ("med/liver", "alexnet")
    assert len(liver.trainings) == 4, "what never learned is left out"
    assert [len(one.curve) for one in liver.trainings] == [11] * 4
    assert liver.trainings[0].curve[0] == (1, 0.4)
    assert [one.warmup for one in liver.trainings] == [1, 2, 3, 4]
    assert all(one.space.contains(training.point)
               for one in (liver, alexnet) for training in one.trainings)
    fine, broken = alexnet.trainings
    assert (fine.curve, fine.epochs, fine.warmup) == (((1, 0.2), (2, 0.4)), 2, 1)
    assert (broken.diverged, broken.value) == (True, -1.0)
    assert len(liver.space["lr"].encode(0.01)) == 1


def test_the_command_has_a_row_per_record_and_pruner(records, capsys):
    (records / "aerial_finetune").mkdir()
    rows = ["model,training_mode,num_classes,epochs,best_val_acc_pct,best_epoch",
            *(f"resnet50,fft,7,30,{70 + i % 50},{i % 50}" for i in range(60))]
    (records / "aerial_finetune" / "waikato_finetune_sweeps.csv").write_text("\n".join(rows))
    assert curves.main(["--records", str(records), "--searches", "3", "--pruner", "auto",
                        "MedianPruner"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:6]] == ["| med/liver"] * 2 + ["| alexnet"] * 2
    assert lines[-1] == "| resnet50, fft, 7 classes | 60 | 1.57 | 0 |"
    assert best_epochs(records / "opda") == []


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(PaddleTransferError, match=r"has none of med_quicktune/curve\.csv"):
        read_records(tmp_path)
