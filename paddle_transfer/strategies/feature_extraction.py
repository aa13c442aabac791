"""A classifier of scikit-learn on the features of the pretrained network, which is not trained.

Kornblith et al. 2019, Do Better ImageNet Models Transfer Better? (logistic regression); Sharif
Razavian et al. 2014, CNN Features off-the-shelf (linear SVM).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from paddle_transfer.config import pretrained, resolve
from paddle_transfer.config.rules import one_of
from paddle_transfer.config.validation import Options
from paddle_transfer.errors import ValidationIssue, show
from paddle_transfer.strategies.base import Strategy

#: Classifiers that give one affine score a class, which a network's last layer can compute.
LINEAR = ("logistic_regression", "linear_svm")
CLASSIFIERS = (*LINEAR, "knn")
_HINT = "Take it out, or choose another strategy."


class FeatureExtractionOptions(Options):
    """See ``worker.extraction.classifiers`` for what becomes of them."""

    classifier: Annotated[str, one_of(*CLASSIFIERS)] = Field(
        "logistic_regression", description="logistic_regression, linear_svm or knn")
    strength: float = Field(0.01, gt=0, allow_inf_nan=False, description="scikit-learn's C of the "
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

    def effective(self, options: FeatureExtractionOptions) -> dict[str, Any]:
        """A linear classifier has no neighbours, and k nearest ones are not regularized."""
        unused = "neighbors" if options.classifier in LINEAR else "strength"
        return {key: value for key, value in options.model_dump().items() if key != unused}

    def check(self, config: dict[str, Any], options: FeatureExtractionOptions
              ) -> list[ValidationIssue]:
        """Its features are one network's of images with one label each."""
        del options
        common, found = resolve.section(config, "Global"), []
        if resolve.is_multilabel(config):
            found.append(("Global.use_multilabel", "images have one label each", "True"))
        if pretrained.loaded_by_paddleclas(config):
            found.append(("Arch", "there is one network, with one file of weights",
                          "several networks, or weights that PaddleClas chooses"))
        if common.get("eval_mode", "classification") != "classification":
            found.append(("Global.eval_mode", "what is evaluated is a classification",
                          show(common["eval_mode"])))
        head = resolve.section(config, "Transfer").get("head")
        if isinstance(head, dict) and head.get("hidden"):
            found.append(("Transfer.head.hidden", "no new layer is trained",
                          show(head["hidden"])))
        if common.get("checkpoints"):
            found.append(("Global.checkpoints", "there is nothing to resume",
                          show(common["checkpoints"])))
        return [ValidationIssue(where, f"under the strategy {self.name} {rule}", what, _HINT)
                for where, rule, what in found]

    def note(self, options: FeatureExtractionOptions) -> str:
        """Whether PaddleClas's own tools can use the weights."""
        if options.written_back:
            return ("paddle_transfer's train fits the last layer to features; PaddleClas's own "
                    "would train all layers, but evaluates and infers with the weights")
        return ("the classifier is in the file .index.npz beside the weights, which paddle_"
                "transfer's eval and infer read; PaddleClas's own tools cannot use it")

    def edit(self, config: dict[str, Any], options: FeatureExtractionOptions) -> None:
        """There is one epoch, which is evaluated, of weights of 32 bits and no average of them."""
        del options
        for section in ("AMP", "EMA"):
            config.pop(section, None)
        config["Global"].update(epochs=1, eval_interval=1, eval_during_train=True)
        config["Global"].pop("start_eval_epoch", None)
