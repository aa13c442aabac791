"""Our own pruner: patience with what may still come, and none with what is hopeless."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paddle_transfer.pruners.curve import CurvesPruner
from paddle_transfer.pruners.hopeless import EARLIEST, chance
from tests.helpers.pruner_suite import (
    EPOCHS,
    FINISHED,
    HOPELESS,
    PrunerSuite,
    learning,
    running,
    whole,
)
from tests.helpers.sampler_suite import BASELINE, PUBLISHED


class TestCurvesPruner(PrunerSuite):
    def make(self):
        return CurvesPruner()

    def test_nothing_is_stopped_early(self):
        first = next(epoch for epoch in range(1, EPOCHS) if self.ask(running(HOPELESS[:epoch])))
        assert EARLIEST <= first / EPOCHS <= 0.6

    def test_a_trial_within_the_noise_of_the_best_goes_on_to_its_end(self):
        assert not any(
            self.ask(running(learning(0.835, until=epoch))) for epoch in range(1, EPOCHS))

    def test_a_late_starter_goes_on_where_another_started_late(self):
        """A large rate under a cosine schedule: at chance until the rate falls, and then the best
        of all."""
        late = ((1, .3), (2, .3), (3, .3), (4, .3), (5, .32), (6, .4), (7, .6), (8, .8), (9, .84),
                (10, .85))
        point = {**BASELINE, "lr": 0.1}
        known = [replace(FINISHED[7], point=BASELINE), whole(1, 0.8, point=point, curve=late)]
        trial = replace(running([(epoch, 0.32) for epoch in range(1, 6)]),
                        point={**point, "mixup": True})
        assert not self.ask(trial, known)
        assert self.ask(trial, [known[0], replace(known[1], curve=learning(0.8))])

    def test_few_whole_trainings_are_doubted(self):
        """Three of them stop no trial that five others of the same kind do: on public records the
        winner was stopped where one to four were finished."""
        late = running(learning(0.55, until=5))
        assert not self.ask(late, FINISHED[:3])
        others = [replace(one, number=8 + i, point=PUBLISHED.point(5 + 30 * i))
                  for i, one in enumerate(FINISHED[:3] * 2)]
        assert self.ask(late, [*FINISHED[:3], *others])

    def test_nothing_is_stopped_late(self):
        """What learned with a large rate gains until it has fallen, and little is left to save."""
        assert self.ask(running(HOPELESS[:7]))
        assert not self.ask(running(HOPELESS[:8]))

    def test_a_training_that_collapsed_does_not_foretell_that_others_will(self):
        """Its neighbour goes on, which will be the best one."""
        fallen = whole(9, 0.8, point=BASELINE, curve=(*learning(0.8, until=9), (10, 0.01)))
        trial = replace(running(learning(0.8, until=5)), point={**BASELINE, "mixup": True})
        assert not self.ask(trial, [*FINISHED[:4], fallen])
        assert not self.ask(trial, [fallen])

    def test_a_dip_is_no_verdict(self):
        steady, dip = learning(0.83, until=6), (*learning(0.83, until=5), (6, 0.2))
        assert not self.ask(running(steady))
        assert not self.ask(running(dip))

    def test_metrics_that_are_no_shares_need_three_whole_trainings(self):
        def grown(observation):
            return replace(observation, value=100 * observation.value,
                           curve=tuple((epoch, 100 * value) for epoch, value in observation.curve))

        trial, finished = grown(replace(running(HOPELESS[:7]),
                                        value=0.0)), [grown(o) for o in FINISHED]
        assert self.ask(trial, finished[-3:])
        assert not self.ask(trial, finished[-2:])
        assert not self.ask(grown(replace(running(learning(0.9, until=7)), value=0.0)), finished)

    def test_a_point_of_another_space_is_left_alone(self):
        assert not self.ask(replace(running(HOPELESS[:7]), point={"lr": 1}))
        assert PUBLISHED.contains(running(()).point)


def test_chances():
    assert chance(0.0, 1.0, above=0.0) == 0.5
    assert chance(0.0, 2.0, above=2 * 1.6448536) == pytest.approx(0.05)
