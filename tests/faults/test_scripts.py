"""Searches in which much goes wrong (``benchmarks.faults``): some of the scripts. All 200 are
played by ``python tools/benchmark.py faults``."""

from __future__ import annotations

import pytest

from benchmarks.fault_script import FEATURES, script_of
from benchmarks.faults import Player, describe

#: Ten in a row have all features of a search.
SEEDS = 50


@pytest.fixture(scope="module")
def player(tmp_path_factory):
    return Player(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong_nothing_is_lost_or_trained_twice(player, seed):
    trouble, broken = player.play(script_of(seed))
    assert not broken, (f"python tools/benchmark.py faults --seed {seed} --show\n"
                        + "\n".join([*broken, describe(trouble)]))


def test_the_scripts_have_all_that_can_go_wrong():
    scripts = [script_of(seed) for seed in range(200)]
    assert {script.feature for script in scripts} == set(FEATURES)
    assert {script.workers for script in scripts} >= {1, 2, 4, 8}
    assert {end.how for script in scripts for end in script.ends} == {
        "kill", "full", "full once", "interrupt", "clock", "executor"}
    assert {fate for script in scripts for fate in script.fates.values()} == {
        "diverged", "invalid", "crashed", "nonfinite", "hang"}
