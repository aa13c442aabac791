"""What users write, in files and on the command line, is neither lost nor silently ignored."""

import argparse
import contextlib
import io
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from paddle_transfer import load_search
from paddle_transfer.api import run_search
from paddle_transfer.checks import contact_sheet, images
from paddle_transfer.cli.command import Command
from paddle_transfer.cli.export import export
from paddle_transfer.cli.infer import infer
from paddle_transfer.cli.main import COMMANDS
from paddle_transfer.cli.main import main as paddle_transfer
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.cli.prepare import prepare_and_print
from paddle_transfer.config.load import apply_overrides, load_yaml
from paddle_transfer.datasets import caltech101
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.errors import ConfigError, DataError, PaddleTransferError
from paddle_transfer.registry import attribute_of
from paddle_transfer.report.terminal import next_steps
from tests.helpers.datasets import picture
from tests.helpers.tiny_search import RUNNER, tiny_settings
from tools import benchmark, make_configs


def fill(root, counts, first=0):
    """``counts[name]`` pictures in the folder of each class; every picture is another one."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            first += 1
            (root / name / f"{i}.jpg").write_bytes(picture(first))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare_folder(root, *, name="folder", **options):
    """What ``prepare`` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        prepare_and_print(name, Path(root), PrepareOptions(processes=1, **options))
    return out.getvalue()


def places(root):
    """image -> list."""
    return {line.rpartition(" ")[0]: split for split in ("train", "val", "test")
            if (Path(root) / f"{split}_list.txt").exists()
            for line in (Path(root) / f"{split}_list.txt").read_text().splitlines()}


# --- options given twice, or against each other ---

def test_tables_of_a_replay_given_one_by_one_are_all_replayed():
    given = benchmark.parser().parse_args(
        ["replay", "--table", "a", "b", "--table", "c", "--method", "random", "--method", "bayes"])
    assert (given.table, given.method) == (["a", "b", "c"], ["random", "bayes"])
    twice = benchmark.parser().parse_args(["replay", "--table", "a", "--table", "b", "a"])
    assert twice.table == ["a", "b"], "not replayed again"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_keeps_the_last_of_two_values(name):
    command: Command = attribute_of(f"paddle_transfer.cli.{name}:COMMAND")
    parser = OptionParser()
    command.add_arguments(parser)
    parsers = [parser, *(sub for action in parser._actions
                         if isinstance(action, argparse._SubParsersAction)
                         for sub in action.choices.values())]
    for one in parsers:
        for action in one._actions:
            if not action.option_strings or action.nargs == 0:
                continue
            option, found = action.option_strings[-1], argparse.Namespace()
            action(one, found, ["1"] if action.nargs else "1", option)
            if action.dest == "override":
                continue  # a list of them; apply_overrides compares them
            with pytest.raises(SystemExit):
                action(one, found, "2", option)


def test_a_config_given_twice_is_refused_and_both_are_named(tmp_path, capsys):
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("x: 1\n")
    with pytest.raises(SystemExit) as end:
        paddle_transfer(["search", "-c", str(tmp_path / "a.yaml"), "-c", str(tmp_path / "b.yaml")])
    assert end.value.code == 2
    text = capsys.readouterr().err
    assert "-c/--config: may stand only once" in text
    assert "a.yaml" in text
    assert "b.yaml" in text


def test_a_second_call_of_one_parser_begins_anew():
    parser = OptionParser()
    parser.add_argument("--seed", type=int, default=0)
    assert [parser.parse_args(["--seed", text]).seed for text in "01"] == [0, 1]
    with pytest.raises(SystemExit):
        parser.parse_args(["--seed", "0", "--seed", "1"])


@pytest.mark.parametrize(("options", "wrong"), [
    (["Global.epochs=5", "Global.epochs=6"], ["-o Global.epochs=6"]),
    (["Global.epochs=5", "Global={}"], ["-o Global={}"]),
])
def test_an_override_that_undoes_another_is_refused(options, wrong):
    with pytest.raises(ConfigError, match="must not undo another one") as caught:
        apply_overrides({"Global": {"epochs": 1}}, options)
    assert [issue.where for issue in caught.value.issues] == wrong


def test_the_same_override_twice_and_a_part_of_one_before_it_are_no_contradiction():
    found = apply_overrides({"Global": {}}, ["Global={a: 1}", "Global.a=2", "Global.a=2"])
    assert found == {"Global": {"a": 2}}


@pytest.mark.parametrize("command", ["search", "train"])
def test_two_kinds_of_weights_on_one_command_line_are_refused(tmp_path, capsys, command):
    (tmp_path / "c.yaml").write_text("Global: {pretrained_model: null}\n")
    code = paddle_transfer([command, "-c", str(tmp_path / "c.yaml"), "--pretrained", "imagenet",
                            "-o", "Transfer.pretrained=10w", "-o", "Global.pretrained_model=mine"])
    text = capsys.readouterr().err
    assert code == 2
    assert "2 mistakes" in text
    assert "-o Global.pretrained_model=mine: must not name other weights than --pretrained" in text


def test_a_prior_file_beside_leave_one_out_is_refused(tmp_path):
    arguments = benchmark.parser().parse_args(
        ["replay", "--table", "x.csv", "--prior", str(tmp_path / "p"), "--leave-one-out"])
    with pytest.raises(PaddleTransferError, match="--prior and --leave-one-out: give one of them"):
        benchmark.cli.main(arguments)


@pytest.mark.parametrize(("name", "options", "wrong"), [
    ("folder", PrepareOptions(download=True, csv="t.csv", label_column="x"),
     ["--download", "--csv", "--label-column"]),
    ("dtd", PrepareOptions(test=0.2, val=0.1), ["--test 0.2", "--val 0.1"]),
    ("csv", PrepareOptions(unverified=True), ["--unverified"]),
])
def test_options_that_a_data_set_would_ignore_are_refused(tmp_path, name, options, wrong):
    with pytest.raises(ConfigError) as caught:
        prepare(name, tmp_path, options)
    assert [issue.where for issue in caught.value.issues] == wrong


def test_shares_of_a_folder_that_has_its_own_lists_are_refused(tmp_path):
    for split in ("train", "val"):
        fill(tmp_path / split, {"a": 2, "b": 2})
    with pytest.raises(ConfigError, match=r"--val 0\.3: is for data without a validation list"):
        prepare("folder", tmp_path, PrepareOptions(val=0.3, processes=1))


# --- commands that are printed ---

#: Folders whose names a shell, or YAML, reads as something else.
FOLDERS = ("it's $HOME & `x`", "- dash # no comment: \"ü\"", "*'\"$(touch x)", "~")


def through_a_shell(line: str) -> list[str]:
    """The arguments that a shell gives to the command of ``line``."""
    script = "paddle-transfer() { printf '%s\\0' \"$@\"; }\nvisualdl() { paddle-transfer \"$@\"; }"
    done = subprocess.run(["bash", "-c", f"{script}\n{line}"], capture_output=True, check=True)
    return os.fsdecode(done.stdout).split("\0")[:-1]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_commands_after_prepare_run_in_a_shell(home, capsys, name):
    fill(Path(name), {"a": 4, "b": 4})
    prepare_and_print("folder", Path(name), PrepareOptions(processes=1))
    out = capsys.readouterr().out
    lines = [line[6:] for line in out[out.index("next: "):].splitlines()]
    check, train, search = map(through_a_shell, lines)
    assert paddle_transfer(check[:3]) == 0
    assert check[3:] == ["--sheet", f"{'./' * name.startswith('-')}{name}/contact_sheet.png"]
    assert paddle_transfer([*search, "--dry-run"]) == 0
    assert Path(train[2]).is_file()
    assert not (home / "x").exists()


@pytest.mark.parametrize("name", FOLDERS)
def test_the_commands_after_a_search_run_in_a_shell(home, name):
    (home / name / "vdl" / "search").mkdir(parents=True)
    lines = [line[20:] for line in next_steps(tiny_settings(name)) if line[:2] == "  "]
    train, evaluate, export, look = map(through_a_shell, lines)
    folder = f"{'./' * name.startswith('-')}{name}"
    assert train == ["train", "-c", f"{folder}/best_config.yaml"]
    options = [text for command in (evaluate, export) for text in command[4::2]]
    assert apply_overrides({"Global": {}}, options) == {"Global": {
        "pretrained_model": f"{folder}/best_model", "save_inference_dir": f"{folder}/inference"}}
    assert look == ["--logdir", f"{folder}/vdl"]
    assert not (home / "x").exists()


# --- files that are skipped ---

def test_pictures_of_a_phone_are_counted_and_named_with_what_to_do(home):
    fill(home / "d", {"a": 6, "b": 6})
    for i in range(6):
        (home / "d" / "a" / f"IMG_{i}.HEIC").write_bytes(b"....ftypheic")
    assert ("note: 6 files skipped: .HEIC (a/IMG_0.HEIC and 5 more). Convert them to JPEG or PNG "
            "to use them\n") in prepare_folder("d")


def test_whatever_else_lies_in_the_folder_neither_stops_nor_gets_into_the_lists(home):
    root = home / "d"
    fill(root, {"a": 6, "b": 6, "b/more": 1, "__MACOSX": 1, "__MACOSX/a": 1, "a/@eaDir": 1,
                "a/.ipynb_checkpoints": 1, ".hidden": 1})
    for name in ("._0.jpg", ".DS_Store", "Thumbs.db", ".x.jpg", "notes.txt", "README"):
        (root / "a" / name).write_bytes(b"x")
    for name, data in {"a/empty.jpg": b"", "LICENSE": b"x", "a/line\nbreak.jpg": picture(90),
                       "a/UPPER.JPG": picture(91),
                       "a/really.png": picture(92), "stray.jpg": picture(93),
                       "contact_sheet.png": picture(94), os.fsdecode(b"a/caf\xe9.jpg"): picture(95),
                       }.items():
        (root / name).write_bytes(data)
    (root / "a" / "dangling.jpg").symlink_to("nowhere.jpg")
    (root / "a" / "loop").symlink_to(root)
    (root / "me").symlink_to(root)
    (root / "gone").symlink_to("nowhere")
    os.mkfifo(root / "b" / "pipe.jpg")
    out = prepare_folder(root)
    found = places(root)
    assert len(found) == 6 + 6 + 1 + 2
    assert {"a/UPPER.JPG", "a/really.png", "b/more/0.jpg"} <= set(found)
    assert (root / "label_list.txt").read_text() == "0 a\n1 b\n"
    for note in ("6 files skipped: of file managers (__MACOSX and 5 more)",
                 "2 files skipped: hidden (.hidden and 1 more). Rename them without the dot",
                 "1 file skipped: .txt (a/notes.txt)", "1 file skipped: no ending (a/README). An",
                 "2 files skipped: names that no list file can hold ('a/caf",
                 "1 file skipped: in no class's folder (stray.jpg). Move them into",
                 "2 files skipped: links to nothing (a/dangling.jpg and 1 more)",
                 "1 file skipped: links to folders, which are not followed (a/loop). Put",
                 "1 file skipped: links to a folder above them (me)",
                 "1 file skipped: no regular files (b/pipe.jpg)",
                 "1 images left out, see"):
        assert f"note: {note}" in out, note
    assert out.count("skipped") == 10


def test_an_empty_folder_of_a_mac_archive_stops_nothing(home):
    fill(home / "d" / "train", {"a": 3, "b": 3})
    fill(home / "d" / "val", {"a": 1, "b": 1}, first=50)
    (home / "d" / "__MACOSX").mkdir()
    (home / "d" / "train" / "__MACOSX").mkdir()
    (home / "d" / "notes").mkdir()
    out = prepare_folder("d")
    assert "in no class's folder (notes)" in out
    assert sorted(places("d").values()) == ["train"] * 6 + ["val"] * 2


def test_what_a_mac_adds_to_an_archive_is_no_class_and_no_image_of_it(home):
    fill(home / caltech101.FOLDER, {"ant": 4, "bee": 4, "__MACOSX": 4})
    (home / caltech101.FOLDER / "ant" / "._0.jpg").write_bytes(b"x")
    layout = caltech101.read(home, PrepareOptions())
    assert layout.classes == ("ant", "bee")
    assert sum(map(len, layout.splits.values())) == 8


def test_a_folder_beside_train_and_val_is_no_third_class(home):
    fill(home / "d", {"train/a": 2, "train/b": 2, "val/a": 2, "val/b": 2, "extra": 2})
    with pytest.raises(DataError, match=r"train, val are lists of images.* what is extra"):
        prepare_folder("d")


@pytest.mark.parametrize(("names", "text"), [
    (("caf\u00e9", "cafe\u0301"), r"look the same: 'cafe\\u0301', 'caf\\xe9'"),
    (("cat", "cat "), "look the same: 'cat', 'cat '"),
    (("a", "converted"), "no class can have the name"),
])
def test_names_of_classes_that_cannot_be_told_apart_are_refused(home, names, text):
    fill(home / "d", dict.fromkeys(names, 2))
    with pytest.raises(DataError, match=text):
        prepare_folder("d")


def test_letters_of_both_cases_are_classes_and_it_is_said(home):
    fill(home / "d", {"A": 3, "a": 3})
    assert "upper and lower case only are different classes: A and a\n" in prepare_folder("d")


def test_two_names_of_one_folder_are_no_two_classes(home):
    fill(home / "d", {"a": 2, "b": 2})
    (home / "d" / "c").symlink_to("a")
    with pytest.raises(DataError, match=r"other names of the same folders: a\. Delete the links"):
        prepare_folder("d")


def test_a_class_without_a_validation_image_is_named(home):
    fill(home / "d", {"a": 6, "b": 1})
    assert "note: 1 class has no validation image: b. Add images\n" in prepare_folder("d")
    fill(home / "e", {"a": 1, "b": 1})
    assert "note: 2 classes have no validation image: a, b. Add images\n" in prepare_folder("e")


def test_a_broken_image_never_is_the_only_one_for_validation(home):
    fill(home / "d", {"a": 8, "b": 2})
    for seed in range(4):
        for i in range(3):
            (home / "d" / "b" / f"broken {seed} {i}.jpg").write_bytes(picture(50 + i)[:99])
        prepare_folder("d", seed=seed)
        assert [place for path, place in places("d").items() if path[0] == "b"].count("val") == 1


def test_a_picture_of_a_phone_with_a_wrong_ending_says_what_it_is(home):
    fill(home / "d", {"a": 3, "b": 3})
    (home / "d" / "a" / "x.jpg").write_bytes(b"\0\0\0 ftypheic\0\0\0\0mif1heic" + bytes(200))
    assert "a/x.jpg: cv2, and so PaddleClas, cannot decode it: it is a HEIC or AVIF picture; " \
           "convert it to JPEG" in prepare_folder("d")


def test_a_pipe_that_a_table_names_is_left_out_unopened(home):
    root = table(home / "d", "x/0.jpg,cat", "x/1.jpg,dog", "pipe.jpg,cat")
    os.mkfifo(root / "pipe.jpg")
    assert "pipe.jpg: cannot be read: is a named pipe, not a file" in prepare_folder(
        root, name="csv")


def test_too_large_a_picture_is_not_converted_either(home, monkeypatch):
    monkeypatch.setattr(images, "PIXELS", 24 * 24)
    fill(home / "d", {"a": 3, "b": 3})
    (home / "d" / "a" / "big.gif").write_bytes(picture(90, side=40, ending=".gif"))
    assert "a/big.gif: is not decoded: it has 40 x 40 px" in prepare_folder("d")
    assert not (home / "d" / "converted").exists()


def test_a_contact_sheet_says_what_it_leaves_out_and_overwrites_sheets_only(home, monkeypatch):
    monkeypatch.setattr(contact_sheet, "MAX_CLASSES", 2)
    monkeypatch.setattr(contact_sheet, "_augment", lambda *_, **__: (None, "none here"))
    fill(home / "d", {"a": 3, "b": 3, "c": 3})
    prepare_folder("d")
    (home / "d" / "a" / "0.jpg").write_bytes(b"broken since")
    config = load_yaml("d/custom.yaml")
    for _ in range(2):
        said = contact_sheet.write_sheet(config, "sheet.png")
        assert said.startswith("contact sheet: sheet.png (2 of 3 classes; ")
    for name in ("d/b/0.jpg", "d/custom.yaml"):
        before = (home / name).read_bytes()
        with pytest.raises(DataError, match="is there already, and is no contact sheet"):
            contact_sheet.write_sheet(config, name)
        assert (home / name).read_bytes() == before


def test_a_prediction_says_which_images_of_the_folder_it_skips(home, capsys):
    fill(home / "d", {".": 2, "below": 1})
    for name in ("a.PNG", "b.webp", "c.heic", "notes.txt"):
        (home / "d" / name).write_bytes(b"x")
    engine = SimpleNamespace(config={"Infer": {"infer_imgs": "d"}}, predictions=lambda: [
        (["d/0.jpg"], [{"class_ids": [0]}]), (["d/1.jpg"], [{"class_ids": [1]}])])
    assert infer(engine) == 0
    assert capsys.readouterr().err.splitlines() == [
        "1 file skipped: .PNG (d/a.PNG)", "1 file skipped: .webp (d/b.webp)",
        "1 file skipped: .heic (d/c.heic). Convert them to JPEG or PNG to use them",
        "1 file skipped: in folders below (d/below/0.jpg)",
        "PaddleClas predicts files that end in jpg, png, jpeg, JPEG, JPG, bmp"]


@pytest.mark.usefixtures("home")
def test_an_export_says_that_it_replaces_another_one(capsys):
    engine = SimpleNamespace(config={"Global": {"save_inference_dir": "."}}, is_main_process=True,
                             export=lambda: Path("inference.pdiparams").write_bytes(b"x"))
    for text in ("exported: ./inference\n",
                 "exported: ./inference (replaces the model that was there)\n"):
        export(engine)
        assert capsys.readouterr().out == text


# --- tables ---

def table(root, *lines, name="labels.csv"):
    fill(root, {"x": 6})
    (root / name).write_text("path,label\n" + "".join(f"{line}\n" for line in lines))
    return root


def test_repeated_lines_missing_images_and_names_that_fit_no_list_are_counted(home):
    root = table(home / "d", "x/0.jpg,cat", "x/1.jpg,dog", "x/0.jpg,cat", "x/2.jpg,cat",
                 "x/3.jpg,dog", "gone.jpg,cat", '"x/a\nb.jpg",cat')
    out = prepare_folder(root, name="csv")
    assert "1 lines of" in out
    assert "name an image again and are skipped (line 4: x/0.jpg)" in out
    assert "1 file skipped: names that no list file can hold (" in out
    assert "1 images left out" in out
    assert "gone.jpg: is not there" in out
    assert set(places(root)) == {f"x/{i}.jpg" for i in range(4)}


@pytest.mark.parametrize(("lines", "text"), [
    (["x/0.jpg,cat", "x/1.jpg,dog", "x/0.jpg,dog"],
     r"csv:4: x/0\.jpg has the label 'dog' here and 'cat' on line 2"),
    (["x/0.jpg,cat", "x/0, the first.jpg,dog"], r"csv:3: 2 columns expected, but got 3"),
])
def test_tables_that_contradict_themselves_are_refused_by_line(home, lines, text):
    with pytest.raises(DataError, match=text):
        prepare_folder(table(home / "d", *lines), name="csv")


def test_one_number_in_two_forms_is_no_two_classes(home):
    with pytest.raises(DataError, match="one number in two forms, such as 1 and 01: 01, 1, 2"):
        prepare_folder(table(home / "d", "x/0.jpg,1", "x/1.jpg,01", "x/2.jpg,2"), name="csv")


def test_names_without_endings_are_missing_images_with_a_hint(home):
    root = table(home / "d", "x/0,cat", "x/1,dog", "x/2.jpg,cat")
    with contextlib.suppress(DataError):
        prepare_folder(root, name="csv")
    assert "x/0: is not there, but x/0.jpg is: write names with their endings" in (
        root / "bad_images.txt").read_text()


def test_a_label_that_only_other_lists_have_is_refused(home):
    root = table(home / "d")
    (root / "labels.csv").write_text("path,label,split\nx/0.jpg,cat,train\nx/1.jpg,dog,train\n"
                                     "x/2.jpg,dgo,val\n")
    with pytest.raises(DataError, match=r"no image for training has these labels: 'dgo' \(val\)"):
        prepare_folder(root, name="csv")


def test_labels_that_a_new_class_shifts_are_named(home):
    fill(home / "d", {"bee": 3, "cat": 3})
    assert "other labels" not in prepare_folder("d")
    fill(home / "d", {"ant": 3}, first=50)
    assert ("classes have other labels than before (bee: 0, now 1 and 1 more): models trained "
            "before do not fit") in prepare_folder("d")


# --- files that are edited ---

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


# --- splits when data grow ---

def test_more_images_move_none_between_the_lists(home):
    root = home / "d"
    fill(root, {"a": 10, "b": 5, "c": 2})
    prepare_folder(root, test=0.2)
    before = places(root)
    fill(root, {"a": 11, "b": 9, "d": 5})
    for name, count in (("a", 11), ("b", 9), ("c", 2), ("d", 5)):
        for i in range(count):
            if f"{name}/{i}.jpg" not in before:
                (root / name / f"{i}.jpg").write_bytes(picture(ord(name) * 100 + i))
    out = prepare_folder(root, test=0.2)
    after = places(root)
    assert {path: after[path] for path in before} == before
    assert len(after) == 27
    assert "17 images stay in the lists that they were in, 10 are new" in out


@pytest.mark.parametrize("lost", ["lists", ".prepared"])
def test_images_removed_renamed_or_moved_keep_their_list_by_either_record(home, lost):
    root = home / "d"
    fill(root, {"a": 12, "b": 12})
    prepare_folder(root)
    before = places(root)
    if lost == "lists":  # what is left knows images by content: also under another name
        for file in root.glob("*_list.txt"):
            file.unlink()
        held = next(path for path, place in before.items() if place == "val" and path[0] == "a")
        os.replace(root / held, root / "b" / "moved.jpg")
        before["b/moved.jpg"] = before.pop(held)
    else:
        shutil.rmtree(root / ".prepared")
    for path in list(before)[::3]:
        if path != "b/moved.jpg":
            (root / path).unlink()
            del before[path]
    prepare_folder(root)
    found = {**places(root), **places_of_new(root)}
    assert {path: found[path] for path in before} == before


@pytest.mark.parametrize("edited", [False, True])
def test_lists_of_an_earlier_version_grow_and_edited_ones_are_kept(home, edited):
    root = home / "d"
    fill(root, {"a": 10, "b": 10})
    prepare_folder(root)
    shutil.rmtree(root / ".prepared")  # which earlier versions did not have
    (root / "custom.yaml").write_text("of an earlier version\n")
    before, file = places(root), root / "train_list.txt"
    if edited:
        file.write_text("".join(file.read_text().splitlines(True)[1:]))
    old = file.read_text()
    fill(root, {"c": 5}, first=70)
    out = prepare_folder(root)
    assert (file.read_text() == old) == edited == (root / "train_list.new.txt").exists()
    found = places_of_new(root) if edited else places(root)
    assert {path: place for path, place in found.items() if path in before} == before
    assert (root / "custom.yaml").read_text() == "of an earlier version\n"
    assert f"{root / 'custom.yaml'} is not as it was written by this command" in out


def places_of_new(root):
    return {line.rpartition(" ")[0]: split for split in ("train", "val")
            if (root / f"{split}_list.new.txt").exists()
            for line in (root / f"{split}_list.new.txt").read_text().splitlines()}


def test_other_shares_or_another_seed_split_anew_and_it_is_said(home):
    root = home / "d"
    fill(root, {"a": 20, "b": 20})
    prepare_folder(root)
    first = places(root)
    assert "split anew" in prepare_folder(root, seed=1)
    assert places(root) != first
    out = prepare_folder(root, val=0.5)
    assert "the images are split anew: --seed, --val or --test are not those" in out
    assert sorted(places(root).values()) == ["train"] * 20 + ["val"] * 20
    prepare_folder(root)
    assert places(root) == first
