"""The end of a network, from its classifier on, as a forward pass of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paddle
from paddle import Tensor, nn

from paddle_transfer.config import base
from paddle_transfer.worker.features import capture
from paddle_transfer.worker.features.classifier import Classifier
from paddle_transfer.worker.features.key import dataset_section
from paddle_transfer.worker.features.passes import ENDS, answers, modes_kept, watched

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

#: Losses that look at the logits of a recognition model only.
_OF_LOGITS = ("CELoss",)
#: Images with which a network is compared with its shortened form.
_PROBE = 8


class AsUsual(Exception):
    """Why a training cannot use features; it is told in the log."""


@dataclass(frozen=True)
class Shortened:
    """The end of a network as a forward pass of its own, from what ``FeatureSet.inputs`` hold.

    :param dropout: before the classifier; None for none
    :param shape: of one input of the classifier
    :param end: what follows it: see ``passes.ENDS``
    :param names: of what a recognition model gives: its logits, and what the classifier gets;
        empty where the network gives its answers alone
    """

    classifier: nn.Layer
    dropout: nn.Layer | None
    shape: tuple[int, ...]
    end: str
    names: tuple[str, ...] = ()

    def __call__(self, inputs: Tensor, label: Tensor | None = None) -> Any:
        del label
        dropped = inputs if self.dropout is None else self.dropout(inputs)
        given = dropped.reshape([inputs.shape[0], *self.shape])
        out = answers(self.classifier(given), self.end)
        return {name: out if name == "logits" else given for name in self.names} or out


def shorten(engine: TransferEngine, config: dict[str, Any], classifier: Classifier) -> Shortened:
    """The end of the network, compared with the whole one on real images, as in training and as in
    an evaluation.

    :raises AsUsual: something before the classifier is random, or the answers are not its
    """
    model = engine.model
    section = dataset_section(config, "Train", "Train")
    images, numbers = next(capture.batches(section, "DataLoader.Train", size=_PROBE, workers=0,
                                          shared_memory=False))
    labels = paddle.to_tensor(numbers)
    arguments = (images, labels.reshape([len(labels), -1])) if engine.is_rec else (images, )
    with paddle.no_grad(), watched(model, classifier.layer) as seen:
        state = paddle.get_rng_state()
        out = model(*arguments)
        inputs, shape, layer = seen.before, seen.input, seen.dropout
        names = _names(out, shape, config)
        model(*arguments)
        if inputs is None or shape is None or not _equal(seen.before, inputs):
            raise AsUsual("the network is random before its classifier (dropout, or stochastic "
                           "depth)")
        for end in ENDS:
            made = Shortened(classifier.layer, layer, tuple(shape.shape[1:]), end, names)
            paddle.set_rng_state(state)
            if _agree(made(inputs), out):
                break
        else:
            raise AsUsual("the network's answers are not those of its classifier "
                           f"{classifier.name} alone")
        with modes_kept(model):
            model.eval()
            whole = model(*arguments)
            if not _equal(seen.before, inputs) or not _agree(made(inputs), whole):
                raise AsUsual("the network computes otherwise in an evaluation")
    return made


def _names(out: Any, given: Tensor | None, config: dict[str, Any]) -> tuple[str, ...]:
    """The names of what a recognition model gives, as far as they follow from the classifier's
    input and output."""
    if not isinstance(out, dict) or given is None:
        return ()
    names = tuple(name for name, value in out.items() if name == "logits" or _equal(value, given))
    losses = [name for part in ("Train", "Eval")
              for name, _ in base.components(config, f"Loss.{part}")]
    others = [name for name in losses if name not in _OF_LOGITS]
    if len(names) < len(out) and others:
        raise AsUsual(f"the loss {others[0]} may look at layers before the classifier")
    return names


def _equal(one: Any, other: Tensor) -> bool:
    return isinstance(one, Tensor) and one.shape == other.shape and bool(
        paddle.equal_all(one, other))


def _agree(made: Any, out: Any) -> bool:
    """Whether the shortened network answers as the whole one does."""
    if isinstance(made, dict):
        return isinstance(out, dict) and all(_agree(value, out.get(name))
                                             for name, value in made.items())
    return isinstance(out, Tensor) and made.shape == out.shape and bool(
        paddle.allclose(made, out, rtol=1e-5, atol=1e-6))
