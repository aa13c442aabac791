"""Evaluations of every image of a list, once."""

import random
import types

import numpy as np
import paddle
import pytest
from paddle.io import BatchSampler, DataLoader, Dataset, DistributedBatchSampler

from paddle_transfer.errors import TrialError
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate

whole_lists = import_with_ppcls("whole_lists", locate())


class Images(Dataset):
    """Nine images of one pixel; number ``broken`` cannot be read, and PaddleClas's way of reading
    another one in its place."""

    def __init__(self, broken=None):
        self.images, self.broken = [f"{i}.jpg" for i in range(9)], broken

    def __getitem__(self, index):
        try:
            if index == self.broken:
                raise ValueError("no image")
            return np.float32([index]), 0
        except Exception:
            return self.__getitem__((index + 1) % 9)

    def __len__(self):
        return 9


def engine(dataset, sampler=BatchSampler, **options):
    """An engine that evaluates ``dataset``."""
    loader = DataLoader(dataset, batch_sampler=sampler(dataset, batch_size=4, **options),
                        return_list=True)
    return types.SimpleNamespace(eval_dataloader=loader, use_dali=False, config={})


def test_samplers_of_whole_lists_pass_and_leave_random_numbers_alone():
    states = random.getstate(), np.random.get_state()[1].tolist()
    for shuffle in (False, True):
        whole_lists.require_whole_lists(engine(Images(), shuffle=shuffle))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


@pytest.mark.parametrize(("options", "found"), [
    ({"drop_last": True}, "8 of the 9 images only"),
    ({"num_replicas": 2, "rank": 0}, "5 of the 9 images only")])
def test_a_part_of_a_list_is_refused(options, found):
    with pytest.raises(TrialError, match=f"DataLoader.Eval.sampler, a Distr.*, gives {found}"):
        whole_lists.require_whole_lists(engine(Images(), DistributedBatchSampler, **options))


class Repeating(BatchSampler):
    def __iter__(self):
        yield from ([0, 1, 2, 3], [4, 5, 6, 7], [8, 0, 1, 2])


class Endless(BatchSampler):
    def __iter__(self):
        while True:
            yield [0, 1]


@pytest.mark.parametrize(("sampler", "found"), [(Repeating, 9), (Endless, 2)])
def test_a_sampler_that_repeats_images_is_refused(sampler, found):
    with pytest.raises(TrialError, match=f"gives {found} of the 9 images and some of them twice"):
        whole_lists.require_whole_lists(engine(Images(), sampler))


def test_a_list_without_an_image():
    class Nothing(Images):
        def __len__(self):
            return 0

    with pytest.raises(TrialError, match=r"DataLoader\.Eval has no image"):
        whole_lists.require_whole_lists(engine(Nothing()))


def test_more_lines_than_images(tmp_path):
    class ImageNetDataset(Images):
        pass

    (tmp_path / "list.txt").write_text("x.jpg 0\n" * 12)
    made = engine(ImageNetDataset())
    made.config = {"DataLoader": {"Eval": {"dataset": {
        "cls_label_path": str(tmp_path / "list.txt")}}}}
    with pytest.raises(TrialError, match=r"DataLoader\.Eval has 9 images, but its list has 12"):
        whole_lists.require_whole_lists(made)


def test_an_image_that_cannot_be_read_is_not_replaced_by_another():
    dataset = Images(broken=5)
    assert dataset[5][0].item() == 6, "or the test is not about PaddleClas's way"
    made = engine(dataset)
    whole_lists.require_whole_lists(made)
    with pytest.raises(TrialError, match=r"DataLoader.Eval: PaddleClas cannot read 5.jpg "
                       r"\(ValueError: no image\)"):
        list(whole_lists.read(iter(made.eval_dataloader)))
    assert dataset[4][0].item() == 4, "others are read as before"


def test_paddleclass_own_loops_are_counted_and_get_their_loader_back():
    made = engine(Images())
    loader = made.eval_dataloader
    with whole_lists.count_images(made, "eval_dataloader", "query_dataloader") as counted:
        assert made.eval_dataloader is counted[0] is not loader
        assert len(made.eval_dataloader) == 3
        assert [batch[0].shape[0] for batch in made.eval_dataloader] == [4, 4, 1]
    assert made.eval_dataloader is loader
    assert [one.seen for one in counted] == [9]


@pytest.mark.parametrize(("seen", "message"), [
    (8, "has measured 8 images of a list of 9"), (0, "has measured 0 images"),
    (12, "has measured 12 images of a list of 9: the last batch was filled up")])
def test_a_count_that_is_not_the_lists(seen, message):
    with pytest.raises(TrialError, match=message):
        whole_lists.require_all(seen, 9)
    assert whole_lists.require_all(9, 9) == 9


def test_answers_that_are_no_numbers_have_no_metric():
    eval_loop = import_with_ppcls("eval_loop", locate())
    for answers in (paddle.to_tensor([[float("nan"), 1.0]]), {"logits": paddle.to_tensor([float(
            "nan")])}, [paddle.to_tensor([[float("nan")]]), paddle.zeros([1])]):
        with pytest.raises(eval_loop.Diverged, match="answers in the evaluation are nan"):
            eval_loop._check_numbers(answers)
    eval_loop._check_numbers(paddle.to_tensor([[float("inf"), 1.0]]))
