"""The ways to transfer side by side: what is drawn, trained, kept and told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import strategies
from benchmarks.joint import SPACE, STRATEGIES, TRIALS, SearchRow, best_strategy, search_file
from benchmarks.rows import append_row, read_rows
from benchmarks.strategies import WAYS, Recorder, Row, best_rate
from benchmarks.strategies_report import cell_of, joint_table, plot_strategies, strategies_tables
from benchmarks.transfer_sets import SETS, PictureSet, Unfilled, config_of, draw, with_test_list
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.settings.search_file import load_search_file

FEW = PictureSet("digits", ("3", "8"), val=2, test=4)


def row(strategy: str, rate: float, seed: int = 0, *, val: float = 0.5,
        test: float = 0.5) -> Row:
    return Row("digits", 10, strategy, rate, seed, 12, val, test, 4.0)


@pytest.fixture
def trained() -> list[tuple[str, float, int]]:
    return []


@pytest.fixture
def recorder(tmp_path: Path, trained: list[tuple[str, float, int]]) -> Recorder:
    """Trains in no time; the middle rate is the best on the validation part of ``head``."""
    def train(name: str, per_class: int, strategy: str, rate: float, seed: int) -> Row:
        trained.append((strategy, rate, seed))
        assert (name, per_class) == ("digits", 10)
        best = WAYS[strategy].rates[1 if strategy == "head" else 2]
        return row(strategy, rate, seed, val=0.9 if rate == best else 0.3)
    return Recorder(tmp_path / "rows.csv", train)


def test_only_the_first_seed_tries_the_rates(recorder: Recorder,
                                             trained: list[tuple[str, float, int]]) -> None:
    list(recorder.record("digits", 10, ["head", "full"], [0, 1, 2]))
    heads, fulls = WAYS["head"].rates, WAYS["full"].rates
    first = [("head", rate, 0) for rate in heads] + [("full", rate, 0) for rate in fulls]
    assert trained == first + [(strategy, rate, seed) for seed in (1, 2) for strategy, rate in (
        ("head", heads[1]), ("full", fulls[2]))]


def test_a_second_call_goes_on(recorder: Recorder, trained: list[tuple[str, float, int]]) -> None:
    running = recorder.record("digits", 10, ["head"], [0, 1])
    done = [next(running), next(running)]
    running.close()
    rest = list(recorder.record("digits", 10, ["head"], [0, 1]))
    assert len(trained) == len(set(trained)) == 4
    assert read_rows(recorder.path, Row) == done + rest


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "rows.csv", Row) == []
    rows = [row("head", 0.0005), row("full", 0.03, seed=2, test=0.87654)]
    for one in rows:
        append_row(tmp_path / "rows.csv", one)
    assert read_rows(tmp_path / "rows.csv", Row) == rows


def test_of_equal_rates_the_smallest_is_chosen() -> None:
    rows = [row("head", 0.03, val=0.6), row("head", 0.01, val=0.6), row("head", 0.003, val=0.5)]
    assert best_rate(rows) == 0.01


def test_what_is_drawn(tmp_path: Path) -> None:
    """Digits: no picture is in two parts, each class has what was asked for."""
    draw(FEW, per_class=3, seed=1, source=tmp_path, folder=tmp_path / "data")
    lists = {part: [line.split() for line in (tmp_path / f"data/{part}_list.txt").read_text(
    ).splitlines()] for part in ("train", "val", "test")}
    files = [file for lines in lists.values() for file, _ in lines]
    assert len(files) == len(set(files))
    assert all((tmp_path / "data" / file).is_file() for file in files)
    for part, count in (("train", 3), ("val", 2), ("test", 4)):
        labels = [label for _, label in lists[part]]
        assert sorted(labels) == ["0"] * count + ["1"] * count


def test_seeds_draw_other_pictures(tmp_path: Path) -> None:
    for seed in (0, 1):
        draw(FEW, per_class=2, seed=seed, source=tmp_path, folder=tmp_path / str(seed))
    first, second = ((tmp_path / f"{seed}/train_list.txt").read_text() for seed in "01")
    assert first != second


def test_a_set_that_cannot_fill_a_class(tmp_path: Path) -> None:
    with pytest.raises(Unfilled, match="digits: class 8 has too few pictures for 174 a class"):
        draw(FEW, per_class=174, seed=0, source=tmp_path, folder=tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "label_list.txt").write_text("0 a\n1 b\n")
    return config_of(SETS["fashion"], tmp_path, weights=Path("/w/one.pdparams"), epochs=3, seed=2)


def test_the_config(base: dict[str, Any]) -> None:
    assert base["Arch"] == {"name": "SqueezeNet1_1", "class_num": 2}
    assert base["Global"]["eval_interval"] == base["Global"]["epochs"] == 3, "no epoch is chosen"
    assert (base["Global"]["seed"], base["Global"]["pretrained_model"]) == (2, "/w/one")
    lists = {split: Path(base["DataLoader"][split]["dataset"]["cls_label_path"]).name
             for split in ("Train", "Eval")}
    assert lists == {"Train": "train_list.txt", "Eval": "val_list.txt"}


def test_the_test_part_is_another_list(base: dict[str, Any], tmp_path: Path) -> None:
    made = with_test_list({**base, "Transfer": {"strategy": "head"}},
                          tmp_path / "best_model.pdparams")
    assert made["DataLoader"]["Eval"]["dataset"]["cls_label_path"] == str(
        tmp_path / "test_list.txt")
    assert made["Global"]["pretrained_model"] == str(tmp_path / "best_model")
    assert "Transfer" not in made
    assert base["DataLoader"]["Eval"]["dataset"]["cls_label_path"].endswith("val_list.txt")


def rows_of(strategy: str, tests: Sequence[float]) -> list[Row]:
    """Three rates with seed 0, the middle one the best, and two seeds more of that."""
    low, best, high = WAYS[strategy].rates
    return [row(strategy, low, val=0.1, test=1.0), row(strategy, high, val=0.2, test=1.0), *(
        row(strategy, best, seed, val=0.7, test=test) for seed, test in enumerate(tests))]


def test_a_cell_is_of_the_chosen_rate_only() -> None:
    found = cell_of(rows_of("head", [0.5, 0.6, 0.7]), "digits", 10, "head")
    assert found is not None
    assert (found.rate, found.at_edge, found.tests) == (WAYS["head"].rates[1], False,
                                                        (0.5, 0.6, 0.7))
    assert found.mean == pytest.approx(0.6)
    assert found.spread == pytest.approx(0.1)


def test_a_cell_with_a_rate_missing_is_none() -> None:
    assert cell_of(rows_of("head", [0.5])[1:], "digits", 10, "head") is None


def test_the_tables() -> None:
    rows = rows_of("head", [0.5, 0.6, 0.7]) + [
        row("full", rate, val=rate, test=0.8) for rate in WAYS["full"].rates]
    text = strategies_tables(rows)
    assert text.startswith("10 training images a class:\n\n| strategy | digits |\n|---|---|\n")
    assert "| head | 60.0 ± 10.0 (0.01; 4.0 s) |" in text
    assert "| full | 80.0 ± 0.0 (0.005*; 4.0 s) |" in text, "a star: the largest rate of three"
    assert "partial" not in text


def test_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot_strategies(rows_of("head", [0.5, 0.6, 0.7]), tmp_path / "new" / "picture.png")
    assert (tmp_path / "new" / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_report_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    for one in rows_of("head", [0.5, 0.6, 0.7]):
        append_row(tmp_path / "rows.csv", one)
    assert strategies.main(["--rows", str(tmp_path / "rows.csv"),
                            "--report", str(tmp_path / "picture.png")]) == 0
    assert "| head | 60.0" in capsys.readouterr().out


# -- searches of strategy and settings -------------------------------------------------------------


def test_the_best_strategy_is_that_of_the_best_mean() -> None:
    rows = rows_of("head", [0.9, 0.4, 0.5]) + rows_of("full", [0.6, 0.6, 0.7])
    assert best_strategy(rows, "digits") == "full"
    with pytest.raises(PaddleTransferError, match="no strategy was recorded on fashion"):
        best_strategy(rows, "fashion")


def test_both_search_files_are_valid_and_alike(tmp_path: Path) -> None:
    draw(FEW, per_class=8, seed=1, source=tmp_path, folder=tmp_path)
    weights = tmp_path / "weights.pdparams"
    weights.write_bytes(b"")
    dump_yaml(config_of(SETS["digits"], tmp_path, weights=weights, epochs=3, seed=1),
              str(tmp_path / "base.yaml"))
    found = {}
    for kind, chosen in (("joint", STRATEGIES), ("single", ("head",))):
        content = search_file(tmp_path / "base.yaml", tmp_path / kind, strategies=chosen, seed=1)
        dump_yaml(content, str(tmp_path / f"{kind}.yaml"))
        found[kind] = load_search_file(str(tmp_path / f"{kind}.yaml"), [])
    assert found["single"].search_space.space.names == tuple(SPACE)
    assert found["joint"].search_space.space.names == ("strategy", *SPACE)
    assert {one.budget.max_iter for one in found.values()} == {TRIALS}


def test_the_joint_table() -> None:
    tests = {"joint": (0.6, 0.7, 0.8), "single": (0.5, 0.7, 0.6)}
    rows = [SearchRow("digits", seed, kind, "head", 0.01, 12, 0.5, test, 100.0)
            for kind, values in tests.items() for seed, test in enumerate(values)]
    assert joint_table(rows).splitlines()[2] == (
        "| digits | 70.0 ± 5.8 | 60.0 ± 5.8 | 10.0 ± 5.8 | head, head, head | head |")
