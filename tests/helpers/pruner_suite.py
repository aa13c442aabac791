"""The duties of every pruner, as tests.

A test class inherits ``PrunerSuite`` and says how to build its pruner; see ``tests/pruners``.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

from paddle_transfer.pruners.base import Pruner
from paddle_transfer.registry import Component
from paddle_transfer.samplers.base import Observation
from tests.helpers.other_process import call_elsewhere
from tests.helpers.sampler_suite import PUBLISHED

EPOCHS = 10


def component(spec: dict) -> Component:
    """``{name: NAME, OPTION: ...}``, as a search file has it."""
    return Component(spec["name"], {key: value for key, value in spec.items() if key != "name"})


def learning(end: float, epochs: int = EPOCHS, *,
             until: int | None = None) -> tuple[tuple[int, float], ...]:
    """A curve that rises evenly in log-odds of its epochs, to ``end`` (0..1), cut off after
    ``until`` epochs."""
    odds = [math.log(end / (1 - end)) + 0.6 * math.log(epoch / epochs)
            for epoch in range(1, epochs + 1)]
    return tuple(
        (epoch + 1, 1 / (1 + math.exp(-value))) for epoch, value in enumerate(odds))[:until]


def whole(number: int, end: float, **changes) -> Observation:
    """A finished training of the published space's point ``17 * number``."""
    curve = learning(end)
    return replace(Observation(number, PUBLISHED.point(17 * number % 196), curve[-1][1],
                               curve=curve), **changes)


def running(curve, *, number: int = 20, point: int = 100) -> Observation:
    return Observation(number, PUBLISHED.point(point), None, "running", tuple(curve))


#: Eight trainings that came to their end.
FINISHED = [whole(number, 0.7 + 0.02 * number) for number in range(8)]
HOPELESS = tuple((epoch, 0.06 - 0.001 * epoch) for epoch in range(1, EPOCHS + 1))


def answers(pruners: list[Pruner], trials: list[Observation]) -> list[bool]:
    """What each pruner says of one trial."""
    return [pruner.should_stop(PUBLISHED, trial, FINISHED, epochs=EPOCHS, seed=0)
            for pruner, trial in zip(pruners, trials, strict=True)]


class PrunerSuite:
    """Inherit and define ``make``; set ``stops`` to False where nothing is ever stopped."""

    stops = True

    def make(self) -> Pruner:
        """The pruner under test, for trainings of ``EPOCHS`` epochs."""
        raise NotImplementedError

    def ask(self, trial: Observation, finished=FINISHED, *, pruner: Pruner | None = None) -> bool:
        answer = (pruner or self.make()).should_stop(PUBLISHED, trial, finished, epochs=EPOCHS,
                                                     seed=0)
        assert isinstance(answer, bool)
        return answer

    def questions(self) -> list[Observation]:
        """Trials of all kinds at several epochs, under several numbers."""
        curves = [HOPELESS, learning(0.4), learning(0.8), learning(0.95)]
        return [running(curve[:epoch], number=number) for number in (9, 10, 21) for curve in curves
                for epoch in (1, 4, 8)]

    def test_the_same_question_has_the_same_answer_whatever_was_asked_before(self):
        pruner, trials = self.make(), self.questions()
        first = [self.ask(trial, pruner=pruner) for trial in trials]
        assert [self.ask(trial) for trial in reversed(trials)] == first[::-1]
        assert [self.ask(trial, pruner=pruner) for trial in trials] == first

    def test_the_answers_are_the_same_in_another_process(self):
        trials = self.questions()
        here = [self.ask(trial) for trial in trials]
        pruners = [self.make() for _ in trials]
        assert call_elsewhere(answers, pruners, trials, hash_seed="7") == here

    def test_the_arguments_are_left_as_they_are(self):
        trial, finished = running(HOPELESS[:6]), list(FINISHED)
        before = copy.deepcopy((trial, finished))
        self.ask(trial, finished)
        assert (trial, finished) == before

    def test_nothing_is_stopped_while_nothing_is_finished(self):
        useless = [whole(0, 0.9, state="failed", value=None, curve=()),
                   whole(1, 0.9, state="diverged", value=None, curve=((1, 0.2),))]
        for finished in ([], useless):
            assert not any(
                self.ask(running(HOPELESS[:epoch]), finished) for epoch in range(1, EPOCHS))

    def test_nothing_is_stopped_before_its_first_or_after_its_last_epoch(self):
        assert not self.ask(running(()))
        assert not self.ask(running(HOPELESS))

    def test_what_is_far_above_all_others_goes_on(self):
        for number in range(10, 20):
            assert not any(self.ask(running(learning(0.99, until=epoch), number=number))
                           for epoch in range(1, EPOCHS + 1))

    def test_what_is_hopeless_is_stopped_in_the_end(self):
        stopped = [any(self.ask(running(HOPELESS[:epoch], number=number))
                       for epoch in range(1, EPOCHS)) for number in range(10, 18)]
        assert any(stopped) == self.stops

    def test_holes_in_curves_and_numbers_and_useless_trials_are_no_trouble(self):
        odd = [whole(2, 0.8), whole(5, 0.75, curve=((1, 0.2), (3, math.nan), (4, 0.75))),
               whole(9, 0.7, state="pruned", curve=learning(0.7, until=3)),
               whole(11, 0.9, state="failed", value=None),
               whole(12, 0.9, state="diverged", value=None, curve=()), whole(30, 0.8, curve=())]
        for epoch in (1, 5, 9):
            self.ask(running([(1, math.nan), *HOPELESS[1:epoch]], number=15), odd)
