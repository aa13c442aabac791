"""Which trainings use features, and in which batches."""

from types import SimpleNamespace

import numpy as np
import pytest
from paddle.io import BatchSampler, DataLoader, Dataset, DistributedBatchSampler

from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.features.feature_set import FeatureSet
from paddle_transfer.worker.locate import locate

cached_head = import_with_ppcls("features.cached_head", locate())


class Numbers(Dataset):
    def __getitem__(self, index):
        return np.float32([index]), np.int64(index % 3)

    def __len__(self):
        return 20


def loader(sampler=DistributedBatchSampler, **options):
    return DataLoader(Numbers(), batch_sampler=sampler(Numbers(), batch_size=6, **options),
                      return_list=True)


def engine(**attributes):
    return SimpleNamespace(**{"train_dataloader": loader(), "eval_dataloader": loader(),
                              "use_dali": False, "own_loop": True, "eval_mode": "classification",
                              **attributes})


def config(**sections):
    parts = {name: {"dataset": {"transform_ops": [{"DecodeImage": None}]}}
             for name in ("Train", "Eval")}
    return {"Global": {}, "DataLoader": parts, **sections}


def test_a_plain_training_uses_them():
    cached_head._check_config(engine(), config())
    cached_head._check_config(engine(eval_dataloader=loader(BatchSampler)), config())


FLIP = [{"RandFlipImage": {}}, {"Cutout": {}}]


@pytest.mark.parametrize(("attributes", "sections", "reason"), [
    ({}, {"DataLoader": {"Train": {"dataset": {"transform_ops": FLIP}}}},
     "RandFlipImage, Cutout draw at random"),
    ({}, {"DataLoader": {"Eval": {"dataset": {"transform_ops": FLIP[:1]}}}},
     "RandFlipImage draws at random"),
    ({}, {"Global": {"checkpoints": "out/latest"}}, "Global.checkpoints"),
    ({}, {"Global": {"to_static": True}}, "Global.to_static"),
    ({}, {"EMA": {"decay": 0.99}}, "EMA"), ({"ema": True}, {}, "EMA"),
    ({}, {"AMP": {"level": "O1"}}, "AMP"), ({"use_dali": True}, {}, "DALI"),
    ({"own_loop": False}, {}, "Global.train_mode"),
    ({"eval_mode": "retrieval"}, {}, "Global.eval_mode"),
    ({"train_dataloader": loader(BatchSampler)}, {},
     "DataLoader.Train.sampler is a BatchSampler"),
    ({"eval_dataloader": SimpleNamespace()}, {}, "DataLoader.Eval.sampler is a NoneType")])
def test_others_run_the_whole_network(attributes, sections, reason):
    with pytest.raises(cached_head.AsUsual, match=reason):
        cached_head._check_config(engine(**attributes), config(**sections))


def test_several_devices_run_the_whole_network(monkeypatch):
    monkeypatch.setattr("paddle.distributed.get_world_size", lambda: 2)
    with pytest.raises(cached_head.AsUsual, match="several devices share its batches"):
        cached_head._check_config(engine(), config())


def test_a_network_of_which_more_is_trained_is_run_as_a_whole():
    from paddle import nn
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with pytest.raises(cached_head.AsUsual, match=r"more than the classifier is trained: 0\.bias"):
        cached_head._classifier(model, ["1.weight", "1.bias"])
    for value in model[0].parameters():
        value.stop_gradient = True
    assert cached_head._classifier(model, ["1.weight", "1.bias"]).weight == "1.weight"


def test_images_still_pass_through_the_whole_network():
    floats = np.zeros((4, 8), np.float32)
    features = FeatureSet(floats, np.arange(4), floats[0], floats[0], "k", {}, floats)
    forward = cached_head._either(lambda *given: ("short", len(given)),
                                  lambda *given: ("whole", len(given)), features)
    assert forward(np.zeros((2, 8))) == ("short", 1)
    assert forward(np.zeros((2, 3, 8, 8)), np.zeros(2)) == ("whole", 2)


def test_features_come_in_the_batches_of_the_images():
    """Over two epochs of a shuffled list, whose last batch is not full."""
    floats, labels = np.arange(20, dtype=np.float32)[:, None], np.arange(20) % 3
    features = FeatureSet(floats, labels, floats[0], floats[0], "k", {}, floats)
    images, cached = (loader(shuffle=True), cached_head.FeatureLoader(
        loader(shuffle=True), features))
    assert len(cached) == len(images) == 4
    assert len(cached.dataset) == 20
    for _ in range(2):
        for one, other in zip(images, cached, strict=True):
            for i in range(2):
                assert one[i].dtype == other[i].dtype
                np.testing.assert_array_equal(one[i].numpy(), other[i].numpy())
