"""The points are those of scipy, bit by bit: samplers and recorded replays depend on them."""

import subprocess
import sys

import pytest
from scipy.stats import qmc

from paddle_transfer.samplers.gp.sobol import sobol


@pytest.mark.parametrize("columns", [1, 2, 13, 40, 64, 65])
@pytest.mark.parametrize(("count", "seed"), [(1, 0), (64, 3), (128, 0), (256, 0)])
def test_the_points_are_those_of_scipy(columns, count, seed):
    assert (sobol(columns, count, seed=seed) == qmc.Sobol(columns, seed=seed).random(count)).all()


def test_the_view_of_a_model_does_not_wait_for_scipys_statistics():
    code = ("import sys, paddle_transfer.samplers.gp.view, paddle_transfer.report.html.page; "
            "sys.exit(bool({'scipy.stats', 'plotly.graph_objs'} & set(sys.modules)))")
    subprocess.run([sys.executable, "-c", code], check=True)
