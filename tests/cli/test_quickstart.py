import csv
import json

import pytest

from tools import quickstart_steps as quickstart


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A quickstart whose trainings are done, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quickstart, "CONFIGS", tmp_path)
    (tmp_path / "digits_search.yaml").write_text(
        "output_dir: found\nmetric: top1\nfixed: {lr: 0.003, l2_decay: 1e-4, mixup: False}\n")
    (tmp_path / "found").mkdir()
    with open(tmp_path / "found" / "search_results.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream,
                                ["trial", "state", "top1", "rank", "lr", "l2_decay", "mixup"])
        writer.writeheader()
        for row in ((0, "complete", 0.7, 2, 0.003, 0.0001, False),
                    (1, "complete", 0.8, 1, 0.01, 0.001, True), (2, "diverged", "", "", 0.1, 0.001,
                                                                 True)):
            writer.writerow(dict(zip(writer.fieldnames, row, strict=True)))
    for name, best in (("source", 0.99), ("scratch", 0.5)):
        weights = tmp_path / "output/quickstart" / name / "ResNet18_vd" / "best_model.pdparams"
        weights.parent.mkdir(parents=True)
        weights.write_text(name)
        (weights.parent.parent / quickstart.RESULT).write_text(
            json.dumps({"best": best, "weights": str(weights)}))
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_summary_has_the_three_accuracies():
    lines = quickstart.summary().splitlines()
    assert lines[2].split() == ["from", "scratch", "0.5000"]
    assert lines[3].startswith("  transfer with the fixed point     0.7000   lr 0.003")
    assert lines[4] == ("  transfer with the found point     0.8000   lr 0.01, l2_decay 0.001, "
                        "mixup True (seeds: 1)")


def test_what_is_done_is_not_trained_again(folder):
    assert [command for _, command in quickstart.tasks()] == [None, None]
    (folder / "output/quickstart/scratch" / quickstart.RESULT).unlink()
    (_, source), (what, scratch) = quickstart.tasks()
    assert source is None
    assert what == "training from scratch"
    assert "Global.pretrained_model=null" in scratch


def test_the_sources_weights_are_where_the_target_config_looks(folder):
    quickstart.link_source()
    quickstart.link_source()
    assert (folder / "output/quickstart/source/best_model.pdparams").read_text() == "source"
