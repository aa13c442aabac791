"""Images without a prediction: each is named, each cause told once."""

import json
from types import SimpleNamespace

from paddle_transfer.cli.infer import infer
from paddle_transfer.errors import TrialError

CONFIG = {"Infer": {"infer_imgs": "no folder"}}


def test_equal_causes_are_told_once(capsys):
    found = [([name], TrialError(f"{name} {why}")) for name, why in (
        ("a.jpg", "is no image"), ("b.jpg", "is no image"), ("c.jpg", "is empty"))]
    engine = SimpleNamespace(config=CONFIG, predictions=lambda: iter(
        [*found, (["d.jpg"], [{"class_ids": [1]}])]))
    assert infer(engine) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == ["error: a.jpg is no image", "error: b.jpg: as a.jpg",
                                      "error: c.jpg is empty", "3 of 4 images have no prediction"]
    assert json.loads(shown.out) == {"file_name": "d.jpg", "class_ids": [1]}


def test_without_any_prediction_it_fails(capsys):
    engine = SimpleNamespace(config=CONFIG, predictions=lambda: iter(
        [(["a.jpg"], TrialError("a.jpg is empty"))]))
    assert infer(engine) == 1
    assert "1 of 1 images have no prediction" in capsys.readouterr().err
