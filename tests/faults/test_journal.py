"""Results without their study, or with a broken one, are not begun over: it is said what to do, and
the study can be rebuilt."""

from __future__ import annotations

import csv
import json
import select
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import paddle_transfer
from paddle_transfer.api import run_search
from paddle_transfer.errors import ConfigError, StudyError
from paddle_transfer.loop.rebuild import lost_records, write_records
from paddle_transfer.loop.trial_folder import TrialFolders
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.leftover import read_leftover
from paddle_transfer.study.records import Stage, TrialRecord, TrialState
from paddle_transfer.study.store import open_store, read_store
from tests.helpers.configs import base_config
from tests.helpers.greedy_files import write_greedy
from tests.helpers.tiny_search import RUNNER, tiny_settings

OPTIONS = {"values": {"a": [0.0, 0.5, 1.0], "b": [1, 2]}, "search_mode": "random", "max_iter": 8,
           "workers": 1, "confirm": 2, "de_duplication": True, "tiny": {"epochs": 2}}
WAYS_OUT = ("Put back a copy", "--rebuild", "--fresh")


def settings(folder, **changes):
    return tiny_settings(folder, **{**OPTIONS, **changes})


def run(folder, **options):
    return run_search(settings(folder), runner=RUNNER, **options)


def records(folder, storage=None):
    made = settings(folder)
    store = read_store(output_dir=folder, space=made.search_space.space, storage=storage)
    try:
        return store.records()
    finally:
        store.close()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "out"
    assert run(folder) == 0
    found = records(folder)
    assert any(record.reused is not None for record in found)
    assert len({record.seed for record in found}) == 2, "confirmed"
    return folder


@pytest.fixture
def out(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


def refusal(folder, **options):
    with pytest.raises(StudyError) as caught:
        run(folder, **options)
    text = str(caught.value)
    for way_out in WAYS_OUT:
        assert way_out in text
    return text


def empty(journal):
    journal.write_bytes(b"")


def delete(journal):
    journal.unlink()


def cut_between_lines(journal):
    lines = journal.read_bytes().splitlines(True)
    journal.write_bytes(b"".join(lines[:len(lines) // 2]))


def cut_within_a_line(journal):
    data = journal.read_bytes()
    journal.write_bytes(data[:data.rindex(b"\n", 0, len(data) * 2 // 3) + 20])


@pytest.mark.parametrize("damage", [empty, delete, cut_between_lines, cut_within_a_line])
def test_results_that_the_study_does_not_know_are_not_begun_over(out, damage):
    results = (out / "search_results.csv").read_bytes()
    damage(out / "study.journal")
    count = len(list(csv.reader(results.decode().splitlines()))) - 1
    text = refusal(out)
    assert f"holds the results of {count} trials" in text
    assert ("knows none of them" in text) == (damage in (empty, delete))
    assert (out / "search_results.csv").read_bytes() == results
    with pytest.raises(StudyError, match="--rebuild"):
        paddle_transfer.load_search(out)


def garbage_in_the_middle(journal):
    data = journal.read_bytes()
    journal.write_bytes(data[:700] + b"\x80\xff\0garbage" + data[700:])


def an_entry_of_no_kind(journal):
    lines = journal.read_bytes().splitlines(True)
    journal.write_bytes(b"".join([*lines[:4], b'{"op_code": 99, "worker_id": "x"}\n', *lines[4:]]))


def an_entry_without_its_parts(journal):
    lines = journal.read_bytes().splitlines(True)
    journal.write_bytes(b"".join([*lines[:4], b'{"op_code": 4}\n', *lines[4:]]))


def deep_brackets(journal):
    lines = journal.read_bytes().splitlines(True)
    journal.write_bytes(b"".join([*lines[:4], b"[" * 100_000 + b"\n", *lines[4:]]))


def a_folder(journal):
    journal.unlink()
    journal.mkdir()


@pytest.mark.parametrize("damage", [garbage_in_the_middle, an_entry_of_no_kind, deep_brackets,
                                    an_entry_without_its_parts, a_folder])
def test_a_broken_journal_is_told_in_words(out, damage):
    damage(out / "study.journal")
    assert "study.journal" in refusal(out)
    with pytest.raises(StudyError, match="--rebuild"):
        paddle_transfer.load_search(out)


def test_blank_lines_in_the_journal_are_skipped(out):
    journal, before = out / "study.journal", records(out)
    lines = journal.read_bytes().splitlines(True)
    journal.write_bytes(b"\n" + b"".join([*lines[:3], b"\n  \n", *lines[3:], b"\n\n"]))
    assert records(out) == before
    assert run(out) == 0
    assert records(out) == before
    assert len(paddle_transfer.load_search(out).trials) == len(before)


@pytest.mark.parametrize("damage", [empty, delete, cut_between_lines, garbage_in_the_middle,
                                    a_folder])
def test_the_study_is_rebuilt_as_it_was(out, damage, capsys):
    before, results = records(out), (out / "search_results.csv").read_bytes()
    attributes = journal_attributes(out)
    damage(out / "study.journal")
    assert run(out, rebuild=True) == 0
    assert records(out) == before
    assert journal_attributes(out) == attributes
    assert (out / "search_results.csv").read_bytes() == results
    told = capsys.readouterr().err
    assert f"Rebuilt the study of {len(before)} trials" in told
    kept = list(out.glob("study.journal.broken-*"))
    assert len(kept) == (damage is not delete)
    assert all(str(path) in told for path in kept)
    assert run(out) == 0
    assert records(out) == before


def journal_attributes(folder):
    store = read_store(output_dir=folder, space=settings(folder).search_space.space)
    try:
        kept = store.attributes()
        return {name: kept[name] for name in ("identity", "inputs")}
    finally:
        store.close()


def test_a_whole_study_is_left_as_it_is(out, capsys):
    journal = (out / "study.journal").read_bytes()
    assert run(out, rebuild=True) == 0
    assert "The study is whole" in capsys.readouterr().err
    assert (out / "study.journal").read_bytes().startswith(journal)
    assert not list(out.glob("study.journal.*"))


def test_a_journal_of_another_search_is_replaced_by_the_rebuilt_one(out, tmp_path):
    before, other = records(out), tmp_path / "other"
    assert run_search(settings(other, seed=7, max_iter=20), runner=RUNNER) == 0
    shutil.copy(other / "study.journal", out / "study.journal")
    with pytest.raises(StudyError, match="seed: 7 -> 0"):
        run(out)
    assert run(out, rebuild=True) == 0
    assert records(out) == before


@pytest.mark.parametrize("source", ["search_results.csv", "config.yaml"])
def test_trials_of_an_earlier_version_are_rebuilt_from_what_they_left(out, source):
    before = records(out)
    delete(out / "study.journal")
    for path in out.glob("trials/*/trial.json"):
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()  # earlier versions had none for a trial that was not trained
    shutil.rmtree(out / "inputs")
    if source == "config.yaml":
        (out / "search_results.csv").unlink()
        before = [one for one in before if one.reused is None]
        for number, old in enumerate(before):
            (out / "trials" / f"{old.number:04d}").rename(out / "trials" / f"new{number:04d}")
        for number in range(len(before)):
            folder = (out / "trials" / f"new{number:04d}").rename(out / "trials" / f"{number:04d}")
            result = json.loads((folder / "result.json").read_text())
            (folder / "result.json").write_text(json.dumps({**result, "number": number}))
        shutil.rmtree(out / "trials" / f"{len(before):04d}", ignore_errors=True)
        before = [replace(old, number=number) for number, old in enumerate(before)]
    assert run_search(settings(out, max_iter=1), runner=RUNNER, rebuild=True) == 0
    after = records(out)[:len(before)]
    assert [(one.number, one.point, one.seed, one.value, one.curve, one.state, one.reused)
            for one in after] == [(one.number, one.point, one.seed, one.value, one.curve, one.state,
                                   one.reused) for one in before]


def test_trials_of_other_settings_are_not_rebuilt(out):
    delete(out / "study.journal")
    other = settings(out, tiny={"epochs": 5})
    with pytest.raises(StudyError, match=r"base_config\.Tiny\.epochs: 2 -> 5"):
        run_search(other, runner=RUNNER, rebuild=True)
    shutil.rmtree(out / "inputs")
    for path in out.glob("trials/*/trial.json"):
        path.unlink()
    with pytest.raises(StudyError, match=r"0000: what this trial trained cannot be known"):
        run_search(other, runner=RUNNER, rebuild=True)
    assert not (out / "study.journal").exists()


def test_failed_and_interrupted_trials_are_rebuilt_as_such(tmp_path):
    out = tmp_path / "out"
    options = {"values": {"Tiny.misbehave": [None, "raise", "diverge"]}, "workers": 1}
    made = tiny_settings(out, **options)
    assert run_search(made, runner=RUNNER) == 0
    before = open_store(output_dir=out, space=made.search_space.space).records()
    assert [one.state for one in before] == [TrialState.COMPLETE, TrialState.FAILED,
                                             TrialState.DIVERGED]
    (out / "study.journal").write_bytes(b"")
    assert run_search(made, runner=RUNNER, rebuild=True) == 0
    assert open_store(output_dir=out, space=made.search_space.space).records() == before


def test_a_killed_search_whose_journal_is_lost_goes_on_rebuilt(tmp_path):
    out, options = tmp_path / "out", {"values": {"a": [0, 1, 2, 3, 4, 5]}, "workers": 2,
                                      "tiny": {"epochs": 4, "pause": 0.02}}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.tiny_search", str(out), json.dumps(options)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list(out.glob("trials/*/result.json"))) < 2:
        assert process.poll() is None
        select.select([], [], [], 0.005)
    process.kill()
    process.wait()
    made = tiny_settings(out, **options)
    results = {path: path.read_bytes() for path in out.glob("trials/*/result.json")}
    (out / "study.journal").unlink()
    assert run_search(made, runner=RUNNER, rebuild=True) == 0
    after = records_of(made)
    assert {path: path.read_bytes() for path in results} == results, "not trained again"
    assert sorted(one.point["a"] for one in after) == [0, 1, 2, 3, 4, 5]
    assert all(one.complete and one.value == json.loads(
        (out / "trials" / f"{one.number:04d}" / "result.json").read_text())["value"]
        for one in after)


def test_a_kill_while_a_study_is_rebuilt_leaves_it_to_be_rebuilt(out, monkeypatch):
    before = records(out)
    empty(out / "study.journal")

    def kill(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("paddle_transfer.study.store.OptunaStore.finish", kill)
    with pytest.raises(KeyboardInterrupt):
        run(out, rebuild=True)
    monkeypatch.undo()
    refusal(out)
    assert run(out, rebuild=True) == 0
    assert records(out) == before


def test_stages_teachers_and_students_are_rebuilt(tmp_path):
    file = write_greedy(tmp_path, base_config(tmp_path))
    for part in ("train", "val"):
        (tmp_path / f"{part}_list.txt").touch()
    made = load_search_file(file)
    point = dict(made.plan.first)
    before = [TrialRecord(0, 0, point, 0, TrialState.COMPLETE, 0.5, ((1, 0.5),), 1),
              TrialRecord(1, 0, point, 1, TrialState.PRUNED, 0.4, ((1, 0.4),), 2),
              TrialRecord(2, 1, point, 0, TrialState.COMPLETE, 0.6, ((1, 0.6),), 1,
                          stage=Stage.TEACHER, teacher="ResNet50_vd"),
              TrialRecord(3, 2, point, 0, TrialState.RUNNING, None, ((1, 0.1),), 1,
                          stage=Stage.FINAL, teacher="ResNet50_vd")]
    folders = TrialFolders(made.output.output_dir, write_config=lambda *_: None)
    for record in before:
        folders.keep(record)
    found = lost_records(made, read_leftover(made.output.output_dir))
    assert found == before
    store = open_store(output_dir=made.output.output_dir, space=made.search_space.space)
    write_records(store, found)
    assert store.records() == before
    store.close()


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"number": 0}', '{"number": 7}'])
def test_a_broken_record_of_a_trial_is_made_up_for_by_its_other_files(out, content):
    before = records(out)
    empty(out / "study.journal")
    (out / "trials" / "0001" / "trial.json").write_text(content)
    assert run(out, rebuild=True) == 0
    assert [(one.point, one.value, one.curve, one.seed, one.state) for one in records(out)] == [
        (one.point, one.value, one.curve, one.seed, one.state) for one in before]


def test_a_study_in_a_database_is_treated_alike(tmp_path):
    out, url = tmp_path / "out", f"sqlite:///{tmp_path}/study.db"
    made = tiny_settings(out, values={"a": [0.0, 0.5]}, workers=1, storage=url)
    assert run_search(made, runner=RUNNER) == 0
    before = records_of(made)
    (tmp_path / "study.db").unlink()
    with pytest.raises(StudyError, match="holds the results of 2 trials, but the study, sqlite:"):
        run_search(made, runner=RUNNER)
    with pytest.raises(StudyError, match="--rebuild"):
        paddle_transfer.load_search(out)
    assert run_search(made, runner=RUNNER, rebuild=True) == 0
    assert records_of(made) == before


def records_of(made):
    store = open_store(output_dir=made.output.output_dir, space=made.search_space.space,
                       storage=made.output.storage)
    try:
        return store.records()
    finally:
        store.close()


def test_another_storage_over_the_results_of_a_journal_is_refused(out, tmp_path):
    made = settings(out, storage=f"sqlite:///{tmp_path}/study.db")
    with pytest.raises(StudyError, match=r"study\.db, knows none of them"):
        run_search(made, runner=RUNNER)


def test_a_journal_without_its_trials_goes_on_and_says_so(out, capsys):
    before = records(out)
    shutil.rmtree(out / "trials")
    assert run(out) == 0
    assert "trials is gone: the results of" in capsys.readouterr().err
    assert records(out) == before


def test_a_table_of_results_alone_is_not_begun_over(out):
    delete(out / "study.journal")
    shutil.rmtree(out / "trials")
    assert "knows none of them" in refusal(out)


def test_a_missing_copy_of_the_search_file_is_written_again(out):
    (out / "search.yaml").unlink()
    with pytest.raises(StudyError, match=r"search\.yaml: there is no such file\. The command of "
                                         "the search writes it again"):
        paddle_transfer.load_search(out)
    assert run(out) == 0
    assert paddle_transfer.load_search(out).trials


@pytest.mark.parametrize("content", [b"\x80\xff", b"[", b"search_dict: 3", b"search_dict: [1]"])
def test_a_broken_copy_of_the_search_file_is_told_in_words(out, content):
    (out / "search.yaml").write_bytes(content)
    with pytest.raises(StudyError, match=r"search\.yaml"):
        paddle_transfer.load_search(out)


def test_beginning_anew_and_rebuilding_exclude_each_other(tmp_path):
    with pytest.raises(ConfigError, match="rebuild: may not stand beside fresh"):
        paddle_transfer.search(tmp_path / "search.yaml", fresh=True, rebuild=True)
