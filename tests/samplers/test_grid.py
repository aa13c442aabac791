"""Grid search: the suite, and that it is the product in order."""

from __future__ import annotations

import pytest

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.samplers.registry import make_sampler
from tests.helpers.sampler_suite import BASELINE, MIXED, PUBLISHED, SamplerSuite, observe


class TestGridSampler(SamplerSuite):
    continuous = False

    def make(self, **options):
        return make_sampler("grid", **options)

    def test_it_is_exactly_the_product_in_order(self):
        assert self.walk(PUBLISHED, 500) == list(PUBLISHED.points())

    def test_the_baseline_moves_to_the_front(self):
        points = self.walk(PUBLISHED, 500, baseline=dict(BASELINE))
        rest = [point for point in PUBLISHED.points() if point != BASELINE]
        assert points == [BASELINE, *rest]
        assert len(points) == 196

    def test_an_interrupted_grid_goes_on_with_the_first_point_left(self):
        done = [point for i, point in enumerate(PUBLISHED.points()) if i not in (17, 40)]
        assert self.make().suggest(PUBLISHED, observe(done), [], seed=5) == PUBLISHED.point(17)
        assert self.make().suggest(PUBLISHED, observe(done), [PUBLISHED.point(17)],
                                   seed=5) == PUBLISHED.point(40)

    def test_a_range_without_end_is_refused_by_name(self):
        with pytest.raises(PaddleTransferError, match="lr, dropout is a continuous range"):
            self.make().suggest(MIXED, [], [], seed=0)
