from __future__ import annotations

import types

import pytest

from benchmarks import passes, ratio
from benchmarks.ratio import Seconds
from paddle_transfer.errors import PaddleTransferError


def test_passes_count_the_outermost_calls_once(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(passes.time, "perf_counter", lambda: now[0])

    class Layer:
        def call(self, depth):
            now[0] += 1
            return self.call(depth - 1) if depth else "done"

    module, watch = types.SimpleNamespace(backward=lambda: Layer().call(2)), passes.Watch()
    watch.watch(Layer, "call", "forward")
    watch.watch(module, "backward", "backward")
    assert Layer().call(3) == "done"
    assert module.backward() == "done"
    assert watch.seconds == {"forward": 4.0, "backward": 3.0}


def test_the_ratio_is_that_of_rounds():
    searches = [Seconds(8, 4), Seconds(20, 4), Seconds(6, 4)]
    bares = [Seconds(10, 8), Seconds(40, 5), Seconds(10, 8)]
    assert ratio._medians(searches, bares, "wall", 2) == (4, 5, 0.6)
    assert ratio._medians(searches, bares, "cpu", 2) == (2, 4, 0.5)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(PaddleTransferError, match=r"--paddleclas .*: has no tools/train\.py"):
        ratio.main(["--paddleclas", str(tmp_path)])


def test_a_run_that_fails_is_told_with_its_last_lines(tmp_path):
    case = ratio.Case("x", tmp_path, {}, trials=1, checkout=tmp_path)
    with pytest.raises(PaddleTransferError, match=r"(?s)ended with 2.*can't open file"):
        case.bare(tmp_path / "config.yaml")
