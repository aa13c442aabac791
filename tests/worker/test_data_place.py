"""A list that is read on by another process gives the batches that the first would have read."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate

IMAGES, BATCH = 10, 4


@pytest.fixture(scope="module")
def room():
    """The modules under test, which import Paddle."""
    home = locate()
    return SimpleNamespace(**{name: import_with_ppcls(name, home) for name in (
        "data_place", "second_lists", "random_states", "training_state")})


def new_loader(room, kind):
    """Of images that are drawn at random, in an order that is another in every pass."""
    import paddle

    class Drawn(paddle.io.Dataset):
        def __len__(self):
            return IMAGES

        def __getitem__(self, index):
            return np.array([index, np.random.randint(1000), random.randrange(1000)])

    dataset = Drawn()
    sampler = paddle.io.BatchSampler(dataset, shuffle=True, batch_size=BATCH) if "plain" in kind \
        else paddle.io.DistributedBatchSampler(dataset, BATCH, shuffle=True)
    loader = paddle.io.DataLoader(dataset, batch_sampler=sampler, return_list=True,
                                  num_workers=1 if "workers" in kind else 0)
    return room.second_lists.InTurn(loader) if "turn" in kind else loader


class Reader:
    """Reads passes one after the other, as an epoch that ends anywhere does."""

    def __init__(self, room, kind):
        self.place, self.loader = room.data_place.DataPlace(), new_loader(room, kind)
        self.batches = iter(())

    def read(self, count):
        found = []
        while len(found) < count:
            batch = next(self.batches, None)
            if batch is None:
                self.batches = self.place.begin(self.loader)
                batch = next(self.batches)
            self.place.taken += 1
            found.append(np.asarray(batch[0]).tolist())
        return found


@pytest.mark.parametrize("kind", ["thread", "plain thread", "in turn", "plain in turn", "workers"])
@pytest.mark.parametrize("read", [1, 3, 5])
def test_it_goes_on_from_any_place(room, kind, read):
    random.seed(1)
    np.random.seed(2)
    first = Reader(room, kind)
    first.read(read)
    saved = first.place.state(first.loader), room.random_states.capture()
    # to the end of a pass: else its thread would go on drawing
    expected = first.read(12 - read)
    random.seed(8)
    np.random.seed(9)
    second = Reader(room, kind)
    second.place.restore(saved[0])
    room.random_states.restore(saved[1])
    assert second.read(12 - read) == expected


def test_between_two_passes_nothing_is_read_again(room):
    first = Reader(room, "in turn")
    first.read(6)
    assert first.place.state(first.loader) == {"passes": 2, "taken": 0}


def test_a_sampler_that_shuffles_what_it_has_shuffled_begins_all_passes(room):
    class Shuffling:
        epoch, order = 0, (0, 1, 2, 3, 4, 5, 6, 7)

        def __iter__(self):
            order = list(self.order)
            np.random.RandomState(self.epoch).shuffle(order)
            self.order, self.epoch = order, self.epoch + 1
            yield from ((one, np.random.randint(1000)) for one in self.order)

    first, second = Shuffling(), Shuffling()
    for _ in range(3):
        list(first)
    state = room.random_states.capture_host()
    expected = list(first)
    room.random_states.restore_host(state)
    second.epoch = 3  # as PaddleClas sets it
    room.data_place.set_passes(second, 3)
    assert list(second) == expected


def engine(**changes):
    import paddle
    sampler = paddle.io.BatchSampler([1, 2], batch_size=1)
    return SimpleNamespace(**{
        "own_loop": True, "use_dali": False, "streams": {},
        "train_dataloader": SimpleNamespace(batch_sampler=sampler), **changes})


class MixSampler:
    """Named as PaddleClas's."""


@pytest.mark.parametrize(("changes", "told"), [
    ({}, ""), ({"own_loop": False}, "Global.train_mode has a loop of its own"),
    ({"use_dali": True}, "DALI keeps the place in the data"),
    ({"train_dataloader": SimpleNamespace(batch_sampler=MixSampler())}, "MixSampler keeps a place"),
    ({"streams": {"Source": SimpleNamespace(sampler=MixSampler())}}, "MixSampler keeps a place")])
def test_what_cannot_be_saved_is_told(room, changes, told):
    found = room.training_state.obstacle(engine(**changes))
    assert found.startswith(told)
    assert bool(found) == bool(told)


def test_several_processes_save_nothing(room, monkeypatch):
    import paddle
    monkeypatch.setattr(paddle.distributed, "get_world_size", lambda: 2)
    assert room.training_state.obstacle(engine()) == "several processes share its batches"


def test_a_paddle_that_does_not_hand_out_its_random_state(room, monkeypatch):
    import paddle
    monkeypatch.setattr(paddle, "get_rng_state", lambda _: [object()])
    assert "does not hand out its random state" in room.training_state.obstacle(engine())
