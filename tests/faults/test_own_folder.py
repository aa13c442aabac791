"""A search moves and deletes nothing but what searches have written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer.api import run_search
from paddle_transfer.errors import ConfigError, StudyError
from paddle_transfer.settings.search_file import load_search_file
from paddle_transfer.study.folder import delete_leftovers, is_own
from paddle_transfer.study.store import open_store
from tests.helpers.configs import base_config, write_search
from tests.helpers.tiny_search import RUNNER, tiny_settings

VALUES = {"a": [0.0, 0.5]}


def content(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def run(folder, **options):
    settings = tiny_settings(folder, values=VALUES, workers=1)
    assert run_search(settings, runner=RUNNER, **options) == 0
    return settings


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "out"
    run(folder)
    return folder


@pytest.fixture
def out(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A base config and a search file in ``configs/``, lists and images in ``data/``, weights."""
    for folder in ("configs", "data/images", "work", "home"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "weights.pdparams").write_bytes(b"")
    base = base_config(tmp_path / "data" / "images")
    for part, section in (("train", "Train"), ("val", "Eval")):
        dataset = base["DataLoader"][section]["dataset"]
        dataset["cls_label_path"] = str(tmp_path / "data" / f"{part}_list.txt")
        Path(dataset["cls_label_path"]).touch()
    write_search(tmp_path / "configs", base=base)
    return tmp_path


@pytest.mark.parametrize(("folder", "what"), [
    (".", "the current folder"), ("..", "which holds"), ("/", "the root of all files"),
    ("'~'", "the home folder"), ("{}/home", "the home folder"), ("{}", "which holds"),
    ("{}/configs", "which holds the search file"),
    ("{}/data/images", "which is DataLoader.Train.dataset.image_root"),
    ("{}/data", "which holds DataLoader.Train.dataset.image_root"),
    ("../data/images/", "which is DataLoader.Train.dataset.image_root"),
    ("{}/link", "which is DataLoader.Train.dataset.image_root")])
def test_a_folder_of_others_cannot_be_the_output_folder(files, folder, what):
    (files / "link").symlink_to(files / "data" / "images")
    before = content(files)
    with pytest.raises(ConfigError) as caught:
        load_search_file(str(files / "configs" / "search.yaml"),
                         [f"output_dir={folder.format(files)}"])
    (issue,) = caught.value.issues
    assert issue.where == "output_dir"
    assert what in issue.found
    assert "must be a folder of its own" in issue.rule
    assert content(files) == before


def test_nor_can_one_that_holds_what_only_a_value_of_the_search_names(files):
    (files / "lists").mkdir()
    shutil.copy(files / "data" / "train_list.txt", files / "lists" / "small.txt")
    file = write_search(files / "configs", base=load_search_file(
        str(files / "configs" / "search.yaml")).base.config, search_dict=[
        {"search_key": "list", "replace_config": ["DataLoader.Train.dataset.cls_label_path"],
         "search_values": [str(files / "data/train_list.txt"), str(files / "lists/small.txt")]}])
    with pytest.raises(ConfigError, match=r"which holds search_dict\.0\.search_values\.1"):
        load_search_file(file, [f"output_dir={files}/lists"])


def test_a_search_file_that_a_person_wrote_is_not_overwritten(files):
    (files / "mine").mkdir()
    (files / "mine" / "search.yaml").write_text("search_mode: grid\n")
    with pytest.raises(ConfigError, match=r"must not hold a search\.yaml that a person wrote"):
        load_search_file(str(files / "configs" / "search.yaml"), [f"output_dir={files}/mine"])


@pytest.mark.parametrize("inner", ["trials/0000", "trials/mine/deeper", "logs", "vdl/x"])
def test_a_folder_among_the_files_of_another_search_is_refused(files, out, inner):
    with pytest.raises(ConfigError) as caught:
        load_search_file(str(files / "configs" / "search.yaml"), [f"output_dir={out}/{inner}"])
    (issue,) = caught.value.issues
    assert "must not lie among the files of another search" in issue.rule
    assert f"in the search {str(out)!r}" in issue.found


def test_a_folder_of_its_own_beside_them_is_taken(files, out):
    settings = load_search_file(str(files / "configs" / "search.yaml"),
                                [f"output_dir={out}/second"])
    assert settings.output.output_dir == f"{out}/second"


def test_a_name_that_no_folder_can_have_is_refused_before_training(files):
    with pytest.raises(ConfigError, match="the name of a folder has at most 255 bytes"):
        load_search_file(str(files / "configs" / "search.yaml"), [f"output_dir={'a' * 300}"])


def test_a_search_goes_on_from_its_own_folder_and_by_its_own_copies(files, out, monkeypatch):
    monkeypatch.chdir(out)
    settings = load_search_file(str(files / "configs" / "search.yaml"), [f"output_dir={out}"])
    assert settings.output.output_dir == str(out)
    shutil.copy(files / "configs" / "base.yaml", out / "best_config.yaml")
    shutil.copy(files / "configs" / "search.yaml", out / "search.yaml")
    (out / "search.yaml").write_text("# search.yaml as it was understood.\n" +
                                     (out / "search.yaml").read_text())
    load_search_file(str(out / "search.yaml"), [
        f"output_dir={out}", f"base_config_file={out}/best_config.yaml"])


def test_beginning_anew_moves_a_run_as_a_whole(out, capsys):
    before = set(content(out)) - {".lock"}
    run(out, fresh=True)
    (aside,) = out.parent.glob("out.*")
    assert set(content(aside)) - {".lock"} == before
    assert f"The earlier run is now in {aside}" in capsys.readouterr().err


def test_beginning_anew_leaves_what_no_search_wrote_where_it_is(out, capsys):
    """Lists and images beside a run, as after a search into a folder of data."""
    journal = (out / "study.journal").read_bytes()
    (out / "images").mkdir()
    for name in ("images/x.jpg", "train_list.txt", "notes.md"):
        (out / name).write_text("mine")
    run(out, fresh=True)
    (aside,) = out.parent.glob("out.*")
    assert (aside / "study.journal").read_bytes() == journal
    assert (aside / "trials" / "0001" / "result.json").exists()
    for name in ("images/x.jpg", "train_list.txt", "notes.md"):
        assert (out / name).read_text() == "mine"
        assert not (aside / name).exists()
    assert "stays in" in capsys.readouterr().err
    assert len(open_store(output_dir=out, space=tiny_settings(out, values=VALUES).space
                          ).records()) == 2


def test_beginning_anew_moves_nothing_where_no_search_has_been(tmp_path):
    photos = tmp_path / "photos"
    (photos / "logs").mkdir(parents=True)  # also a name that a search uses
    for name in ("x.jpg", "logs/mine.log"):
        (photos / name).write_text("mine")
    run(photos, fresh=True)
    assert not list(tmp_path.glob("photos.*"))
    assert [(photos / name).read_text() for name in ("x.jpg", "logs/mine.log")] == ["mine", "mine"]


def test_beginning_anew_behind_a_link_leaves_the_link(out, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(out)
    run(link, fresh=True)
    assert link.is_symlink()
    assert (out / "study.journal").exists()
    (aside,) = tmp_path.glob("out.*")
    assert (aside / "study.journal").exists()
    assert not list(tmp_path.glob("link.*"))


def test_a_kill_while_a_run_is_moved_leaves_no_study_without_its_results(out, monkeypatch):
    (out / "notes.md").write_text("mine")
    moved = []

    def kill_after_the_first(source, target):
        if moved:
            raise KeyboardInterrupt
        moved.append(os.rename(source, target))

    monkeypatch.setattr("paddle_transfer.study.folder.shutil.move", kill_after_the_first)
    settings = tiny_settings(out, values=VALUES, workers=1)
    with pytest.raises(KeyboardInterrupt):
        run_search(settings, runner=RUNNER, fresh=True)
    monkeypatch.undo()
    assert not (out / "study.journal").exists()
    with pytest.raises(StudyError, match="knows none of them"):
        run_search(settings, runner=RUNNER)


KILLED = """
import os, signal, sys
import paddle_transfer.config.load as load
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
load.write_atomic(sys.argv[1], "half")
"""


def test_temporary_files_of_a_killed_search_are_deleted_and_no_others(out):
    for file in ("search_results.csv", "best_config.yaml", "trials/0000/config.yaml",
                 "trials/0001/trial.json", "inputs/study.json"):
        done = subprocess.run([sys.executable, "-c", KILLED, str(out / file)], check=False)
        assert done.returncode == -signal.SIGKILL
    left = list(out.rglob(".*.tmp"))
    assert len(left) == 5
    (out / ".search_results.json.k3j_9x2a").write_text("of an earlier version")
    (out / "best_model.pdparams.tmp4711").write_bytes(b"")
    (out / "trials" / "0001" / "result.json.tmp").write_text("{")
    mine = [out / ".notes.k3j_9x2a", out / ".search_results.csv.bak", out / "photo.tmp",
            out / ".train_list.txt.k3j_9x2a.tmp"]
    for path in mine:
        path.write_text("mine")
    run(out)
    assert not [path for path in left if path.exists()]
    assert not (out / ".search_results.json.k3j_9x2a").exists()
    assert not (out / "best_model.pdparams.tmp4711").exists()
    assert not (out / "trials" / "0001" / "result.json.tmp").exists()
    assert [path.read_text() for path in mine] == ["mine"] * 4


def test_temporary_folders_are_never_deleted(tmp_path):
    (tmp_path / ".search_results.csv.k3j_9x2a").mkdir()
    delete_leftovers(tmp_path)
    assert (tmp_path / ".search_results.csv.k3j_9x2a").is_dir()


def test_everything_that_a_search_leaves_is_known_as_its_own(out):
    assert [path.name for path in out.iterdir() if not is_own(path.name)] == []
