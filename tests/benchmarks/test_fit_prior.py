"""What a search believes, fitted to tables: it finds the parameters that made them, and says what
it was fitted to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

from benchmarks.fit_prior import START, fit, main
from benchmarks.kinship import akin, unlike
from benchmarks.recorded import Table, load_table, save_table
from paddle_transfer.samplers.gp.hyperprior import ANY_RATE, FITTED, fitted
from tests.helpers.sampler_suite import PUBLISHED

TABLES = Path("benchmarks/tables")


def made(name: str, *, peak: float, noise: float, seed: int) -> Table:
    """A table that falls by 0.5 log-odds a decade on both sides of ``peak`` (log10 of the rate)."""
    rng = numpy.random.default_rng(seed)
    logs = numpy.log10([float(point["lr"]) for point in PUBLISHED.points()])
    odds = 1.0 - 0.5 * numpy.abs(logs - peak)[:, None] + noise * rng.normal(size=(len(logs), 2))
    return Table(name, PUBLISHED, (1.0 / (1.0 + numpy.exp(-odds)))[:, :, None])


def test_the_fit_moves_towards_what_made_the_tables():
    calm = [made(f"calm_{i}", peak=peak, noise=0.02, seed=i)
            for i, peak in enumerate((-1.3, -3.3))]
    loud = [made(f"loud_{i}", peak=-2.5, noise=0.4, seed=i) for i in range(2)]
    quiet, wild = fit(calm, rounds=3), fit(loud, rounds=3)
    assert 3.0 * quiet["own_noise"][0] < wild["own_noise"][0]
    assert 0.5 < quiet["rise"][0] < 0.8 < START["rise"][0]
    assert quiet["peak"][1] > wild["peak"][1], "wide where tables disagree"


def test_the_command_writes_what_a_search_reads(tmp_path, capsys):
    table = tmp_path / "made.csv"
    save_table(made("made", peak=-2.0, noise=0.1, seed=0), table)
    output = tmp_path / "fitted.json"
    assert main(["--table", str(table), "--output", str(output), "--rounds", "1"]) == 0
    assert capsys.readouterr().out == f"{output}: fitted to 1 table\n"
    written = json.loads(output.read_text())
    assert written["fitted_on"] == ["made"]
    assert list(written["parameters"]) == list(START)


def test_what_ships_was_fitted_to_the_recorded_tables_and_leaves_the_rate_open():
    shipped = json.loads(FITTED.read_text())
    assert shipped["fitted_on"] == sorted(
        path.name.removesuffix(".csv.gz") for path in TABLES.glob("*.csv.gz"))
    assert set(shipped["parameters"]) == set(START) == set(fitted())
    assert fitted()["peak"] == ANY_RATE


@pytest.mark.parametrize(("one", "other", "same"), [
    ("squeezenet_tuxpaint", "squeezenet_digits", True),  # weights
    ("squeezenet_fashion", "fashion_pplcnet_250", True),  # data
    ("squeezenet_openclipart", "digits_finer_200", False),
    ("a", "a", True)])
def test_tables_are_akin_by_weights_or_data(one, other, same):
    assert akin(one, other) is akin(other, one) is same


def test_a_table_is_judged_by_those_that_share_nothing_with_it():
    tables = [load_table(TABLES / f"{name}.csv.gz")
              for name in ("digits_finer_200", "fashion_pplcnet_250", "squeezenet_tuxpaint")]
    assert [table.name for table in unlike(tables, tables[0])] == [
        "fashion_pplcnet_250", "squeezenet_tuxpaint"]
