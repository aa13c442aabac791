"""The strategy ``domain_adaptation``: unlabelled images of the target in each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import paddle
from paddle import Tensor, nn
from paddle.nn import functional

from paddle_transfer.config import resolve
from paddle_transfer.errors import TrialError
from paddle_transfer.strategies.domain_adaptation import TARGET_FREE, DomainAdaptationOptions
from paddle_transfer.strategies.worker import alignment
from paddle_transfer.strategies.worker.base import TrainedEngine, WorkerHalf
from paddle_transfer.strategies.worker.features import Features
from paddle_transfer.strategies.worker.statistics import Statistics


class DomainAdaptationHalf(WorkerHalf):
    """Adds a loss on the features of both domains, or takes the target's statistics."""

    options: DomainAdaptationOptions
    may_freeze = False

    def model_built(self, model: nn.Layer) -> Sequence[nn.Layer]:
        """:raises TrialError: adabn, and the network has no BatchNorm"""
        self._step, self._streams = 0, dict[str, Iterator[Sequence[Tensor]]]()
        self._has_source = bool((self.config.get("DataLoader") or {}).get("Source"))
        self._statistics = Statistics(model)
        if self.options.method == "adabn" and not self._statistics.norms:
            raise TrialError("Transfer.strategy: method: adabn needs a network with BatchNorm, and "
                             f"{type(model).__name__} has none. Choose adversarial or coral")
        self._features = Features(self.split(model), resolve.outputs(dict(self.config)))
        if self.options.method != "adversarial":
            return ()
        self._discriminator = alignment.Discriminator(self._features.width, self.options.hidden)
        return [self._discriminator]

    def epoch_started(self, engine: TrainedEngine, epoch: int) -> None:
        del epoch
        for part, wanted in (("Source", self._has_source),
                             ("Unlabeled", self.options.method != "adabn")):
            if wanted and part not in self._streams:
                self._streams[part] = engine.further_batches(part)

    def losses(self, engine: TrainedEngine, batch: Sequence[Tensor],
               losses: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        del batch
        of_train = self._features.take()
        made, (source, target) = dict(losses), ([of_train], list[Tensor]())
        if self._has_source:
            images, labels = next(self._streams["Source"])[:2]
            of_source = engine.loss_of(images, labels)
            made.update(SourceLoss=of_source, loss=made["loss"] + of_source)
            source, target = [self._features.take()], [of_train]
        if self.options.method != "adabn":
            engine.forward(next(self._streams["Unlabeled"])[0])
            target.append(self._features.take())
            made.update(self._aligned(paddle.concat(source), paddle.concat(target),
                                      self._weight(engine), made["loss"]))
        self._step += 1
        return made

    def _weight(self, engine: TrainedEngine) -> float:
        steps = engine.config["Global"]["epochs"] * len(engine.train_dataloader)
        constant = self.options.schedule == "constant"
        return self.options.weight * (1 if constant else alignment.ramp(self._step / steps))

    def _aligned(self, source: Tensor, target: Tensor, weight: float, loss: Tensor
                 ) -> dict[str, Tensor]:
        if self.options.method == "coral":
            distance = alignment.coral(source, target)
            return {"CoralLoss": distance, "loss": loss + weight * distance}
        domain, right = alignment.domain_loss(*(
            self._discriminator(alignment.reverse_gradient(features, weight))
            for features in (source, target)))
        return {"DomainLoss": domain, "DomainAccuracy": right, "loss": loss + domain}

    def state(self) -> dict[str, Any]:
        return {"step": self._step}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._step = state["step"]

    def measured(self, engine: TrainedEngine, accuracy: float) -> Mapping[str, float]:
        """``target_free``, when it chooses the best epoch: it costs a pass through the list."""
        if engine.metric != TARGET_FREE:
            return {}
        with paddle.no_grad():
            answers = [functional.softmax(engine.forward(batch[0]).astype("float32"), axis=-1)
                       for batch in engine.whole_list("Unlabeled")]
        return {TARGET_FREE: (accuracy + alignment.information(paddle.concat(answers))) / 2}

    def before_evaluation(self, engine: TrainedEngine) -> None:
        """The statistics of every BatchNorm become those of all unlabelled images."""
        self._statistics.take(engine, "Unlabeled")
