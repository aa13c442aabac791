"""Which layers ``Transfer.head.hidden`` puts others in the place of, by the architecture's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from paddle_transfer.config import resolve

#: Where the section stands.
WHERE = "Transfer.head"

#: The part of a RecModel that ends in the hidden layer: "." means the classifier in it.
BACKBONE = "backbone."


@dataclass(frozen=True)
class DenseLayers:
    """The three linear layers, with a ReLU after the first two, in which a network ends.

    :param names: of the layers
    :param dropouts: names of the layers of dropout between them; "" for none
    :param width: outputs of the first two
    """

    names: tuple[str, str, str]
    dropouts: tuple[str, str]
    width: int = 4096


#: Pattern of architecture names -> their last layers.
DENSE = {r"VGG(11|13|16|19)": DenseLayers(("fc1", "fc2", "fc3"), ("drop", "drop")),
         "AlexNet": DenseLayers(("_fc6", "_fc7", "_fc8"), ("_drop2", ""))}


def dense_layers(config: dict[str, Any]) -> DenseLayers | None:
    """The dense layers of ``Arch.name``; None for an architecture that ends otherwise."""
    name = str(resolve.section(config, "Arch").get("name"))
    return next((layers for pattern, layers in DENSE.items() if re.fullmatch(pattern, name)), None)


def is_new(config: dict[str, Any]) -> bool:
    """Whether ``Transfer.head`` describes a new head: it is a mapping."""
    return isinstance(resolve.section(config, "Transfer").get("head"), dict)


def replaced(config: dict[str, Any]) -> tuple[str, ...]:
    """The layers beside the classifier that begin anew, so that no weights are loaded into them.

    A name that ends in a dot stands for the classifier of that part of the network.
    """
    if not is_new(config) or not config["Transfer"]["head"].get("hidden"):
        return ()
    dense = dense_layers(config)
    return dense.names[:2] if dense else (BACKBONE,)
