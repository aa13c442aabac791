"""The config section ``FineTune``: options of the head that hold for any architecture and strategy.

Both act only in training, and without new names in the weights, so that these load anywhere.
``strategies.worker.head_options`` installs them.
"""

from __future__ import annotations

from pydantic import Field

from paddle_transfer.config.validation import Section

SECTION = "FineTune"


class HeadOptions(Section):
    """The keys of the section."""

    dropout: float = Field(0.0, ge=0, lt=1, description="rate of dropout before the classifier")
    backbone_lr_mult: float = Field(1.0, ge=0, description="learning rate of all parameters but "
                                    "the classifier's, as a multiple of it")
    note: str = Field("", description="a remark for people")
