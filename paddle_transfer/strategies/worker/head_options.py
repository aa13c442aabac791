"""Installs the options of the head (section ``FineTune``) in a network."""

from __future__ import annotations

from collections.abc import Sequence

from paddle import nn

from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.head_options import HeadOptions
from paddle_transfer.strategies.worker.base import WorkerHalf
from paddle_transfer.strategies.worker.dropout import drop_before
from paddle_transfer.strategies.worker.new_head import owners


class HeadOptionsHalf(WorkerHalf):
    """Dropout before the classifier, and a lower learning rate for the rest."""

    options: HeadOptions
    may_freeze = False

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        """:raises TrialError: ``model`` has no classifier"""
        if not self.options.model_fields_set & {"dropout", "backbone_lr_mult"}:
            return ()
        head = owners(model, self.find_classifier())
        if not head:
            raise TrialError(
                f"FineTune: {type(model).__name__} has no layer whose size depends on the number "
                "of classes, so dropout and lr_mult have no place in it. Take these keys out of "
                "the search, or choose another Arch.name")
        drop_before(head, self.options.dropout)
        own = {id(parameter) for layer in head for parameter in layer.parameters()}
        for parameter in model.parameters():
            if id(parameter) not in own:
                parameter.optimize_attr["learning_rate"] *= self.options.backbone_lr_mult
        return ()
