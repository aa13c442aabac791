"""What counts as within reach of the best point of a recorded table."""

from __future__ import annotations

import numpy
import pytest

from benchmarks.recorded import Table, write_tasks
from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.gp.past_tasks import read_tasks
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space


def tiny(values, space=None) -> Table:
    """A table of one hyperparameter; ``values[point][seed]`` at the only epoch."""
    curves = numpy.array(values, dtype=float)[:, :, None]
    return Table("tiny", space or Space((Choice("lr", tuple(range(1, len(values) + 1))),)), curves)


def test_truth_regret_and_reach_follow_the_definition():
    # Seed means 0.5 and 0.6; 20 points, so the top tenth are two: 0.90/0.98 and 0.89/0.99.
    values = [[0.90, 0.98], [0.89, 0.99]] + [[0.3, 0.4]] * 18
    table = tiny(values)
    assert table.truth[:3] == pytest.approx([0.94, 0.94, 0.35])
    assert table.regrets[2] == pytest.approx(0.59)
    means = numpy.array(values).mean(axis=0)
    variances = [numpy.var(numpy.array(row) - means, ddof=1) for row in values[:2]]
    assert table.noise == pytest.approx(numpy.sqrt(numpy.mean(variances) / 2))
    assert list(numpy.flatnonzero(table.within_reach)) == [0, 1]


def test_one_seed_has_no_noise_and_reach_is_four_thousandths():
    table = tiny([[0.9], [0.8961], [0.8959]])
    assert table.noise == 0.0
    assert list(table.within_reach) == [True, True, False]


def test_a_prior_file_replaces_prior_files_only(tmp_path):
    task, file = PastTask("a", ({"lr": 0.1}, {"lr": 0.2}), (0.5, 0.7)), tmp_path / "prior.json"
    assert not write_tasks(file, [task], source="tests")
    assert write_tasks(file, [task, task], source="tests")
    assert len(read_tasks(file)) == 2
    file.write_text("{}")
    with pytest.raises(PaddleTransferError, match="is there already, and is no prior file"):
        write_tasks(file, [task], source="tests")
    assert file.read_text() == "{}"
