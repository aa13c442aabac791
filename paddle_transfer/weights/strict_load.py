"""Which of a file's tensors go where in a network, and what is wrong if anything is.

PaddleClas drops what ``set_state_dict`` reports about missing and mismatched tensors and always
logs "Finish load", so with a wrong file it silently trains from scratch. Here only the head may be
missing or differ. This module imports no paddle: a network is names and shapes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from paddle_transfer.weights import heads
from paddle_transfer.weights.errors import WeightsError, WeightsMismatch
from paddle_transfer.weights.key_naming import NameMatch, match_names
from paddle_transfer.weights.load_report import LoadReport, Shape

KEEP, FRESH = "keep", "fresh"


@dataclass(frozen=True)
class LoadPlan:
    """:param names: the network's name -> the file's, for every tensor to load
    :param report: the whole account
    """

    names: dict[str, str]
    report: LoadReport


def check_fit(report: LoadReport) -> LoadReport:
    """``report``. Raises WeightsMismatch, with every name and both shapes, when it is not ok."""
    if not report.ok:
        raise WeightsMismatch(report.problems(), report)
    return report


def plan_load(wanted: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]], *,
              head: Collection[str], file: str = "", mode: str = KEEP,
              ignore: Collection[str] = (), source: str = "", sha256: str = "",
              others: Collection[str] = ()) -> LoadPlan:
    """Sort every tensor of the network and of the file.

    :param wanted: the network's tensors, name -> shape
    :param found: the file's, likewise
    :param head: the names of the network's head; they may be missing or differ
    :param mode: ``keep``: load the head where its shape is right; ``fresh``: never
    :param ignore: patterns (``*.attn_mask``) of tensors that may stay as they are
    :param others: names in the file that are no tensors, for the report
    """
    if mode not in (KEEP, FRESH):
        raise WeightsError(f"head: must be '{KEEP}' or '{FRESH}'; found {mode!r}")
    match = match_names(tuple(found), tuple(wanted))
    shapes = {name: tuple(found[theirs]) for name, theirs in match.names.items()}
    left = set(head) if mode == FRESH else _unfit_layers(wanted, shapes, head)
    names, reasons, missing, mismatched = {}, {}, {}, {}
    spare, unexpected = _extra(wanted, shapes, match, head=head, ignore=ignore)
    ignored = [*match.outside, *others]
    for name, shape in wanted.items():
        shape, have = tuple(shape), shapes.get(name)
        if name in left:
            reasons[name] = _why(mode, shape, have)
        elif _any_matches(name, ignore):
            ignored.append(name)
            reasons[name] = "ignored on request"
        elif have is None:
            missing[name] = shape
        elif have != shape:
            mismatched[name] = (shape, have)
        else:
            names[name] = match.names[name]
    return LoadPlan(names, LoadReport(
        file=file, loaded=tuple(names), head=reasons, missing=missing, mismatched=mismatched,
        unexpected=unexpected, ignored=(*ignored, *spare), prefix=match.prefix, naming=match.naming,
        source=source, sha256=sha256, numbers=sum(math.prod(shapes[name]) for name in names)))


def _extra(wanted: Mapping[str, Sequence[int]], shapes: Mapping[str, Shape], match: NameMatch, *,
           head: Collection[str], ignore: Collection[str]) -> tuple[list[str], dict[str, Shape]]:
    """The file's names of what the network lacks: what may be left, and what is unexpected."""
    extra = [name for name in shapes if name not in wanted]
    spare = heads.other_parts(extra, tuple(head)) | {
        name for name in extra if _any_matches(name, ignore)}
    return ([match.names[name] for name in extra if name in spare],
            {match.names[name]: shapes[name] for name in extra if name not in spare})


def _any_matches(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _unfit_layers(wanted: Mapping[str, Sequence[int]], shapes: Mapping[str, Shape],
                  head: Collection[str]) -> set[str]:
    """The head's tensors that cannot be kept: a layer is kept whole or not at all."""
    unfit = {heads.layer_of(name) for name in head if shapes.get(name) != tuple(wanted[name])}
    return {name for name in head if heads.layer_of(name) in unfit}


def _why(mode: str, shape: Shape, have: Shape | None) -> str:
    if have is None:
        return "not in the file"
    if have != shape:
        return f"{'x'.join(map(str, have))} in the file, {'x'.join(map(str, shape))} here"
    return "asked for" if mode == FRESH else "its layer's other tensors differ"
