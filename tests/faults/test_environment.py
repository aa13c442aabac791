"""The machine and the viewers: a viewer that fails ends no search, a place that is needed is named
before anything is trained, and the first cause is the one that is shown."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import paddle_transfer
from paddle_transfer import api, environment
from paddle_transfer.errors import ConfigError, SearchFailed, StudyError
from paddle_transfer.hardware import SharedMemory
from paddle_transfer.registry import Component
from paddle_transfer.report.base import Report
from paddle_transfer.report.registry import REPORTS, check_reports
from paddle_transfer.worker import bootstrap
from paddle_transfer.worker.locate import locate
from tests.helpers.configs import base_config, write_search
from tests.helpers.settings import change
from tests.helpers.tiny_search import RUNNER, tiny_settings

ROOT = Path(__file__).resolve().parents[2]


def settings(folder, *reports, **changes):
    made = tiny_settings(folder, values={"a": [1, 2]}, workers=1, **changes)
    return change(made, reports=tuple(map(Component, reports))) if reports else made


def child(*arguments, **options):
    """What a Python process of its own prints, with variables of its environment changed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run([sys.executable, *arguments], text=True, check=False, cwd=ROOT,
                          env=environment, **{"capture_output": True, **options})


# -- viewers -------------------------------------------------------------------------------------

def test_a_home_folder_that_cannot_be_written_ends_no_search_and_takes_no_viewer(tmp_path):
    done = child("-m", "tests.helpers.tiny_search", str(tmp_path / "out"), '{"max_iter": 1}',
                 env={"HOME": "/dev/null"})
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "vdl" / "0000 a=0 b=1").is_dir()


def test_trainings_need_no_home_folder_either(monkeypatch):
    """PaddleClas's engine imports Paddle and VisualDL, which write to the home folder by that."""
    homes, home = {}, locate()
    monkeypatch.setenv("HOME", "/dev/null")

    def imported(name):
        homes[name] = os.environ["HOME"]
        return SimpleNamespace(__file__=f"{home.path}/ppcls/engine/engine.py",
                               prepare=lambda: None, install=lambda: None)

    monkeypatch.setattr(bootstrap.importlib, "import_module", imported)
    monkeypatch.setattr(sys, "path", list(sys.path))
    bootstrap.load_ppcls(home)
    assert homes["paddle"] == homes["visualdl"] != "/dev/null"
    assert homes["ppcls.engine.engine"] == "/dev/null"
    assert not Path(homes["paddle"]).exists(), "nothing is left"


def test_a_folder_of_visualdl_that_cannot_be_written_costs_visualdl_only(tmp_path, capsys):
    (tmp_path / "vdl").write_text("no folder")
    assert api.run_search(settings(tmp_path, "visualdl"), runner=RUNNER) == 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith("the report visualdl failed in search_started and is switched off; "
                              "the search goes on: NotADirectoryError: [Errno 20] ")
    assert (tmp_path / "best_config.yaml").exists()


def test_a_full_disk_of_visualdl_costs_visualdl_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("paddle_transfer.report.visualdl.RECORD_FILE", "/dev/full")
    assert api.run_search(settings(tmp_path, "visualdl", max_iter=1), runner=RUNNER) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", (
        "the report visualdl failed in search_started and is switched off; the search goes on: "
        "OSError: [Errno 28] No space left on device\n"))


BROKEN = """
from paddle_transfer.report.base import Report
class Made(Report):
    name = "made"
    def __init__(self, *arguments, **options):
        raise KeyError("a deliberate fault")
class Called(Report):
    name = "called"
    def trial_ended(self, record, records):
        raise PermissionError(13, "Permission denied", "/shut/viewer.db")
"""


@pytest.mark.parametrize(("module", "attribute", "line"), [
    ("import os\nopen('/dev/null/x', 'w')", "Report", "cannot be used and is switched off; the "
     "search goes on: NotADirectoryError: [Errno 20] Not a directory: '/dev/null/x'"),
    ("import a_library_that_is_missing", "Report", "cannot be used and is switched off; the "
     "search goes on: ModuleNotFoundError: No module named 'a_library_that_is_missing'"),
    (BROKEN, "Made", "cannot be used and is switched off; the search goes on: KeyError: "
     "'a deliberate fault' (viewer.py, line 6)"),
    (BROKEN, "Called", "failed in trial_ended and is switched off; the search goes on: "
     "PermissionError: [Errno 13] Permission denied: '/shut/viewer.db'"),
])
def test_a_report_of_somebody_else_that_fails_is_switched_off_in_one_line(
        tmp_path, monkeypatch, capsys, module, attribute, line):
    (tmp_path / "viewer.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "viewer", raising=False)
    name = f"viewer:{attribute}"
    REPORTS.register("shown", name)  # as an entry point of a package does
    made = settings(tmp_path / "out", "shown", name, max_iter=1)
    try:
        check_reports(made)
        assert api.run_search(made, runner=RUNNER) == 0
    finally:
        REPORTS.unregister("shown")
    told = [text for text in capsys.readouterr().err.splitlines() if "switched off" in text]
    assert len(told) == 2
    for text, shown in zip(told, ("shown", name), strict=True):
        shown = "called" if attribute == "Called" else shown
        assert text.startswith(f"the report {shown} {line.partition(' (')[0]}")
    assert (tmp_path / "out" / "search_results.csv").read_text().count("complete") == 1


@pytest.mark.parametrize("name", ["no_such_module:Report", "os:NoSuchReport"])
def test_a_report_that_there_is_not_is_a_mistake_of_the_file(tmp_path, name):
    with pytest.raises(ConfigError, match=f"reports.0: must be a report; found '{name}'"):
        check_reports(settings(tmp_path, name))


def test_a_terminal_that_nobody_reads_ends_no_search():
    """Nor the other viewers: what they print afterwards is dropped."""
    code = ("from paddle_transfer.loop.callbacks import CallbackList\n"
            "class Printer:\n"
            "    def search_started(self, records):\n"
            "        print('shown', flush=True)\n"
            "viewers = CallbackList([Printer(), Printer()])\n"
            "viewers.call('search_started', [])\n"
            "viewers.call('search_started', [])\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = child("-c", code, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ("the callback Printer failed in search_started and is switched off; the "
                           "search goes on: BrokenPipeError: [Errno 32] Broken pipe\n")


def test_result_files_are_no_viewer_their_failure_is_an_error_with_the_file(tmp_path):
    (tmp_path / "search_results.csv").mkdir(parents=True)
    with pytest.raises(StudyError, match=r"search_results\.csv.*: Is a directory\. Nothing that"):
        api.run_search(settings(tmp_path, "terminal"), runner=RUNNER)


class Short(paddle_transfer.SearchCallback):
    def trial_ended(self, record):
        """Takes one argument of two."""


class Misspelt:
    def trial_end(self, record, records):
        """An event that there is not."""


class NoMethod:
    search_ended = "a text"


@pytest.mark.parametrize(("callbacks", "message"), [
    (None, "callbacks: must be a list of callbacks; found nothing"),
    ("terminal", "callbacks: must be a list of callbacks; found 'terminal'"),
    (Short(), "callbacks: must be a list of callbacks; found"),
    ([3], "callbacks.0: must be an object with at least one of the methods of SearchCallback; "
     "found 3 (an integer). They are search_started, "),
    ([None], "callbacks.0: must be an object with at least one of the methods of SearchCallback; "
     "found nothing"),
    ([Misspelt()], "Did you mean 'trial_ended'?"),
    ([paddle_transfer.SearchCallback], "callbacks.0: must be an object, not its class; found "
     "SearchCallback. Write SearchCallback()."),
    ([NoMethod()], "callbacks.0: search_ended must be a method; found 'a text'"),
    ([Short()], "callbacks.0: trial_ended must take the arguments of the event; found "
     "trial_ended(record). Write trial_ended(record, records)."),
])
def test_what_is_no_callback_is_refused_before_anything_is_read(callbacks, message):
    with pytest.raises(ConfigError) as caught:
        paddle_transfer.search("no_such_file.yaml", callbacks=callbacks)
    assert message in str(caught.value)


def test_an_object_with_one_of_the_methods_is_a_callback(tmp_path, monkeypatch):
    class One:
        seen = ()

        def search_ended(self, records, reason):
            self.seen = (len(records), reason)

    one = One()
    monkeypatch.setattr(api, "make_reports", lambda *_: ())
    assert api.run_search(settings(tmp_path), runner=RUNNER, callbacks=[one]) == 0
    assert one.seen == (2, "all 2 points of the space were evaluated")


def test_what_a_report_must_not_be_without_is_only_the_result_files():
    assert [name for name in REPORTS.builtin if REPORTS[name].essential] == ["files"]
    assert not Report.essential


# -- causes --------------------------------------------------------------------------------------

def test_the_first_error_of_a_log_is_the_one_that_is_shown(tmp_path):
    with pytest.raises(SearchFailed) as caught:
        api.run_search(settings(tmp_path, "terminal", tiny={"misbehave": "shared_memory"},
                                max_iter=1), runner=RUNNER)
    told = str(caught.value)
    assert told.startswith(
        "the only trial failed: crashed again after a retry: Unexpected BUS error encountered in "
        "DataLoader worker. This might be caused by insufficient shared memory (shm) (train.log, "
        "line 2); the end: SystemError: (Fatal) Blocking queue is killed (tiny_runner.py, line ")
    assert "\n" not in told


@pytest.mark.parametrize(("how", "line"), [
    ("invalid", "error: Tiny.misbehave: must be harmless"),
    ("diverge", "error: the loss became nan in epoch 2")])
def test_an_expected_end_has_no_traceback_anywhere(tmp_path, capsys, how, line):
    values = {"Tiny.misbehave": [None, how]}
    made = tiny_settings(tmp_path, values=values, workers=1)
    assert api.run_search(made, runner=RUNNER) == 0
    log = (tmp_path / "trials" / "0001" / "train.log").read_text()
    assert log == f"trial 1 begins\n{line}\n"
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err


def test_a_fault_of_code_has_its_traceback_in_the_log_and_its_place_on_the_terminal(
        tmp_path, capsys):
    made = tiny_settings(tmp_path, values={"Tiny.misbehave": [None, "raise"]}, workers=1)
    assert api.run_search(made, runner=RUNNER) == 0
    assert "Traceback" in (tmp_path / "trials" / "0001" / "train.log").read_text()
    shown = capsys.readouterr().out
    assert "Traceback" not in shown
    assert "failed (crashed again after a retry: ValueError: a deliberate crash (tiny_runner.py, " \
        "line " in shown


def test_the_only_trial_is_one_trial(tmp_path):
    with pytest.raises(SearchFailed, match=r"^the only trial failed: can never work: Tiny\."):
        api.run_search(settings(tmp_path, "terminal", tiny={"misbehave": "invalid"}, max_iter=1),
                       runner=RUNNER)


def test_a_search_of_many_stops_when_its_first_trials_fail_alike(tmp_path, capsys):
    """The cause comes once, and the same command begins with these trials when it is mended."""
    made = tiny_settings(tmp_path, values={"a": [1, 2, 3, 4, 5]}, tiny={"misbehave": "raise"},
                         workers=1)
    with pytest.raises(SearchFailed) as caught:
        api.run_search(made, runner=RUNNER)
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith("the search stops, for all 3 trials failed alike: "
                                        "crashed again after a retry: ValueError")
    shown = capsys.readouterr().out
    assert shown.count("a deliberate crash") == 1
    assert "trial   2: failed (as trial 0)" in shown
    failed = paddle_transfer.load_search(tmp_path).trials
    assert [trial.state for trial in failed] == ["failed"] * 3


# -- places --------------------------------------------------------------------------------------

def test_a_container_with_little_shared_memory_is_told_so_before_the_first_trial(
        tmp_path, monkeypatch, capsys):
    base = {**base_config(tmp_path), "Tiny": {"misbehave": None, "x": {"a": 0.0}}}
    base["DataLoader"]["Train"]["loader"] = {"num_workers": 2, "use_shared_memory": True}
    items = [{"search_key": "a", "replace_config": ["Tiny.x.a"], "search_values": [0.0, 0.5]}]
    file = write_search(tmp_path, base=base, search_dict=items)
    small = environment.Machine(shared_memory=lambda: SharedMemory(64 << 10))
    monkeypatch.setattr(environment, "Machine", lambda: small)
    monkeypatch.setattr(api, "PADDLE_RUNNER", RUNNER)
    result = paddle_transfer.search(file, check_data=False, max_iter=1)
    assert result.best_value is not None
    lines = capsys.readouterr().out.splitlines()
    note = "Note: use_shared_memory is False here: the data workers need about "
    assert [line[:6] for line in lines if line.startswith((note, "["))] == ["Note: ", "[  1/1"]


def test_every_trial_is_told_its_share_of_shared_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "shared_memory_share", lambda slots: 600.0 / slots)
    made = change(settings(tmp_path), workers=3)
    folders = api._make_trial_folders(made, None, paddleclas=None, pretrained={})
    assert folders.payload["shared_memory"] == 200.0
