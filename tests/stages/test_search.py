"""Whole greedy searches with real worker processes and tiny trainings: kept, gone on with, and
failing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from paddle_transfer.api import run_search
from paddle_transfer.errors import SearchFailed, StudyError
from paddle_transfer.result import load_search
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space
from paddle_transfer.stages.distillation import DistilledSearch
from paddle_transfer.stages.plan import Distillation, make_plan
from paddle_transfer.study.records import Proposal
from paddle_transfer.study.store import open_store
from tests.helpers.settings import change
from tests.helpers.tiny_runner import AUDIT
from tests.helpers.tiny_search import RUNNER, tiny_settings

TEACHERS = ("A", "B")


@pytest.fixture
def begun(tmp_path, monkeypatch):
    monkeypatch.setenv(AUDIT, str(tmp_path / "audit"))
    return lambda: sum(
        line.startswith("began") for line in (tmp_path / "audit").read_text().splitlines())


def settings_of(out, *, tiny_final=None, **changes):
    """A search of Tiny.x.a and Tiny.x.b with two teachers; ``tiny_final`` is the section Tiny of
    the final run."""
    settings = tiny_settings(out, search_mode="greedy", workers=2, **changes)
    base = {**settings.base_config, "Arch": {"name": "S"}}
    final = {"Global": {"epochs": 1}, "Arch": {"name": "DistillationModel", "models": [
        {"Teacher": {"name": "T"}}, {"Student": {"name": "S"}}]},
        "Tiny": {"x": {"a": 9}, "student": {}, **(tiny_final or {})}}
    distillation = Distillation("final.yaml", final, "skl-ugi", TEACHERS, ("Tiny.x.b",),
                                {"Tiny.x.b": "Tiny.student.b"})
    plan = make_plan(base, settings.keys, distillation)
    return change(settings, base_config=base, plan=plan, space=plan.space(),
                  distillation=distillation, max_iter=changes.get("max_iter") or plan.suggestions)


def search(settings, *, monkeypatch):
    monkeypatch.setattr(DistilledSearch, "check_weights",
                        lambda *_: None)  # the tiny runner writes none
    return run_search(settings, runner=RUNNER)


def records_of(settings):
    return open_store(output_dir=settings.output_dir, space=settings.space).records()


def config_of(settings, number):
    return yaml.safe_load(
        (Path(settings.output_dir) / "trials" / f"{number:04d}" / "config.yaml").read_text())


@pytest.mark.usefixtures("begun")
def test_all_stages_and_what_they_leave(tmp_path, monkeypatch):
    settings = settings_of(tmp_path / "out", search_times=2)
    assert search(settings, monkeypatch=monkeypatch) == 0
    records = records_of(settings)
    # a: two values, b: two more than the base config's own, each twice; two teachers and the final
    # run once
    assert [record.stage for record in records] == ["search"] * 8 + ["teacher"] * 2 + ["final"]
    assert [record.seed for record in records] == [0, 1] * 4 + [0, 0, 0]
    teacher, final = config_of(settings, 8), config_of(settings, 10)
    assert teacher["Arch"]["name"] == "A"
    assert teacher["Tiny"]["x"]["b"] == 1, "b was removed: the base config's stays"
    assert final["Arch"]["models"][0]["Teacher"] == {
        "name": "A", "pretrained": str(tmp_path / "out" / "trials" / "0008" / "best_model")}
    best = records[-1].point
    assert final["Tiny"] == {"x": {"a": best["a"]}, "student": {"b": best["b"]}}
    written = yaml.safe_load((tmp_path / "out" / "search.yaml").read_text())
    assert written["teacher"]["search_values"] == ["A", "B"]
    assert written["final_replace"] == {"Tiny.x.b": "Tiny.student.b"}
    with open(tmp_path / "out" / "search_results.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["rank"] for row in rows if row["stage"] == "final"] == ["1"]
    assert {int(row["rank"]) for row in rows if row["stage"] == "teacher"} == {6, 7}
    assert yaml.safe_load(
        (tmp_path / "out" / "best_config.yaml").read_text())["Arch"] == final["Arch"]
    result = load_search(tmp_path / "out")
    assert result.trials == tuple(records)
    assert result.best.best_trial == records[-1]
    assert [row["stage"] for row in result.rows()] == ["final"] + ["search"] * 4


def test_it_goes_on_where_it_stopped(tmp_path, begun, monkeypatch):
    whole = settings_of(tmp_path / "whole")
    search(whole, monkeypatch=monkeypatch)
    trainings = begun()
    for limit in (1, 3, 5, 7):
        assert search(settings_of(tmp_path / "out", max_iter=limit), monkeypatch=monkeypatch) == 0
    parts = settings_of(tmp_path / "out")
    assert begun() == 2 * trainings == 2 * 7
    assert [(r.point, r.value) for r in records_of(parts)] == [(r.point, r.value)
                                                               for r in records_of(whole)]


def test_a_search_of_an_earlier_version_goes_on(tmp_path, begun, monkeypatch):
    """Its points hold the teacher and the stage."""
    part, old = settings_of(tmp_path / "part", max_iter=5), settings_of(tmp_path / "old")
    assert search(part, monkeypatch=monkeypatch) == 0
    keys = (Choice("teacher", ("-", *TEACHERS)), Choice("stage", ("search", "teacher", "final")))
    space = Space((*part.space.hyperparameters, *keys))
    Path(old.output_dir).mkdir()
    store, source = (open_store(output_dir=one.output_dir, space=which)
                     for one, which in ((old, space), (part, part.space)))
    store.set_attribute("identity", source.attributes()["identity"])
    for record in source.records():
        point = part.stages.shown(record.proposal)
        store.create(suggestion=record.suggestion, proposal=Proposal(point), seed=record.seed)
        store.begin(record.number)
        store.finish(record.number, state=record.state, value=record.value, curve=record.curve)
    assert search(old, monkeypatch=monkeypatch) == 0
    assert begun() == 7, "five before, the second teacher and the student"
    assert [record.stage for record in records_of(old)] == [
        "search", "search", "search", "search", "teacher", "teacher", "final"]


@pytest.mark.usefixtures("begun")
def test_a_final_run_that_fails_is_said(tmp_path, monkeypatch):
    settings = settings_of(tmp_path / "out", tiny_final={"misbehave": "invalid"})
    with pytest.raises(SearchFailed) as caught:
        search(settings, monkeypatch=monkeypatch)
    assert str(caught.value).startswith("the final distillation failed. Trial 6: can never work")
    best = yaml.safe_load((tmp_path / "out" / "best_config.yaml").read_text())
    assert best["Arch"] == {"name": "S"}, "the best of the search, and no teacher"


@pytest.mark.usefixtures("begun")
def test_a_teacher_whose_weights_are_gone(tmp_path):
    settings = settings_of(tmp_path / "out")
    with pytest.raises(StudyError) as caught:
        run_search(settings, runner=RUNNER)
    weights = f"{tmp_path}/out/trials/0004/best_model.pdparams"
    assert f"{weights}: the weights of the teacher A must be there" in str(caught.value)


@pytest.mark.usefixtures("begun")
def test_weights_of_the_teachers_stay(tmp_path, monkeypatch):
    settings = settings_of(tmp_path / "out", keep_models=0)
    search(settings, monkeypatch=monkeypatch)
    records = records_of(settings)
    assert settings.stages.needed_weights(records) == {4}
    assert settings.stages.needed_weights(records[:-1]) == {4, 5}
    assert tiny_settings(tmp_path).stages.needed_weights(records) == set()


def test_a_greedy_search_is_not_gone_on_with_as_a_grid(tmp_path, begun):
    out = tmp_path / "out"
    grid = tiny_settings(out)
    plan = make_plan(grid.base_config, grid.keys, None)
    greedy = change(grid, search_mode="greedy", plan=plan, space=plan.space())
    assert run_search(greedy, runner=RUNNER) == 0
    assert begun() == 2 + 2
    with pytest.raises(StudyError) as caught:
        run_search(grid, runner=RUNNER)
    assert "greedy: True -> (absent)" in str(caught.value)
