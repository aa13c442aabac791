"""The split of one's own images: stratified, and the same when images are added or removed."""

from collections import Counter

import pytest

from paddle_transfer.datasets.stable_split import stable_split

SHARES = {"test": 0.2, "val": 0.25}  # 20 % each


def split(images, *, known=None, shares=SHARES, seed=0):
    """image -> list, of image -> label; ``known`` as an earlier call gave it."""
    names = sorted(images)
    places = stable_split([images[name] for name in names], names, shares=shares, seed=seed,
                          known=[(known or {}).get(name) for name in names])
    return dict(zip(names, places, strict=True))


def images(*counts, first=0):
    return {f"{label}/{i}": label for label, count in enumerate(counts)
            for i in range(first, first + count)}


def counts(places, label):
    return Counter(place for name, place in places.items() if name.startswith(f"{label}/"))


def test_shares_are_exact_and_every_class_gives_its_part():
    places = split(images(50, 10, 30))
    assert Counter(places.values()) == {"train": 54, "val": 18, "test": 18}
    assert counts(places, 1) == {"train": 6, "val": 2, "test": 2}
    assert places == split(images(50, 10, 30)) != split(images(50, 10, 30), seed=1)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_small_classes_have_an_image_for_training_first_then_for_each_list(size):
    places = split(images(size, 40))
    assert counts(places, 0)["train"] >= 1
    assert counts(places, 0)["test"] >= 1
    assert (counts(places, 0)["val"] >= 1) == (size > 2)
    assert counts(split(images(size, 40), shares={"val": 0.01}), 0)["val"] == 1


def test_images_that_are_added_move_none_and_the_shares_stay():
    before = split(images(5, 20))
    for added in (1, 2, 7, 40):
        after = split({**images(5, 20), **images(added, 3 * added, first=100)}, known=before)
        assert {name: after[name] for name in before} == before
        held = Counter(after.values())
        assert abs(held["val"] - 0.2 * len(after)) <= 2, added
        assert abs(held["test"] - 0.2 * len(after)) <= 2, added
        before = after


def test_images_that_are_removed_move_none():
    before = split(images(20, 20))
    after = split({name: label for name, label in images(20, 20).items() if "1" not in name[2:]},
                  known=before)
    assert after == {name: before[name] for name in after}


def test_a_class_that_grows_gets_its_validation_image():
    before = split(images(1, 10), shares={"val": 0.2})
    assert counts(before, 0) == {"train": 1}
    after = split(images(3, 10), known=before, shares={"val": 0.2})
    assert counts(after, 0)["val"] == 1
    assert after["0/0"] == "train"


def test_without_what_was_known_a_few_images_more_change_hardly_anything():
    before, after = split(images(100, 100)), split(images(103, 101))
    assert sum(before[name] != after[name] for name in before) <= 6


def test_copies_stay_together_within_and_across_classes():
    labels = [0] * 20 + [1] * 20
    groups = [str(i // 2) for i in range(20)] + ["0", "1"] + [str(i) for i in range(100, 118)]
    places = stable_split(labels, groups, shares={"val": 0.3}, seed=3, known=[None] * 40)
    assert all(len({places[i] for i in range(40) if groups[i] == group}) == 1 for group in groups)
    assert 8 <= places.count("val") <= 14


def test_copies_of_a_known_image_come_to_its_list():
    places = stable_split([0] * 6, ["a", "a", "a", "b", "c", "d"], shares={"val": 0.2}, seed=0,
                          known=[None, "val", None, "train", None, "elsewhere"])
    assert places[:4] == ["val", "val", "val", "train"]


def test_a_class_of_copies_gives_the_smallest_group():
    places = stable_split([0] * 5, ["a", "a", "b", "b", "b"], shares={"val": 0.2}, seed=0,
                          known=[None] * 5)
    assert places == ["val", "val", "train", "train", "train"]
