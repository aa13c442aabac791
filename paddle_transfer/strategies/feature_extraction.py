"""A classifier of scikit-learn on the features of the pretrained network, which is not trained.

Kornblith et al. 2019, Do Better ImageNet Models Transfer Better? (logistic regression); Sharif
Razavian et al. 2014, CNN Features off-the-shelf (linear SVM).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from paddle_transfer.config.rules import one_of
from paddle_transfer.config.validation import Options
from paddle_transfer.strategies.base import Strategy

#: Classifiers that give one affine score a class, which a network's last layer can compute.
LINEAR = ("logistic_regression", "linear_svm")
CLASSIFIERS = (*LINEAR, "knn")


class FeatureExtractionOptions(Options):
    """See ``worker.extraction.classifiers`` for what becomes of them."""

    classifier: Annotated[str, one_of(*CLASSIFIERS)] = Field(
        "logistic_regression", description="logistic_regression, linear_svm or knn")
    strength: float = Field(0.1, gt=0, allow_inf_nan=False, description="scikit-learn's C of the "
                            "linear classifiers: the smaller, the more regularized")
    neighbors: int = Field(5, ge=1, description="how many neighbours knn asks")
    standardize: bool = Field(True, description="scale every feature to mean 0 and variance 1, "
                              "as measured on the training images")
    layer: str = Field("", description="the layer whose output, averaged over its positions, is "
                       "used; empty: what the classifier's layer gets")

    @property
    def written_back(self) -> bool:
        """Whether the last layer of the network can compute the classifier."""
        return self.classifier in LINEAR and not self.layer


class FeatureExtraction(Strategy[FeatureExtractionOptions]):
    """The features of all images are computed once, with the evaluation's transforms."""

    name = "feature_extraction"
    options = FeatureExtractionOptions
    returns = ("weights of Arch.name, for stock PaddleClas, with the linear classifier as the last "
               "layer; of other classifiers an index beside the weights, for this package only")
    needs_weights = True
    trains_network = False
    trainer = "paddle_transfer.worker.extraction.training:FeatureTraining"
    worker = "paddle_transfer.worker.extraction.indexed:IndexHalf"

    def edit(self, config: dict[str, Any], options: FeatureExtractionOptions) -> None:
        """There is one epoch, which is evaluated."""
        del options
        config["Global"].update(epochs=1, eval_interval=1, eval_during_train=True)
        config["Global"].pop("start_eval_epoch", None)
