"""What TensorBoard's own reader makes of the event files."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

from paddle_transfer import api
from paddle_transfer.cli.main import main
from paddle_transfer.errors import ConfigError, SetupError, StudyError
from paddle_transfer.loop.lock import DirectoryLock
from paddle_transfer.registry import Component
from paddle_transfer.report import registry
from paddle_transfer.report.registry import check_reports
from paddle_transfer.report.run_export import write_runs
from paddle_transfer.report.tensorboard import TensorBoard
from tests.helpers.records import shown_settings
from tests.helpers.settings import change
from tests.helpers.tiny_search import RUNNER, tiny_settings
from tests.report.test_visualdl import FIRST, SECOND, finish, track


def events(folder):
    made = EventAccumulator(str(folder))
    made.Reload()
    return made


def scalars(folder, tag):
    """(step, value)"""
    return [(one.step, round(one.value, 5)) for one in events(folder).Scalars(tag)]


def hparams(folder):
    content = events(folder).SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = parse_session_start_info_plugin_data(content).hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


def test_the_tags_and_hyperparameters_are_those_of_visualdl(tmp_path):
    root = track(tmp_path, kind=TensorBoard)
    assert root.name == "tensorboard"
    assert scalars(root / FIRST, "best/top1") == [(1, 0.35), (2, 0.7), (3, 0.7)]
    assert scalars(root / SECOND, "train/loss") == [(1, 1.0), (2, 0.5), (3, 0.33333)]
    assert scalars(root / "search", "search/best_top1") == [(1, 0.7), (2, 0.8), (3, 0.8)]
    assert hparams(root / SECOND) == {"lr": 0.001, "mixup": "True", "images": 9.0}


def test_final_trainings_are_runs_too(tmp_path):
    finish(tmp_path, kind=TensorBoard)
    root = tmp_path / "tensorboard"
    assert scalars(root / "final_best", "test/top1") == [(20, 0.75)]
    (text,) = events(root / "final").Tensors("final/text_summary")
    assert text.tensor_proto.string_val[0].startswith(b"best: test top1 0.7500 on 7 images")


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """The output_dir of a finished search that knew neither of the two."""
    settings = change(tiny_settings(tmp_path_factory.mktemp("search"), values={"a": [0.5, 1.0]}),
                      reports=())
    assert api.run_search(settings, runner=RUNNER) == 0
    return settings.output.output_dir


def test_the_runs_of_a_search_that_has_been(search, capsys):
    assert main(["report", search, "--format", "tensorboard"]) == 0
    assert capsys.readouterr().out == f"tensorboard --logdir {search}/tensorboard\n"
    root = write_runs(search, "tensorboard")  # again, over what is there
    assert {one.name for one in root.iterdir()} == {"0000 a=0.5", "0001 a=1", "search"}
    assert [step for step, _ in scalars(root / "0000 a=0.5", "eval/top1")] == [1, 2, 3]
    assert scalars(root / "search", "search/trials_done") == [(1, 1.0), (2, 2.0)]


def test_not_beside_a_running_search(search, monkeypatch):
    monkeypatch.setattr("paddle_transfer.loop.lock._PATIENCE", 0.0)
    with DirectoryLock(search), pytest.raises(StudyError, match="another search is at work"):
        write_runs(search, "visualdl")


def test_where_there_is_no_search_nothing_is_written(tmp_path):
    with pytest.raises(StudyError, match="no search has been here"):
        write_runs(tmp_path, "visualdl")
    assert list(tmp_path.iterdir()) == []


def test_options_of_the_page_alone_are_refused(search, capsys):
    assert main(["report", search, "--format", "visualdl", "--lang", "zh"]) != 0
    assert "--lang: only the format html has it" in capsys.readouterr().err


def test_a_missing_package_is_told_before_the_search(tmp_path, search, monkeypatch):
    monkeypatch.setitem(registry.EXTRAS, "tensorboard", "tensorboard_missing")
    settings = change(shown_settings(tmp_path), reports=(Component("tensorboard"),))
    with pytest.raises(ConfigError) as caught:
        check_reports(settings)
    told = "needs tensorboard_missing, which is not installed"
    assert f"reports.0: {told}; found 'tensorboard'. pip install" in str(caught.value)
    with pytest.raises(SetupError, match=told):
        write_runs(search, "tensorboard")
