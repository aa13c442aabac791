"""Linear algebra has one thread while the model computes, and as many as before afterwards."""

from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

from paddle_transfer.samplers.gp import termination
from paddle_transfer.samplers.gp.threads import one_thread
from tests.helpers.sampler_suite import BASELINE, PUBLISHED, observe


def threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_one_thread_inside_and_those_of_before_after_it():
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        with one_thread():
            assert threads() == {1}
        assert threads() == before


def test_a_model_is_computed_so(monkeypatch):
    seen = []
    model_of = termination.model_of

    def watched(*given, **options):
        seen.append(threads())
        return model_of(*given, **options)

    monkeypatch.setattr(termination, "model_of", watched)
    with threadpool_limits(limits=2, user_api="blas"):
        termination.posterior_summary(PUBLISHED, observe([dict(BASELINE)]))
    assert seen == [{1}]
