"""The names that a file gives to a network's tensors, brought to the network's own.

Two things differ from file to file: a prefix that a wrapper put before every name, and the naming
of earlier releases. Both are found by counting: the right one covers most of the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

#: What wrappers put before names: paddle.DataParallel, an EMA copy, PaddleClas's RecModel and
#: DistillationModel.
PREFIXES = ("_layers.", "module.", "Student.", "model.", "backbone.")
#: A network that holds another, whose own file is loaded into that part of it: RecModel.
INTO = ("", "backbone.")
#: A checkpoint's tensors that belong to the loss: PaddleClas >= 2.5 saves both in one file.
LOSS = ("loss_func.",)

Rename = Callable[[Mapping[str, str]], dict[str, str] | None]


@dataclass(frozen=True)
class NameMatch:
    """How a file's names become the network's.

    :param names: the network's name -> the file's
    :param outside: the file's names that are no part of this network (a teacher, a neck, the loss)
    :param prefix: what was taken off the file's names
    :param naming: the key of ``NAMINGS``
    """

    names: dict[str, str]
    outside: tuple[str, ...]
    prefix: str = ""
    naming: str = ""


def match_names(found: Collection[str], wanted: Collection[str]) -> NameMatch:
    """The match of ``found`` that covers most of ``wanted``; the plainest of those that tie."""
    best, best_score = NameMatch({}, tuple(found)), -1
    wanted = set(wanted)
    for prefix in _prefixes(found):
        inside = {name[len(prefix):]: name for name in found if name.startswith(prefix)}
        for naming, rename in NAMINGS.items():
            renamed = rename(inside)
            if renamed is None:
                continue
            for into in INTO:
                names = {into + mine: theirs for mine, theirs in renamed.items()}
                score = len(wanted.intersection(names))
                if score <= best_score:
                    continue
                used = set(names.values())
                outside = tuple(name for name in found if name not in used)
                best, best_score = NameMatch(names, outside, prefix, naming), score
    loss = {mine for mine in best.names if mine.startswith(LOSS) and mine not in wanted}
    return replace(
        best, names={mine: theirs for mine, theirs in best.names.items() if mine not in loss},
        outside=(*best.outside, *(best.names[mine] for mine in best.names if mine in loss)))


def _prefixes(found: Iterable[str]) -> list[str]:
    """Every chain of known prefixes that some name starts with, shortest first."""
    names, chains = list(found), [""]
    for length in (1, 2, 3):
        for parts in product(PREFIXES, repeat=length):
            chain = "".join(parts)
            if chain[:-len(parts[-1])] in chains and any(name.startswith(chain) for name in names):
                chains.append(chain)
    return chains


def _unchanged(names: Mapping[str, str]) -> dict[str, str]:
    return dict(names)


def _numbers(blocks: Iterable[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
    """The place of each block in their order."""
    return {block: number for number, block in enumerate(sorted(set(blocks)))}


_HUB_LAYERS = (("._batch_norm.", ".bn."), ("._conv.", ".conv."))
_HUB_BLOCK = re.compile(r"bb_(\d{1,4})_(\d{1,4})\.")
_HUB_STEM = re.compile(r"conv(?:1_(\d))?\.(?=conv\.|bn\.)")


def _from_hub(names: Mapping[str, str]) -> dict[str, str] | None:
    """ResNet and ResNet_vd as PaddleClas 2.0 and PaddleHub name them: conv1_1,
    bb_0_0.conv0._batch_norm, out.

    Source: ppcls/modeling/architectures/resnet_vd.py in release/2.0, and
    modules/image/classification/resnet50_vd_10w/module.py in PaddleHub.
    """
    blocks = _numbers((int(match[1]), int(match[2]))
                      for match in map(_HUB_BLOCK.match, names) if match)
    result = {}
    for name, original in names.items():
        for old, new in _HUB_LAYERS:
            name = name.replace(old, new)
        if match := _HUB_BLOCK.match(name):
            block = blocks[int(match[1]), int(match[2])]
            name = f"blocks.{block}.{name[match.end():]}"
        elif match := _HUB_STEM.match(name):
            name = f"stem.{int(match[1] or 1) - 1}.{name[match.end():]}"
        elif name.startswith("out."):
            name = f"fc.{name.removeprefix('out.')}"
        result[name] = original
    return result if blocks and len(result) == len(names) else None


_STATIC_PARTS = {"weights": "conv.weight", "scale": "bn.weight", "offset": "bn.bias",
                 "mean": "bn._mean", "variance": "bn._variance"}
_STATIC_FC = {"fc_0.w_0": "fc.weight", "fc_0.b_0": "fc.bias"}
_STATIC_BLOCK = re.compile(
    r"(?:res|bn)(\d)([a-z]\d{0,4})_branch(1|2[abc])_(weights|scale|offset|mean|variance)\Z")
_STATIC_STEM = re.compile(r"(?:con|bn)v1_(\d)_(weights|scale|offset|mean|variance)\Z")


def _from_static(names: Mapping[str, str]) -> dict[str, str] | None:
    """ResNet_vd as Paddle 1.x names it: conv1_1_weights, res2a_branch2a_weights,
    bn2a_branch2a_scale, fc_0.w_0.

    Source: ppcls/modeling/architectures/resnet_vd.py in release/static.
    """
    blocks = _numbers(_static_block(match) for match in map(_STATIC_BLOCK.match, names)
                      if match and match[3] != "1")
    result = {}
    for name, original in names.items():
        match, stem = _STATIC_BLOCK.match(name), _STATIC_STEM.match(name)
        if match and _static_block(match) in blocks:
            part = "short" if match[3] == "1" else f"conv{ord(match[3][1]) - ord('a')}"
            block = blocks[_static_block(match)]
            name = f"blocks.{block}.{part}.{_STATIC_PARTS[match[4]]}"
        elif stem:
            name = f"stem.{int(stem[1]) - 1}.{_STATIC_PARTS[stem[2]]}"
        result[_STATIC_FC.get(name, name)] = original
    return result if blocks and len(result) == len(names) else None


def _static_block(match: re.Match[str]) -> tuple[int, int, int]:
    """The order of blocks: by stage, then a, b, c, ... or, in deep networks, a, b1, b2, ..."""
    return int(match[1]), ord(match[2][0]), int(match[2][1:] or 0)


#: How names become the network's; None: they are not of this naming.
NAMINGS: dict[str, Rename] = {
    "": _unchanged, "PaddleHub": _from_hub, "Paddle 1.x": _from_static}
