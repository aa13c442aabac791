"""Labelled images of one domain, unlabelled ones of another: the network learns for the other.

- ``adversarial``: a discriminator of the domains behind a reversed gradient (Ganin et al. 2016,
  Domain-Adversarial Training of Neural Networks).
- ``coral``: the features' covariances are drawn together (Sun & Saenko 2016, Deep CORAL).
- ``adabn``: BatchNorm uses the statistics of the unlabelled images (Li et al. 2016, Revisiting
  Batch Normalization for Practical Domain Adaptation).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from paddle_transfer.config.rules import one_of
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ValidationIssue
from paddle_transfer.strategies.base import Strategy
from paddle_transfer.strategies.two_lists import REFUSES, check_two_lists

#: Chooses without labels of the target: the mean of the accuracy on ``DataLoader.Eval``, then
#: images of the source, and of the mutual information between the unlabelled images and their
#: predicted classes, as a share of its maximum (InfoMax: Shi & Sha 2012, Information-Theoretical
#: Learning of Discriminative Clusters; as a validator: Musgrave et al. 2022, Three New Validators).
TARGET_FREE = "target_free"


class DomainAdaptationOptions(Options):
    """How the two domains are brought together."""

    method: Annotated[str, one_of("adversarial", "coral", "adabn")] = Field(
        "adversarial", description="adversarial (Ganin et al. 2016), coral (Sun & Saenko 2016) or "
        "adabn (Li et al. 2016)")
    weight: float = Field(1.0, ge=0, description="lambda: weight of the discriminator's reversed "
                          "gradient, or of coral's distance; adabn has none")
    schedule: Annotated[str, one_of("ramp", "constant")] = Field(
        "ramp", description="lambda grows from 0 as weight * (2 / (1 + exp(-10 p)) - 1), p the "
        "part of the training that is over; or is constant")
    hidden: int = Field(256, ge=1, description="width of the discriminator's two hidden layers")


class DomainAdaptation(Strategy[DomainAdaptationOptions]):
    """``DataLoader.Unlabeled`` is of the domain in which the network will be used.

    The labelled images are those of ``DataLoader.Train``; with ``DataLoader.Source`` these are the
    few labelled ones of the target, and those of ``DataLoader.Source`` come from elsewhere.
    """

    name = "domain_adaptation"
    options = DomainAdaptationOptions
    needs_unlabeled_data = True
    shares_classes = True
    metrics = (TARGET_FREE, )
    refuses = REFUSES
    worker = "paddle_transfer.strategies.worker.domains:DomainAdaptationHalf"

    def effective(self, options: DomainAdaptationOptions) -> dict[str, Any]:
        """adabn adds no loss, and coral has no discriminator."""
        unused = {"adabn": ("weight", "schedule", "hidden"), "coral": ("hidden",)}.get(
            options.method, ())
        return {key: value for key, value in options.model_dump().items() if key not in unused}

    def check(self, config: dict[str, Any], options: DomainAdaptationOptions
              ) -> list[ValidationIssue]:
        """See ``two_lists``."""
        del options
        return check_two_lists(config, self.name)
