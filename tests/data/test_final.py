import copy

import pytest

from paddle_transfer.data.base import DataError
from paddle_transfer.data.checker import check_config
from paddle_transfer.data.final import final_config, has_test
from paddle_transfer.testing.configs import base_config
from paddle_transfer.testing.datasets import picture


@pytest.fixture
def config(tmp_path):
    """Three lists with a root and a delimiter of their own."""
    made = base_config(tmp_path)
    made["DataLoader"]["Test"] = copy.deepcopy(made["DataLoader"]["Eval"])
    for number, (section, delimiter) in enumerate((("Train", " "), ("Eval", "\t"), ("Test", ","))):
        root = tmp_path / f"root of {section}"
        root.mkdir()
        lines = []
        for label in range(5):
            name = f"{label}.jpg"
            (root / name).write_bytes(picture(5 * number + label))
            lines.append(f"{name}{delimiter}{label}\n")
        (tmp_path / f"{section}.txt").write_text("".join(lines))
        made["DataLoader"][section]["dataset"].update(
            image_root=str(root), cls_label_path=str(tmp_path / f"{section}.txt"), delimiter=delimiter)
    return made


def test_trains_on_both_and_evaluates_on_test_once(config, tmp_path):
    before = copy.deepcopy(config)
    final = final_config(config, tmp_path)
    assert config == before and has_test(config) and not has_test(final)
    assert final["DataLoader"]["Eval"] == config["DataLoader"]["Test"]
    report = check_config(final, processes=1, cache_folder=tmp_path / "cache")
    assert report.findings == [] and report.counts["train"]["images"] == 10 and report.counts["val"]["images"] == 5


def test_without_a_test_list_it_says_so(config, tmp_path):
    del config["DataLoader"]["Test"]
    with pytest.raises(DataError, match="there is no list for test"):
        final_config(config, tmp_path)
