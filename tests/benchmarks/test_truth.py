"""True values are nearer to what another seed shows than the plain means are."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from benchmarks.recorded import Table, load_table
from benchmarks.truth import shrunk

TABLES = sorted(Path(__file__).parents[2].glob("benchmarks/tables/*.csv.gz"))


def part(table: Table, seeds: list[int]) -> Table:
    return Table(table.name, table.space, table.curves[:, seeds])


def test_a_seed_that_was_left_out_is_predicted_better_by_true_values():
    """Over all tables with three seeds: the mean squared error on the third, among the points that
    are near the best."""
    plain, drawn = [], []
    for table in map(load_table, TABLES):
        for left in range(table.seeds if table.seeds > 2 else 0):
            rest = part(table, [seed for seed in range(table.seeds) if seed != left])
            good = numpy.argsort(-table.truth, kind="stable")[:len(table.truth) // 4]
            shown = table.curves[good, left, -1]
            plain.append(((rest.truth[good] - shown) ** 2).mean())
            drawn.append(((shrunk(rest)[good] - shown) ** 2).mean())
    assert len(plain) >= 9
    assert numpy.mean(drawn) < 0.95 * numpy.mean(plain)


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.name)
def test_the_best_true_value_is_no_larger_than_the_luckiest_mean(file):
    table = load_table(file)
    values = shrunk(table)
    assert values.max() <= table.truth.max() + 1e-9
    assert values.mean() == pytest.approx(table.truth.mean())


def test_one_seed_is_taken_as_it_is():
    table = part(load_table(TABLES[0]), [0])
    assert numpy.array_equal(shrunk(table), table.truth)
