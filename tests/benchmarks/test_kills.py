"""The rules of killed searches can be broken; real kills are in tests/loop/test_kills.py and
tests/executors/test_ray.py."""

from __future__ import annotations

import pytest

from benchmarks.kill_rules import Search, _saved


@pytest.mark.parametrize(("attempts", "count"), [
    ((["[Train][Epoch 1/4][Avg]x", "checkpoint after epoch 1"],
      ["goes on after epoch 1", "[Train][Epoch 2/4][Avg]"]), 0),
    ((["[Train][Epoch 1/4][Avg]x"], ["[Train][Epoch 1/4][Avg]"]), 0),  # it was not saved
    ((["[Train][Epoch 2/4][Avg]", "checkpoint after epoch 2"], ["[Train][Epoch 2/4][Avg]"]), 1)])
def test_an_epoch_that_is_trained_again_after_it_was_saved(tmp_path, attempts, count):
    folder = tmp_path / "trials" / "0003"
    folder.mkdir(parents=True)
    for name, lines in zip(("train.log.1", "train.log"), attempts, strict=True):
        (folder / name).write_text("\n".join(["[Train][Epoch 4/4][Iter: 0/2]", *lines]))
    assert len(list(_saved(Search(tmp_path / "search.yaml", tmp_path)))) == count
