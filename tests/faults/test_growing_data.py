"""More images, or fewer, move none between the lists."""

import os
import shutil

import pytest

from tests.helpers.datasets import picture
from tests.helpers.own_folder import fill, places, prepare_folder


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
