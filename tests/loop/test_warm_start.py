"""Earlier searches and recorded tables as what a search begins with."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from benchmarks.recorded import save_table
from benchmarks.synthetic import synthetic_table
from paddle_transfer.api import make_sampler_and_ranker, run_search
from paddle_transfer.errors import ConfigError
from paddle_transfer.loop import warm_start
from paddle_transfer.report import forecast
from paddle_transfer.report.preview import preview
from paddle_transfer.samplers.gp.past_tasks import shipped
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.store import JOURNAL_NAME
from tests.helpers.configs import write_search
from tests.helpers.settings import change
from tests.helpers.tiny_search import RUNNER, tiny_settings


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """The output_dir of a finished search over lr and b."""
    folder = tmp_path_factory.mktemp("earlier")
    run_search(tiny_settings(folder / "out", values={"lr": [0.1, 0.3, 0.5], "b": [1, 2]}),
               runner=RUNNER, callbacks=[])
    return folder / "out"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "synthetic.csv.gz"
    save_table(synthetic_table(0, epochs=2, seeds=1), str(path))
    return path


def settings(out, *warm_start, **changes):
    return tiny_settings(out, **{"values": {"lr": [0.1, 0.3, 0.5], "c": [True, False]},
                                 "search_mode": "bayes", "max_iter": 4,
                                 "warm_start": tuple(map(str, warm_start)), **changes})


def load_tasks(made):
    return warm_start.load_tasks(made.warm_start, file=made.file, space=made.space,
                                 output_dir=made.output_dir)


def issues(made):
    with pytest.raises(ConfigError) as caught:
        load_tasks(made)
    assert caught.value.file == "tiny_search.yaml"
    return [str(mistake) for mistake in caught.value.issues]


def test_a_finished_search_is_a_task(tmp_path, earlier):
    before = (earlier / JOURNAL_NAME).read_bytes()
    (task,) = load_tasks(settings(tmp_path, earlier))
    assert task.name == str(earlier)
    assert len(task.points) == 6
    assert set(task.points[0]) == {"lr", "b"}
    assert list(task.values) == sorted(task.values, reverse=True)
    assert (earlier / JOURNAL_NAME).read_bytes() == before, "it is only read"


def test_one_that_is_at_work_too(tmp_path, earlier):
    """Its journal ends in the middle of a line, which stays as it is."""
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "search.yaml").write_bytes((earlier / "search.yaml").read_bytes())
    lines = (earlier / JOURNAL_NAME).read_bytes().splitlines(keepends=True)
    torn = b"".join(lines[:-8]) + lines[-8][:9]
    (copy / JOURNAL_NAME).write_bytes(torn)
    (task,) = load_tasks(settings(tmp_path, copy))
    assert 2 <= len(task.points) <= 6
    assert (copy / JOURNAL_NAME).read_bytes() == torn


def test_a_search_with_a_storage_of_its_own(tmp_path):
    made = tiny_settings(tmp_path / "out", values={"lr": [0.1, 0.3]}, storage=f"sqlite:///{tmp_path}/study.db")
    run_search(made, runner=RUNNER, callbacks=[])
    assert len(load_tasks(settings(tmp_path, tmp_path / "out"))[0].points) == 2


def test_a_table_is_a_task(tmp_path, table):
    (task,) = load_tasks(settings(tmp_path, table))
    assert task.name == "synthetic"
    assert len(task.points) == 28


def test_each_that_is_of_no_use_is_named(tmp_path, earlier, table):
    empty, text = tmp_path / "empty", tmp_path / "bad.csv.gz"
    empty.mkdir()
    with gzip.open(text, "wt") as file:
        file.write("lr,top1\n0.1,0.5\n")
    found = issues(settings(earlier, table, empty, text, earlier))
    assert [one.partition(": ")[0]
            for one in found] == ["warm_start.1", "warm_start.2", "warm_start.3"]
    assert found[0].startswith("warm_start.1: must be readable; found ")
    assert "no search has been here" in found[0]
    assert "a table has the columns" in found[1]
    assert found[2] == (
        f"warm_start.3: must be another search; found {str(earlier)!r}, the output_dir of this "
        "one. Take it out: its trials count anyway.")


def test_nothing_in_common(tmp_path, earlier, table):
    made = settings(tmp_path, earlier, table, values={"x": [1, 2]})
    assert issues(made)[0] == (
        f"warm_start.0: must share a search_key with this search; found lr, b in "
        f"{str(earlier)!r}. This one searches x.")
    assert issues(made)[1].startswith("warm_start.1: must share a search_key")
    (one,) = issues(settings(tmp_path, earlier, values={"b": [7, 8]}))
    assert one.startswith(
        "warm_start.0: must have at least two points whose values mean something here")


def test_no_finished_trial(tmp_path):
    made = tiny_settings(tmp_path / "out", values={"lr": [0.1, 0.3]}, tiny={"misbehave": "diverge"})
    with pytest.raises(Exception, match="all 2 trials failed"):
        run_search(made, runner=RUNNER, callbacks=[])
    (one,) = issues(settings(tmp_path / "new", tmp_path / "out"))
    assert one == (
        f"warm_start.0: must have a finished trial; found none in {str(tmp_path / 'out')!r}. Take "
        "it out, or let it run first.")


def test_a_greedy_search_is_refused(tmp_path, earlier):
    copy = tmp_path / "greedy"
    copy.mkdir()
    (copy / "search.yaml").write_text((earlier / "search.yaml").read_text().replace(
        "grid", "greedy"))
    assert issues(settings(tmp_path,
                           copy))[0].startswith("warm_start.0: must not be a greedy search")


def test_a_mistake_comes_before_anything_is_written(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"warm_start\.0"):
        run_search(settings(tmp_path / "out", tmp_path / "empty"), runner=RUNNER)
    assert not (tmp_path / "out").exists()


def test_sampler_and_judge_know_the_tasks_and_the_size_of_the_list(tmp_path, table):
    made = settings(tmp_path, table, values={"lr": [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]},
                    prior="none")
    (tmp_path / "val.txt").write_text("a.png 0\n\nb.png 1\n")
    loader = {"Eval": {"dataset": {"cls_label_path": str(tmp_path / "val.txt")}}}
    made = change(made, base_config={**made.base_config, "DataLoader": loader})
    sampler, ranker = make_sampler_and_ranker(made)
    assert ranker._posterior == sampler.posterior
    assert [task.name for task in sampler.tasks] == ["synthetic"]
    assert sampler.context.eval_size == 2
    sampler, ranker = make_sampler_and_ranker(change(made, prior="shipped"))
    assert ranker._posterior == sampler.posterior
    assert [task.name for task in sampler.tasks] == [
        "synthetic", *(task.name for task in shipped())]


def test_a_warm_search_runs(tmp_path, earlier):
    assert run_search(settings(tmp_path / "out", earlier), runner=RUNNER, callbacks=[]) == 0


def test_a_dry_run_tells_and_checks(tmp_path, table):
    path = write_search(tmp_path, search_mode="bayes", warm_start=[str(table)])
    assert f"Learns from  {table} (28 points)" in preview(load_search_file(path))
    with pytest.raises(ConfigError, match=r"warm_start\.0: must be readable"):
        preview(load_search_file(path, [f"warm_start=[{tmp_path}]"]))


def test_other_numbers_of_images_are_told(tmp_path, earlier, monkeypatch):
    made = settings(tmp_path, earlier)
    task, = load_tasks(made)
    for images, here, said in [(6, 6, "6 points, measured on 6 images)"), (None, 30, "6 points)"),
                               (1, 30, "6 points, measured on 1 image; here it is 30)")]:
        monkeypatch.setattr(forecast, "past_tasks", lambda _, images=images: (
            replace(task, images=images),))
        line, = forecast.task_lines(change(made, eval_size=here))
        assert line == f"{earlier} ({said}"
