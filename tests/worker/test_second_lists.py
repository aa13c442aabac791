"""What is read of a list beside the one that is trained on."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PIL import Image

from paddle_transfer.worker.bootstrap import load_ppcls
from paddle_transfer.worker.locate import locate
from tests.helpers.configs import base_config


def test_a_whole_list_comes_once_in_one_mixed_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                  ) -> None:
    """A list sorted by class must not give batches of one class: ``adabn`` averages theirs."""
    load_ppcls(locate(None))
    from ppcls.utils import logger

    from paddle_transfer.worker.second_lists import whole_list
    monkeypatch.setattr(logger, "_logger", logging.getLogger("test"))
    for value in range(20):
        Image.new("L", (32, 32), 10 * value).save(tmp_path / f"{value:02d}.png")
    (tmp_path / "list.txt").write_text("".join(f"{value:02d}.png\n" for value in range(20)))
    config = base_config(tmp_path)
    config["DataLoader"]["Unlabeled"] = {"dataset": {
        **config["DataLoader"]["Train"]["dataset"], "cls_label_path": str(tmp_path / "list.txt")}}

    def shades() -> list[list[int]]:
        return [[round(float(image.mean()) * 12.75 + 12.75) for image in batch[0]]
                for batch in whole_list(config, "Unlabeled")]
    found = shades()
    assert sorted(shade for batch in found for shade in batch) == list(range(20))
    assert all(max(batch) - min(batch) > 7 for batch in found[:2]), "in order: 7"
    assert found == shades()
    assert config["DataLoader"]["Eval"]["sampler"]["shuffle"] is False
