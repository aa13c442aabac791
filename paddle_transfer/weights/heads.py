"""Which tensors are the head: those whose shape depends on the number of classes.

The exact way builds the network for two numbers of classes and compares (``find_head`` in
``worker/load_weights.py``). For a network that the caller has built, the names below decide. They
gave the same result as the exact way for the 220 architectures of PaddleClas 2.4.2 and 317 of
develop that could be built without initialising them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

_LAYERS = (r"_?fc", r"_?out", r"_fc_out", r"_out[12]", r"_fc8", r"fc3", r"fc_1", r"linear",
           r"output(\.1)?", r"_conv9", r"_exit_flow\._out", r"head(\.l)?", r"head_dist(\.l)?",
           r"base\.\d+\.3", r"proj_head\.0", r"classifier(\.(fc|1|2\.linear\.[01]))?")
_PARTS = ("weight", "bias", "_mean", "_variance")
_HEAD = re.compile(rf"({'|'.join(_LAYERS)})\.({'|'.join(_PARTS)})\Z")


def by_shape(one: Mapping[str, Sequence[int]],
             other: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """The names whose shapes differ between two builds of a network."""
    return tuple(name for name, shape in one.items() if tuple(other.get(name, ())) != tuple(shape))


def by_name(names: Sequence[str]) -> tuple[str, ...]:
    """The head among ``names`` (a network's); empty when none is known."""
    return tuple(name for name in names if _HEAD.match(name))


def of_layers(layers: Collection[str], names: Sequence[str]) -> tuple[str, ...]:
    """Those of ``names`` (a network's) that belong to ``layers``; a layer that ends in a dot is the
    head of that part of the network."""
    parts = tuple(layer for layer in layers if layer.endswith("."))
    return tuple(name for name in names if layer_of(name) in layers or any(
        name.startswith(part) and _HEAD.match(name, len(part)) for part in parts))


def layer_of(name: str) -> str:
    """``fc`` for ``fc.weight``; a name without a dot is a layer of its own."""
    return name.rpartition(".")[0] or name


def other_parts(names: Sequence[str], head: Sequence[str]) -> set[str]:
    """The parts of ``head``'s layers among a file's ``names`` (a bias that the network lacks)."""
    layers = set(map(layer_of, head))
    return {name for name in names
            if layer_of(name) in layers and name.rpartition(".")[2] in _PARTS}
