"""The data workers' shared memory: what they need, and what becomes of a config without it."""

import copy
import math

import pytest

from paddle_transfer.config.shared_memory import fit_shared_memory, in_units, shared_bytes
from paddle_transfer.hardware import SharedMemory

IMAGE = 3 * 32 * 64 * 4  # a float32 image of 64 x 32 pixels


def config(*, workers=2, shared=True, batch=8, images=1000, folder=None, size=(64, 32)):
    loader = {"dataset": {"transform_ops": [{"ResizeImage": {"size": list(size)}}]},
              "sampler": {"batch_size": batch},
              "loader": {"num_workers": workers, "use_shared_memory": shared}}
    if folder is not None:
        (folder / "list.txt").write_text("a.jpg 0\n" * images)
        loader["dataset"]["cls_label_path"] = str(folder / "list.txt")
    return {"Global": {}, "DataLoader": {"Train": loader, "Eval": copy.deepcopy(loader)}}


def loaders(made):
    return [(part["loader"]["num_workers"], part["loader"]["use_shared_memory"])
            for part in made["DataLoader"].values()]


@pytest.mark.parametrize(("options", "expected"), [
    ({}, 6 * 8 * IMAGE), ({"workers": 8}, 18 * 8 * IMAGE), ({"batch": 64}, 6 * 64 * IMAGE),
    ({"workers": 0}, 0), ({"shared": False}, 0), ({"size": (32, 32)}, 6 * 8 * IMAGE // 2)])
def test_what_is_needed_follows_from_workers_batches_and_images(options, expected):
    assert shared_bytes(config(**options), "DataLoader.Train") == expected


def test_a_short_list_has_no_more_batches_than_its_own(tmp_path):
    made = config(images=17, folder=tmp_path)
    assert shared_bytes(made, "DataLoader.Train") == 3 * 8 * IMAGE


def test_where_there_is_room_nothing_changes():
    made = config()
    assert fit_shared_memory(made, ("Train", "Eval"), SharedMemory(1e9)) == ""
    assert fit_shared_memory(made, ("Train", "Eval"), SharedMemory(math.inf)) == ""
    assert made == config()


def test_without_room_for_batches_they_are_not_shared():
    made = config()
    told = fit_shared_memory(made, ("Train", "Eval"), SharedMemory(200_000))
    assert told == ("use_shared_memory is False here: the data workers need about 2.36 MB, and "
                    "/dev/shm has only 195 KB for them")
    assert loaders(made) == [(2, False)] * 2


def test_without_room_for_semaphores_there_are_no_data_workers():
    made = config(shared=False)
    assert "num_workers is 0 here" in fit_shared_memory(made, ("Train", "Eval"),
                                                        SharedMemory(64 << 10))
    assert loaders(made) == [(0, False)] * 2


def test_nor_where_none_can_be_used():
    made, fault = config(), "/dev/shm: Read-only file system"
    assert fit_shared_memory(made, ("Train", ), SharedMemory(0, fault=fault)) == (
        f"num_workers is 0 here: data workers need shared memory, and {fault}")
    assert loaders(made) == [(0, True), (2, True)], "Eval is not used"


def test_trials_at_once_share_it():
    assert fit_shared_memory(config(), ("Train", ), SharedMemory(2e6)) == ""
    assert fit_shared_memory(config(), ("Train", ), SharedMemory(2e6), limit=1e6) != ""


@pytest.mark.parametrize("made", [
    {}, {"DataLoader": None}, {"DataLoader": {"Train": []}}, config(workers=0),
    {"DataLoader": {"Train": {"loader": {"num_workers": "four"}, "sampler": None}}}])
def test_a_config_without_data_workers_is_left_as_it_is(made):
    before = copy.deepcopy(made)
    assert fit_shared_memory(made, ("Train", "Eval"), SharedMemory(0)) == ""
    assert made == before


def test_retrieval_has_two_lists_to_evaluate():
    made = config()
    made["DataLoader"]["Eval"] = {"Query": made["DataLoader"]["Eval"]}
    assert fit_shared_memory(made, ("Eval", ), SharedMemory(200_000)) != ""
    assert made["DataLoader"]["Eval"]["Query"]["loader"]["use_shared_memory"] is False


def test_sizes_are_told_in_units():
    assert [in_units(size) for size in (999, 64 << 10, 1.5 * 2**20, 3 * 2**30)] == [
        "999 bytes", "64 KB", "1.5 MB", "3 GB"]
