import pytest

from paddle_transfer.report.runs import LONGEST, run_name
from paddle_transfer.report.visualdl import VisualDL
from tests.helpers.records import ranker_of, record, shown_settings


@pytest.mark.parametrize(("point", "name"), [
    ({"lr": 0.01, "mixup": True}, "0007 lr=0.01 mixup"),
    ({"lr": 0.01, "mixup": False}, "0007 lr=0.01"),
    ({"mixup": False}, "0007"),
    ({"strategy": {"name": "head", "epochs": 3}, "batch": 16}, "0007 strategy=head batch=16"),
    ({"weights": "/a/b c.pdparams", "aug": None}, "0007 weights=a_b_c.pdparams aug=None"),
    ({"学习率": 1e-05}, "0007 学习率=1e-05"),
])
def test_a_run_is_called_by_what_was_trained(point, name):
    assert run_name(7, point) == name


def test_of_many_settings_those_left_out_are_counted():
    name = run_name(7, {f"setting_{i}": i for i in range(9)})
    assert name == "0007 setting_0=0 setting_1=1 setting_2=2 setting_3=3 +5"
    assert len(name) < LONGEST + len(" +5")


def test_runs_of_an_earlier_version_get_their_new_names(tmp_path):
    settings = shown_settings(tmp_path)
    earlier = tmp_path / "vdl" / "trial_0000"
    earlier.mkdir(parents=True)
    (earlier / ".complete").touch()
    (earlier / "vdlrecords.0000000001.log").write_bytes(b"as it was")
    tracker = VisualDL(settings, ranker=ranker_of(settings))
    tracker.search_started([record(0, 0.01, value=0.7)])
    tracker.search_ended([], "done")
    kept = tmp_path / "vdl" / "0000 lr=0.01" / "vdlrecords.0000000001.log"
    assert kept.read_bytes() == b"as it was"
    assert not earlier.exists()
