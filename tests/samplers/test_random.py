"""Random search: the suite, and that draws are independent, uniform and with replacement."""

from __future__ import annotations

from collections import Counter

from paddle_transfer.samplers.registry import make_sampler
from tests.helpers.sampler_suite import PUBLISHED, SINGLE, SMALL, SamplerSuite, observe


class TestRandomSampler(SamplerSuite):
    always_new = False

    def make(self, **options):
        return make_sampler("random", **options)

    def draws(self, space, count, seed=0):
        # Twice the same point, so that the space is never exhausted.
        history = observe([space.point(0)] * count, [0.5] * count)
        return [self.make().suggest(space, history[:i], [], seed=seed) for i in range(count)]

    def test_draws_are_uniform_and_with_replacement(self):
        counts = Counter(SMALL.key(point) for point in self.draws(SMALL, 360))
        assert len(counts) == 18
        # 20 expected each; chi-squared with 17 degrees of freedom stays below 41 in 99.9 %.
        assert sum((count - 20) ** 2 / 20 for count in counts.values()) < 41

    def test_a_draw_depends_on_seed_and_on_how_many_there_were(self):
        one, other = self.draws(PUBLISHED, 20, seed=0), self.draws(PUBLISHED, 20, seed=1)
        assert one != other
        assert len({PUBLISHED.key(point) for point in one}) > 10

    def test_results_do_not_matter(self):
        points = [PUBLISHED.point(i) for i in range(5)]
        answers = [self.make().suggest(PUBLISHED, observe(points, values), [], seed=0)
                   for values in ([0.1] * 5, [0.9, 0.1, 0.5, 0.2, 0.3])]
        assert answers[0] == answers[1]

    def test_with_repeats_there_is_no_end(self):
        everything = list(SMALL.points())
        sampler = make_sampler("random", allow_repeats=True)
        assert SMALL.contains(sampler.suggest(SMALL, observe(everything), [], seed=0))
        assert sampler.suggest(SINGLE, [], [SINGLE.point(0)], seed=0) == SINGLE.point(0)
