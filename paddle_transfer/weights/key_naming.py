"""The names that a file gives to a network's tensors, brought to the network's own.

Two things differ from file to file: a prefix that a wrapper put before every name, and the naming of earlier
releases. Both are found by counting: whichever reading covers most of the network is the right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

#: What wrappers put before names: paddle.DataParallel, an EMA copy, PaddleClas's RecModel and DistillationModel.
PREFIXES = ("_layers.", "module.", "Student.", "model.", "backbone.")
#: A checkpoint's tensors that belong to the loss, not to the network (PaddleClas >= 2.5 saves both in one file).
LOSS = ("loss_func.",)


@dataclass(frozen=True)
class Reading:
    """How a file's names become the network's: ``names`` maps the network's name to the file's.

    ``outside`` are the file's names that are no part of this network by their prefix (a teacher, a neck, the loss).
    """

    names: dict[str, str]
    outside: tuple[str, ...]
    prefix: str = ""
    style: str = ""


def read_names(found: Collection[str], wanted: Collection[str]) -> Reading:
    """The reading of ``found`` that covers most of ``wanted``; the plainest of those that tie."""
    best, best_score = None, -1
    wanted = set(wanted)
    for prefix in _prefixes(found):
        inside = {name[len(prefix):]: name for name in found if name.startswith(prefix)}
        for style, rename in STYLES.items():
            names = rename(inside)
            if names is None:
                continue
            score = len(wanted.intersection(names))
            if score > best_score:
                used = set(names.values())
                outside = tuple(name for name in found if name not in used)
                best, best_score = Reading(names, outside, prefix, style), score
    assert best is not None
    return _without_loss(best, wanted)


def _without_loss(reading: Reading, wanted: set[str]) -> Reading:
    extra = {
        mine: theirs
        for mine, theirs in reading.names.items()
        if mine.startswith(LOSS) and mine not in wanted
    }
    if not extra:
        return reading
    names = {mine: theirs for mine, theirs in reading.names.items() if mine not in extra}
    return Reading(names, reading.outside + tuple(extra.values()), reading.prefix, reading.style)


def _prefixes(found: Iterable[str]) -> list[str]:
    """Every chain of known prefixes that some name starts with, shortest first."""
    names = list(found)
    chains = [""]
    for length in (1, 2, 3):
        for parts in product(PREFIXES, repeat=length):
            chain = "".join(parts)
            if chain[: -len(parts[-1])] in chains and any(name.startswith(chain) for name in names):
                chains.append(chain)
    return chains


def _as_is(names: Mapping[str, str]) -> dict[str, str] | None:
    return dict(names)


_LAYER = (("._batch_norm.", ".bn."), ("._conv.", ".conv."))


def _hub(names: Mapping[str, str]) -> dict[str, str] | None:
    """ResNet and ResNet_vd as PaddleClas 2.0 and PaddleHub name them: conv1_1, bb_0_0.conv0._batch_norm, out.

    Source: ppcls/modeling/architectures/resnet_vd.py in release/2.0, and modules/image/classification/
    resnet50_vd_10w/module.py in PaddleHub.
    """
    blocks = sorted(
        {tuple(map(int, match.groups())) for match in map(_BLOCK.match, names) if match})
    if not blocks:
        return None
    number = {block: i for i, block in enumerate(blocks)}
    result = {}
    for name, original in names.items():
        for old, new in _LAYER:
            name = name.replace(old, new)
        match, stem = _BLOCK.match(name), _STEM.match(name)
        if match:
            block = number[int(match[1]), int(match[2])]
            name = f"blocks.{block}.{name[match.end():]}"
        elif stem:
            name = f"stem.{int(stem[1] or 1) - 1}.{name[stem.end():]}"
        elif name.startswith("out."):
            name = "fc." + name[4:]
        result[name] = original
    return result if len(result) == len(names) else None


_BLOCK = re.compile(r"bb_(\d+)_(\d+)\.")
_STEM = re.compile(r"conv(?:1_(\d))?\.(?=conv\.|bn\.)")


def _static(names: Mapping[str, str]) -> dict[str, str] | None:
    """ResNet_vd as Paddle 1.x names it: conv1_1_weights, res2a_branch2a_weights, bn2a_branch2a_scale, fc_0.w_0.

    Source: ppcls/modeling/architectures/resnet_vd.py in release/static.
    """
    blocks = sorted(
        {(int(m[1]), _letter(m[2])) for m in map(_RES.match, names) if m and m[3] != "1"})
    if not blocks:
        return None
    number = {block: i for i, block in enumerate(blocks)}
    result = {}
    for name, original in names.items():
        match, stem = _RES.match(name), _CONV1.match(name)
        if match and (int(match[1]), _letter(match[2])) in number:
            block = number[int(match[1]), _letter(match[2])]
            part = "short" if match[3] == "1" else f"conv{ord(match[3][1]) - ord('a')}"
            name = f"blocks.{block}.{part}.{_PARTS[match[4]]}"
        elif stem:
            name = f"stem.{int(stem[1]) - 1}.{_PARTS[stem[2]]}"
        else:
            name = {"fc_0.w_0": "fc.weight", "fc_0.b_0": "fc.bias"}.get(name, name)
        result[name] = original
    return result if len(result) == len(names) else None


_PARTS = {"weights": "conv.weight", "scale": "bn.weight", "offset": "bn.bias", "mean": "bn._mean",
          "variance": "bn._variance"}
_RES = re.compile(
    r"(?:res|bn)(\d)([a-z]\d*)_branch(1|2[abc])_(weights|scale|offset|mean|variance)\Z")
_CONV1 = re.compile(r"(?:con|bn)v1_(\d)_(weights|scale|offset|mean|variance)\Z")


def _letter(text: str) -> tuple[int, int]:
    """The order of the blocks of a stage: a, b, c, ... in small networks; a, b1, b2, ... in deep ones."""
    return ord(text[0]), int(text[1:] or 0)


STYLES: dict[str, Callable[[Mapping[str, str]], dict[str, str] | None]] = {
    "": _as_is, "PaddleHub": _hub, "Paddle 1.x": _static}
