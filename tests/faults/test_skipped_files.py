"""What is left out of a user's folder or table is counted and named."""

import contextlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from paddle_transfer.checks import contact_sheet, images, sheet_rows
from paddle_transfer.cli.export import export
from paddle_transfer.cli.infer import infer
from paddle_transfer.config.load import load_yaml
from paddle_transfer.datasets import caltech101
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.errors import DataError
from tests.helpers.datasets import picture
from tests.helpers.own_folder import fill, places, prepare_folder

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
                 "1 image left out, see"):
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
    monkeypatch.setattr(sheet_rows, "MAX_CLASSES", 2)
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
    assert "1 image left out" in out
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
