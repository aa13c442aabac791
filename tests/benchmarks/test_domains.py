"""Two domains, two tasks: the data's recipe, what is trained, kept and told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from benchmarks import domains
from benchmarks.digits_in_photographs import SIZE, TEST, blend, tile_places, write_digits
from benchmarks.domain_sets import BATCH, DIGITS, PICTURES, adapted_config, evaluated_on
from benchmarks.domains import (
    ADVERSARIAL,
    LABELS,
    MULTI_TASK,
    RATES,
    SEEDS,
    SOURCE_ONLY,
    Job,
    Row,
    job_of,
    record,
)
from benchmarks.domains_report import choice_table, closed, domains_tables
from benchmarks.rows import append_row, read_rows


def test_a_digit_is_the_difference_to_the_photograph() -> None:
    digit = numpy.array([[0, 255], [100, 10]], dtype=numpy.uint8)
    patch = numpy.full((2, 2, 3), (30, 200, 100), dtype=numpy.uint8)
    assert blend(digit, patch).tolist() == [
        [[30, 200, 100], [225, 55, 155]], [[70, 100, 0], [20, 190, 90]]]


def test_tiles_for_test_images_share_no_pixel_with_others() -> None:
    seen, unseen = (set(tile_places(427, 640, test=test)) for test in (False, True))
    assert not seen & unseen
    assert len(seen) == 2 * len(unseen) == 40
    assert seen | unseen == {(top, left) for top in range(0, 363, 64)
                             for left in range(0, 577, 64)}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("domains")
    write_digits(folder, seed=1)
    return folder


def test_no_digit_of_the_test_list_is_in_another(digits: Path) -> None:
    names = {part: [line.split()[0] for line in (digits / f"{part}_list.txt").read_text(
    ).splitlines()] for part in ("train", "val", "target", "target_val", "test")}
    numbers = {part: {Path(name).stem.split("_")[-2] for name in found}
               for part, found in names.items()}
    assert len(names["test"]) == len(numbers["test"]) == 10 * TEST
    assert not numbers["test"] & (numbers["train"] | numbers["target"] | numbers["val"])
    assert numbers["train"] == numbers["target"]
    assert numbers["val"] == numbers["target_val"]
    assert not numbers["train"] & numbers["val"]


def test_all_ways_have_as_many_steps(digits: Path) -> None:
    def config(train: str) -> dict[str, object]:
        return adapted_config(DIGITS, digits, weights=Path("w"), steps=810, seed=1, train=train,
                              unlabeled=train == "train")
    source, target = config("train"), config("target")
    for made in (source, target):
        dataset = made["DataLoader"]["Train"]["dataset"]  # type: ignore[index]
        images = len(Path(dataset["cls_label_path"]).read_text().splitlines())
        assert abs(made["Global"]["epochs"] * (images // BATCH) - 810) < 80  # type: ignore[index]
    lists = {part: section["dataset"]["cls_label_path"].rpartition("/")[2]
             for part, section in source["DataLoader"].items()}  # type: ignore[attr-defined]
    assert lists == {"Train": "train_list.txt", "Eval": "val_list.txt",
                     "Unlabeled": "target_list.txt"}
    tested = evaluated_on(source, "test")["DataLoader"]["Eval"]["dataset"]
    assert tested == {**source["DataLoader"]["Eval"]["dataset"],  # type: ignore[index]
                      "cls_label_path": str(digits / "test_list.txt")}
    assert f"'size': {SIZE}" in str(source)


def row(pair: str, way: str, test: float, *, weight: float = 0.0, rate: float = 0.0, seed: int = 0,
        per_class: int = 0, val: float = 0.5, free: float = math.nan, target_val: float = 0.5
        ) -> Row:
    rate = rate or domains.SETTINGS[pair].rate
    return Row(pair, per_class, way, weight, rate, seed, 3, val, free, target_val, test, 9.0)


def test_a_second_call_goes_on_and_the_first_seed_chooses_the_rate(tmp_path: Path) -> None:
    trained: list[Job] = []

    def train(job: Job) -> Row:
        trained.append(job)
        return replace(row(DIGITS, "", 0.5), **vars(job), val=0.9 if job.rate == RATES[1] else 0.1)
    running = record(tmp_path / "rows.csv", train)
    done = [next(running) for _ in range(3)]
    running.close()
    rest = list(record(tmp_path / "rows.csv", train))
    assert len(trained) == len(set(trained)) == len(done + rest)
    assert [job_of(one) for one in read_rows(tmp_path / "rows.csv", Row)] == trained
    rates = {seed: {job.rate for job in trained if (job.way, job.seed) == (MULTI_TASK, seed)}
             for seed in SEEDS}
    assert rates == {SEEDS[0]: set(RATES), SEEDS[1]: {RATES[1]}, SEEDS[2]: {RATES[1]}}


def test_the_share_of_the_gap() -> None:
    assert closed(0.5, 0.75, 1.0) == pytest.approx(0.5)
    assert closed(0.522, 0.767, 0.959) == pytest.approx(0.56, abs=0.005), "as published"
    assert closed(0.5, 0.4, 1.0) < 0
    assert math.isnan(closed(0.5, 0.6, 0.5))


def test_the_tables() -> None:
    chosen = domains.SETTINGS[DIGITS].adversarial
    rows = [row(DIGITS, way, test + seed / 100, weight=weight, seed=seed) for seed in SEEDS
            for way, test, weight in ((SOURCE_ONLY, 0.49, 0.0), (ADVERSARIAL, 0.69, chosen),
                                      (LABELS, 0.89, 0.0))]
    rows.append(row(DIGITS, ADVERSARIAL, 1.0, weight=chosen + 9))
    text = domains_tables(rows)
    assert "| adversarial | 50.0 ± 0.0 | 70.0 ± 1.0 | 50 % | 3 | 9 |" in text
    assert "together" not in text
    assert "chosen" not in text
    grid = [row(PICTURES, ADVERSARIAL, weight / 10, weight=weight, rate=rate, free=rate,
                target_val=weight) for weight in domains.WEIGHTS_TRIED
            for rate in domains.RATES_TRIED]
    assert list(choice_table(grid[1:])) == [], "not all were trained"
    lines = list(choice_table(grid))
    assert lines[2].startswith("| target_free | 0.3 ± 0.0 | 9.7 ± 0.0 | 0.03, ")
    assert lines[4].startswith("| target labels | 10.0 ± 0.0 | 0.0 ± 0.0 | 1, ")


def test_report_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    for per_class in (10, 25):
        for way in ("full", MULTI_TASK):
            append_row(tmp_path / "rows.csv", row("fashion>digits", way, 0.6, rate=0.0015,
                                                  per_class=per_class))
    assert domains.main(["--rows", str(tmp_path / "rows.csv"),
                         "--report", str(tmp_path / "new" / "picture.png")]) == 0
    assert "| fashion>digits | 25 | 60.0 ± 0.0 (0.0015) | 60.0" in capsys.readouterr().out
    assert (tmp_path / "new" / "picture.png").read_bytes()[:4] == b"\x89PNG"
