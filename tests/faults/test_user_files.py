"""Files that users wrote or edited are kept."""

import contextlib
import io
import os
import shutil
import subprocess

import pytest

from paddle_transfer import load_search
from paddle_transfer.api import run_search
from tests.helpers.own_folder import fill, prepare_folder
from tests.helpers.tiny_search import RUNNER, tiny_settings
from tools import make_configs


def test_what_was_edited_is_kept_and_the_new_one_stands_beside_it(home):
    root = home / "d"
    fill(root, {"a": 6, "b": 6})
    prepare_folder(root)
    edited = ("custom.yaml", "custom_bayes.yaml", "label_list.txt", "val_list.txt")
    for name in edited:
        (root / name).write_text(f"{(root / name).read_text()}# mine\n")
    mine = {name: (root / name).read_text() for name in edited}
    fill(root, {"c": 6}, first=50)
    out = prepare_folder(root)
    assert {name: (root / name).read_text() for name in edited} == mine
    for name in edited:
        stem, _, suffix = name.partition(".")
        beside = root / f"{stem}.new.{suffix}"
        assert f"{root / name} is not as it was written by this command, so it is kept" in out
        assert f"the new one is {beside}" in out
    assert "class_num: 3" in (root / "custom.new.yaml").read_text()
    assert (root / "label_list.new.txt").read_text() == "0 a\n1 b\n2 c\n"
    assert f"{root / 'custom.yaml'}: Arch.class_num is 2 (an integer), but the lists need 3" in out
    assert len((root / "train_list.txt").read_text().splitlines()) > 10, "not edited: replaced"
    (root / "custom.new.yaml").write_text("mine too\n")
    prepare_folder(root)
    assert (root / "custom.new.yaml").read_text() == "mine too\n"
    assert "class_num: 3" in (root / "custom.new2.yaml").read_text()


def test_what_was_not_edited_is_replaced_and_nothing_is_left_beside_it(home):
    root = home / "d"
    fill(root, {"a": 6, "b": 6})
    prepare_folder(root)
    (root / "custom.yaml").write_text("mine")
    prepare_folder(root)
    assert (root / "custom.new.yaml").exists()
    os.replace(root / "custom.new.yaml", root / "custom.yaml")  # the user takes the new one
    fill(root, {"c": 6}, first=50)
    out = prepare_folder(root)
    assert "is kept" not in out
    assert "class_num: 3" in (root / "custom.yaml").read_text()
    assert not list(root.glob("*.new*"))


def test_lists_of_the_users_own_are_neither_replaced_nor_deleted(home):
    root = home / "d"
    fill(root, {"a": 6, "b": 6})
    for name in ("train_list.txt", "test_list.txt"):
        (root / name).write_text("my own 0\n")
    out = prepare_folder(root)
    assert (root / "train_list.txt").read_text() == (root / "test_list.txt").read_text()
    assert len((root / "train_list.new.txt").read_text().splitlines()) == 10
    assert f"{root / 'test_list.txt'} is not as it was written" in out
    assert "there is no new one: delete it unless you need it" in out


@pytest.mark.parametrize("recorded", [True, False])
def test_a_test_list_that_the_user_made_later_stays(home, recorded):
    root = home / "d"
    fill(root, {"a": 6, "b": 6})
    prepare_folder(root)
    if not recorded:
        shutil.rmtree(root / ".prepared")
    (root / "test_list.txt").write_text("a/0.jpg 0\n")
    prepare_folder(root)
    assert (root / "test_list.txt").read_text() == "a/0.jpg 0\n"


def test_a_link_that_the_user_made_is_not_replaced(home):
    root = home / "d"
    fill(root, {"a": 4, "b": 4})
    prepare_folder(root)
    os.replace(root / "custom.yaml", home / "shared.yaml")
    (root / "custom.yaml").symlink_to(home / "shared.yaml")
    fill(root, {"c": 4}, first=50)
    prepare_folder(root)
    assert (root / "custom.yaml").is_symlink()
    assert "class_num: 2" in (home / "shared.yaml").read_text()


def run_tiny(out, **changes):
    """Run a tiny search; what it writes to standard error."""
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        run_search(tiny_settings(str(out), workers=1, **changes), runner=RUNNER, callbacks=None)
    return errors.getvalue()


def test_a_search_that_goes_on_keeps_what_was_edited_in_its_folder(home, capsys):
    values, out = {"a": [0.0, 0.5]}, home / "out"
    run_tiny(out, values=values, max_iter=1)
    for name in ("best_config.yaml", "search.yaml"):
        (out / name).write_text(f"{(out / name).read_text()}# mine\n")
    mine = [(out / name).read_text() for name in ("best_config.yaml", "search.yaml")]
    capsys.readouterr()
    errors = run_tiny(out, values=values, max_iter=2)
    assert [(out / name).read_text() for name in ("best_config.yaml", "search.yaml")] == mine
    for name, new in (("best_config", "best_config.new.yaml"), ("search", "search.new.yaml")):
        assert f"{out / name}.yaml is not as it was written by this command, so it is kept; the " \
               f"new one is {out / new}" in errors
    assert "max_iter: 2" in (out / "search.new.yaml").read_text()
    result = load_search(out)
    assert len(result.trials) == 2, "read of what the search wrote"
    assert result.best_config_path == out / "best_config.new.yaml"
    assert f"-c {out}/best_config.new.yaml" in capsys.readouterr().out


def test_a_search_file_in_its_own_output_dir_is_not_overwritten(home):
    (home / "out").mkdir()
    (home / "out" / "search.yaml").write_text("# with my comments\n")
    run_tiny(home / "out", values={"a": [0.0]})
    assert (home / "out" / "search.yaml").read_text() == "# with my comments\n"
    assert load_search(home / "out").best is not None


def test_shipped_configs_that_were_edited_are_kept_unless_forced(home, capsys, monkeypatch):
    monkeypatch.setattr(make_configs, "shipped_files", lambda: {"a.yaml": "new\n", "b.yaml": "x\n"})
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x"]
    (home / "a.yaml").write_text("old\n")
    (home / "b.yaml").write_text("old\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    (home / "a.yaml").write_text("edited\n")
    assert make_configs.main(["--root", str(home)]) == 1
    assert (home / "a.yaml").read_text() == "edited\n"
    assert (home / "b.yaml").read_text() == "x\n"
    assert f"kept: {home / 'a.yaml'}" in capsys.readouterr().out
    assert make_configs.main(["--root", str(home), "--force"]) == 0
    assert (home / "a.yaml").read_text() == "new\n"
