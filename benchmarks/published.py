"""Settings that people publish, tried without a model: what a search has to be better than."""

from __future__ import annotations

import math

from benchmarks.peers import Best
from paddle_transfer.space.hyperparameter import Value, is_number
from paddle_transfer.space.space import Point, Space

#: Published settings for fine-tuning by SGD with momentum 0.9, the most general ones first. Rates
#: are taken as they stand there, whatever the batch. In order:
#:
#: - PaddleClas's page on transfer learning: where its searches start (ImageNet weights)
#: - Li et al. 2020 (Rethinking the Hyperparameters for Fine-tuning, arXiv 2002.11770): what they
#:   find most studies to use
#: - PaddleClas's same page: large-scale weights
#: - PaddleClas, quick_start/ResNet50_vd.yaml; MobileNetV3_large_x1_0.yaml
#: - PaddleClas, quick_start/professional/ResNet50_vd_mixup_CIFAR100_finetune.yaml
#: - PaddleClas, PULC/person_exists/PPLCNet_x1_0.yaml; PULC/safety_helmet/PPLCNet_x1_0.yaml
#: - the BiT-HyperRule below
DEFAULTS: tuple[Point, ...] = (
    {"lr": 0.003, "l2_decay": 1e-4},
    {"lr": 0.01, "l2_decay": 1e-4},
    {"lr": 0.001, "l2_decay": 1e-4},
    {"lr": 0.0125, "l2_decay": 1e-5},
    {"lr": 0.00375, "l2_decay": 1e-6},
    {"lr": 0.04, "l2_decay": 1e-4, "mixup": True},
    {"lr": 0.01, "l2_decay": 4e-5},
    {"lr": 0.025, "l2_decay": 3e-5, "label_smoothing": True},
    {"lr": 0.003, "l2_decay": 0.0},
)

#: Kolesnikov et al. 2020 (Big Transfer, arXiv 1912.11370, section 3.3): rate 0.003, no weight
#: decay, mixup only from 20,000 images on, which no recorded table has.
HYPERRULE: Point = {"lr": 0.003, "l2_decay": 0.0}


class PublishedSearcher(Best):
    """Trains ``first`` if there is one, then ``settings`` in their order, each at the nearest point
    of the space and once; then there is no other point. Chooses the best value seen."""

    def __init__(self, space: Space, settings: tuple[Point, ...], *, first: Point | None = None):
        super().__init__(space)
        points = [nearest(space, setting) for setting in settings]
        if first is not None:
            points.insert(0, first)
        self._left = list({space.key(point): point for point in points}.values())

    def ask(self) -> Point | None:
        return self._left.pop(0) if self._left else None

    def tell(self, point: Point, curve, pruned: bool) -> None:
        self.told.append((point, curve[-1][1], pruned))


def nearest(space: Space, setting: Point) -> Point:
    """The point of a finite ``space`` that is nearest to ``setting``: numbers by their ratio, a
    flag that it does not name is off, any other hyperparameter has its first value."""
    def near(values: tuple[Value, ...], wanted: Value) -> Value:
        if is_number(wanted) and all(is_number(value) for value in values):
            return min(values, key=lambda value: abs(math.log(max(value, 1e-9) /
                                                              max(wanted, 1e-9))))
        return values[values.index(wanted)] if wanted in values else values[0]

    return {h.name: near(h.values, setting.get(h.name, False if False in h.values else None))
            for h in space.hyperparameters}
