"""Trains a classifier on what it gets of every image, computed once, in the place of running the
whole network in every epoch.

Where the rest of the network is fixed and nothing draws at random before the classifier, its input
of an image is the same in every epoch. The same batches come in the same order, and the same
optimizer, losses and metrics see them, so that the training is the same but for its time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import paddle
from paddle import Tensor, nn

from paddle_transfer.config import resolve
from paddle_transfer.config.transforms import random_transforms
from paddle_transfer.errors import TrialError
from paddle_transfer.worker.batches import Batch
from paddle_transfer.worker.features.classifier import Classifier, find
from paddle_transfer.worker.features.feature_set import FeatureSet
from paddle_transfer.worker.features.opening import open_features
from paddle_transfer.worker.features.passes import modes_kept
from paddle_transfer.worker.features.shortened import AsUsual, shorten
from paddle_transfer.worker.networks import random_state_kept
from paddle_transfer.worker.options import Origin

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

#: A forward pass: of a batch, and of its labels for a recognition model.
Forward = Callable[..., Any]


def use_features(engine: TransferEngine, config: dict[str, Any], head: Collection[str],
                 freeze: Callable[[], None], prepared: Mapping[str, Origin]) -> None:
    """Make ``engine`` train and evaluate its classifier on features, if that is the same training;
    a line in the log says that it does, or why not.

    :param engine: before its first epoch
    :param config: of the training, with the weights that it asks for
    :param head: names of the tensors whose shape depends on the number of classes
    :param freeze: sets the layers into the modes of an epoch
    :param prepared: weights that a search prepared, by ``Global.pretrained_model``
    """
    try:
        _check_config(engine, config)
        classifier = _classifier(engine.model, head)
        with random_state_kept(), modes_kept(engine.model):
            engine.model.train()
            freeze()
            shortened = shorten(engine, config, classifier)
            found = {split: open_features(config, split, home=engine.home, engine=lambda: engine,
                                          transforms=split, inputs=True, prepared=prepared)
                     for split in ("Train", "Eval")}
    except (AsUsual, TrialError) as error:
        print(f"paddle_transfer: the whole network runs in every epoch: {error}", flush=True)
        return
    engine.model.forward = _either(shortened, engine.model.forward, found["Train"])
    engine.train_dataloader = FeatureLoader(engine.train_dataloader, found["Train"])
    engine.eval_dataloader = FeatureLoader(engine.eval_dataloader, found["Eval"])
    print("paddle_transfer: the classifier is trained on features, which are computed once",
          flush=True)


def _either(shortened: Forward, whole: Forward, features: FeatureSet) -> Forward:
    """``shortened`` for features, and ``whole`` for images, which others may still pass."""
    assert features.inputs is not None
    shape = list(features.inputs.shape[1:])

    def forward(inputs: Tensor, *label: Tensor) -> Any:
        return (shortened if list(inputs.shape[1:]) == shape else whole)(inputs, *label)
    return forward


def _check_config(engine: TransferEngine, config: dict[str, Any]) -> None:
    """:raises AsUsual: something draws at random, or is not made for features"""
    common = resolve.section(config, "Global")
    drawing = random_transforms(config, "Train") + random_transforms(config, "Eval")
    sampler = getattr(engine.train_dataloader, "batch_sampler", None)
    evaluated = getattr(getattr(engine, "eval_dataloader", None), "batch_sampler", None)
    reasons = {
        f"{', '.join(drawing)} draw{'s' * (len(drawing) == 1)} at random": bool(drawing),
        "Global.checkpoints may hold another network": bool(common.get("checkpoints")),
        "EMA keeps another network beside it": bool(
            getattr(engine, "ema", False) or config.get("EMA")),
        "AMP computes with other numbers": bool(config.get("AMP")),
        "several devices share its batches": paddle.distributed.get_world_size() > 1,
        "Global.to_static compiles the network": bool(common.get("to_static")),
        "DALI reads the images": bool(engine.use_dali),
        "Global.train_mode has a loop of its own": not engine.own_loop,
        "Global.eval_mode is no classification": engine.eval_mode != "classification",
        f"DataLoader.Train.sampler is a {type(sampler).__name__}": not isinstance(
            sampler, paddle.io.DistributedBatchSampler) or type(sampler).__module__.startswith(
                "ppcls"),
        f"DataLoader.Eval.sampler is a {type(evaluated).__name__}": not isinstance(
            evaluated, paddle.io.BatchSampler) or type(evaluated).__module__.startswith("ppcls")}
    reason = next((text for text, holds in reasons.items() if holds), "")
    if reason:
        raise AsUsual(reason)


def _classifier(model: nn.Layer, head: Collection[str]) -> Classifier:
    found = find(model, head)
    trained = {name for name, value in model.named_parameters() if not value.stop_gradient}
    others = trained - {found.weight, found.bias}
    if others or not trained:
        raise AsUsual(f"more than the classifier is trained: {', '.join(sorted(others)[:3])}")
    return found


class FeatureLoader:
    """A loader that gives features in the place of images, in the batches of ``loader``."""

    def __init__(self, loader: Any, features: FeatureSet):
        assert features.inputs is not None
        self._loader, self._inputs, self._labels = loader, features.inputs, features.labels

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        for indices in self._loader.batch_sampler:
            yield [paddle.to_tensor(self._inputs[indices]), paddle.to_tensor(self._labels[indices])]
