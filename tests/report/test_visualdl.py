"""What VisualDL itself makes of the files: its reader, and its real server on loopback."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest

from paddle_transfer.executors.base import EpochReport
from paddle_transfer.report.visualdl import VisualDL
from tests.helpers.browser import open_browser
from tests.helpers.records import ranker_of, record, shown_settings

RECORDS = [
    record(0, 0.01, value=0.7),
    record(1, 0.001, True, value=0.8),
    record(2, 0.1, state="diverged")
]


FIRST, SECOND, THIRD = "0000 lr=0.01", "0001 lr=0.001 mixup", "0002 lr=0.1"


def play(tracker, entry, records):
    tracker.trial_started(entry, "cpu:0")
    for epoch, value in entry.curve:
        tracker.epoch_reported(
            entry, EpochReport(entry.number, 1, epoch, value,
                               {"train/loss": 1 / epoch, "lr": 0.1}, images=entry.images))
    tracker.trial_ended(entry, records)


def track(root, records=RECORDS, *, before=(), kind=VisualDL):
    settings = shown_settings(root)
    tracker = kind(settings, ranker=ranker_of(settings))
    tracker.search_started(list(before))
    done = list(before)
    for entry in records:
        done.append(entry)
        play(tracker, entry, list(done))
    tracker.search_ended(done, "done")
    return root / kind.folder


def read(directory, component, tag):
    """What VisualDL's own reader gives."""
    from visualdl import LogReader

    (name,) = [name for name in os.listdir(directory) if "vdlrecords" in name]
    return LogReader(file_path=str(directory / name)).get_data(component, tag)


def scalars(directory, tag):
    """(step, value)"""
    return [(item.id, round(item.value, 5)) for item in read(directory, "scalar", tag)]


def test_scalars_per_epoch_and_the_best_as_the_last_value(tmp_path):
    vdl = track(tmp_path)
    assert scalars(vdl / FIRST, "eval/top1") == [(1, 0.35), (2, 0.7), (3, 0.69)]
    assert scalars(vdl / FIRST, "best/top1") == [(1, 0.35), (2, 0.7), (3, 0.7)]
    assert scalars(vdl / FIRST, "train/loss") == [(1, 1.0), (2, 0.5), (3, 0.33333)]


def test_the_search_has_a_run_of_its_own(tmp_path):
    vdl = track(tmp_path)
    assert scalars(vdl / "search", "search/best_top1") == [(1, 0.7), (2, 0.8), (3, 0.8)]
    assert scalars(vdl / "search", "search/trials_done") == [(1, 1), (2, 2), (3, 3)]
    assert scalars(vdl / "search", "search/top1") == [(1, 0.7), (2, 0.8)]


def test_the_reason_of_the_end_is_a_text(tmp_path):
    from visualdl import LogReader

    vdl = track(tmp_path)
    reader = LogReader(file_path=str(next((vdl / "search").glob("*vdlrecords*"))))
    assert [(item.id, item.text.encoded_text_string)
            for item in reader.get_data("text", "search/ended")] == [(3, "done")]


def test_going_on_keeps_finished_runs_and_writes_half_written_ones_again(tmp_path):
    vdl = track(tmp_path, RECORDS[:2])
    before = {path: path.read_bytes() for path in (vdl / FIRST).iterdir()}
    (vdl / SECOND /
     ".complete").unlink()  # as a kill between the last epoch and the end leaves it
    for path in (vdl / SECOND).glob("*vdlrecords*"):
        path.write_bytes(path.read_bytes()[:-7])
    track(tmp_path, RECORDS[2:], before=RECORDS[:2])
    assert {path: path.read_bytes() for path in (vdl / FIRST).iterdir()} == before
    assert scalars(vdl / SECOND, "best/top1") == [(1, 0.4), (2, 0.8), (3, 0.8)]
    assert scalars(vdl / "search", "search/trials_done") == [(1, 1), (2, 2), (3, 3)]


def test_a_trial_that_is_run_again_starts_its_curve_anew(tmp_path):
    settings, entry = shown_settings(tmp_path), RECORDS[0]
    tracker = VisualDL(settings, ranker=ranker_of(settings))
    tracker.search_started([])
    tracker.trial_started(entry, "cpu:0")
    tracker.epoch_reported(entry, EpochReport(0, 1, 1, 0.99))
    play(tracker, entry, [entry])
    tracker.search_ended([entry], "done")
    assert scalars(tmp_path / "vdl" / FIRST, "eval/top1") == [(1, 0.35), (2, 0.7), (3, 0.69)]


TOLD = {"best": {"point": {"lr": 0.001, "mixup": True}, "test": 0.75, "images": 7,
                 "epoch": 20},
        "fixed": {"point": {"lr": 0.01, "mixup": False}, "test": 0.0, "epoch": 20}}


def finish(root, *, trained=("best", "fixed"), told=TOLD, kind=VisualDL):
    settings = shown_settings(root)
    tracker = kind(settings, ranker=ranker_of(settings))
    tracker.final_started(trained)
    for number, name in enumerate(trained):
        tracker.final_training_started(name, TOLD[name]["point"])
        scalars = {"train/loss": 0.5, "eval/top1": TOLD[name]["test"], "eval/top5": 1.0, "lr": 0.0}
        tracker.final_epoch_reported(
            name, EpochReport(number, 1, 20, TOLD[name]["test"], scalars, images=7))
    tracker.final_ended(told)


def test_the_final_trainings_are_runs_and_their_test_metrics_one(tmp_path):
    vdl = track(tmp_path)
    finish(tmp_path)
    assert scalars(vdl / "final", "final/best_top1") == [(20, 0.75)]
    assert scalars(vdl / "final", "final/fixed_top1") == [(20, 0.0)]
    assert [item.text.encoded_text_string for item in read(vdl / "final", "text", "final")] == [
        'best: test top1 0.7500 on 7 images, {"lr": 0.001, "mixup": true}\n'
        'fixed: test top1 0.0000, {"lr": 0.01, "mixup": false}'
    ]
    assert scalars(vdl / "final_best", "test/top1") == [(20, 0.75)]
    assert scalars(vdl / "final_fixed", "test/top1") == [(20, 0.0)]
    assert scalars(vdl / "final_best", "train/loss") == [(20, 0.5)], "beside the trials' own"


def test_going_on_keeps_the_final_runs_and_writes_what_is_missing(tmp_path):
    finish(tmp_path)
    vdl = tmp_path / "vdl"
    before = {path: path.read_bytes() for path in (vdl / "final_best").iterdir()}
    (vdl / "final_fixed" / ".complete").unlink()
    finish(tmp_path, trained=())
    assert {path: path.read_bytes() for path in (vdl / "final_best").iterdir()} == before
    assert scalars(vdl / "final_fixed", "test/top1") == [(20, 0.0)]


def test_the_steps_of_a_soup_are_a_run(tmp_path):
    settings = shown_settings(tmp_path)
    tracker = VisualDL(settings, ranker=ranker_of(settings))
    tracker.soup_ended(None)
    assert not (tmp_path / "vdl").exists()
    steps = [{"trial": 3, "value": 0.5}, {"trial": 1, "value": None}, {"trial": 2, "value": 0.75}]
    told = {"accepted": True, "metric": "top1", "trials": [3, 2], "value": 0.75, "images": 8,
            "single": {"trial": 3, "value": 0.5}, "statistics": 35, "steps": steps,
            "test": {"single": 0.5, "soup": 0.625, "images": 8}}
    tracker.soup_ended(told)
    assert scalars(tmp_path / "vdl" / "soup", "soup/top1") == [(1, 0.5), (3, 0.75)]
    item, = read(tmp_path / "vdl" / "soup", "text", "soup")
    assert item.text.encoded_text_string == (
        "best_model.pdparams is the mean of the weights of trials 3, 2 (a greedy soup): top1 0.7500"
        " on 8 images, the best single one (trial 3) 0.5000.\n"
        "These images chose its members, so that figure is a little too good.\n"
        "The statistics of 35 BatchNorm layers were taken anew.\n"
        "On the test list, which chose nothing: soup 0.6250, trial 3 0.5000 on 8 images.")


def test_final_trainings_that_fail_or_are_one(tmp_path):
    finish(tmp_path, trained=("best",), told=None)
    assert {path.name for path in (tmp_path / "vdl").iterdir()} == {"final_best"}
    finish(tmp_path, trained=("best",), told={"best": TOLD["best"], "fixed": TOLD["best"]})
    assert {path.name for path in (tmp_path / "vdl").iterdir()} == {"final", "final_best"}
    assert scalars(tmp_path / "vdl" / "final", "final/fixed_top1") == [(20, 0.75)]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a real VisualDL server on a free loopback port."""
    root = tmp_path_factory.mktemp("search")
    vdl = track(root)
    finish(root)
    script = "import sys; from visualdl.server.app import main; main()"
    command = [
        sys.executable, "-c", script, "--logdir",
        str(vdl), "--host", "127.0.0.1", "--port", "0"
    ]
    import socket
    with socket.socket(
    ) as probe:  # a port that is free now; the server has no way to say which one it took
        probe.bind(("127.0.0.1", 0))
        command[command.index("0")] = str(probe.getsockname()[1])
    port = command[command.index("--port") + 1]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "NO_PROXY": "127.0.0.1"})
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if re.search(r"Running on|Running VisualDL", line):
                break
        else:
            pytest.fail("VisualDL did not start:\n" + "".join(lines))
        yield f"http://127.0.0.1:{port}/app"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def server(address):
    """Its API."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return lambda path: opener.open(f"{address}/api/{path}", timeout=60).read().decode()


def test_a_browser_shows_the_names_and_curves_of_the_runs(address):
    with open_browser() as browser:
        page, told = browser.new_page(), list[str]()
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto(f"{address}/hyper-parameter")
        for name in (FIRST, SECOND, THIRD):
            page.get_by_text(name).first.wait_for()
        page.goto(f"{address}/scalar")
        page.get_by_text(SECOND).first.wait_for()
        page.locator("canvas").first.wait_for()
        assert told == []


def test_the_servers_pages_show_every_trial_with_its_best_metric(server):
    table = list(csv.DictReader(io.StringIO(server("hparams/data?type=csv"))))
    shown = {os.path.basename(row["Trial ID"]): row for row in table}
    assert set(shown) == {FIRST, SECOND, THIRD}
    assert float(shown[FIRST]["best/top1"]) == pytest.approx(0.7)  # not 0.69, its last epoch
    assert float(shown[SECOND]["best/top1"]) == pytest.approx(0.8)
    assert float(shown[SECOND]["lr"]) == pytest.approx(0.001)
    assert {float(row["images"]) for row in shown.values() if row["best/top1"]} == {9}
    assert shown[SECOND]["mixup"] == "True"
    assert float(shown[THIRD]["lr"]) == pytest.approx(0.1)
    tags = json.loads(server("scalar/tags"))["data"]
    by_run = dict(zip((os.path.basename(run) for run in tags["runs"]), tags["tags"],
                      strict=True))
    assert set(by_run) == {
        FIRST, SECOND, "search", "final", "final_best", "final_fixed"
    }
    assert set(by_run["final_best"]) == {"test/top1", "test/top5", "test/images", "train/loss",
                                      "lr"}
    assert {"eval/top1", "best/top1", "train/loss", "lr"} == set(by_run[SECOND])
