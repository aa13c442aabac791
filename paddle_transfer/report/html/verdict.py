"""The report in a few sentences: what was found, whether it is better, what to do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paddle_transfer.report.ends import ends_of
from paddle_transfer.report.formatting import show_point, show_value
from paddle_transfer.report.gain import Gain, Sureness, gain_text
from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.html.sections import Section
from paddle_transfer.samplers.base import LEAST_TRIALS, NOISE_SHARE
from paddle_transfer.space.space import Point

#: Settings that are named as those that mattered most, and the share from which one does.
NAMED, SHARE = 2, 0.05
#: Classes that are named as those that the network never answers.
CLASSES = 3


@dataclass(frozen=True)
class Sentence:
    """:param key: of its text; ``values`` stand in it"""

    key: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Remark:
    """:param section: of the page that says more; empty: none"""

    sentences: tuple[Sentence, ...]
    section: str = ""


@dataclass(frozen=True)
class Verdict:
    """:param headline: what was found, and whether it is better"""

    headline: tuple[Sentence, ...]
    remarks: tuple[Remark, ...]


def verdict(data: SearchData, sections: Sequence[Section]) -> Verdict | None:
    """None while no trial is complete.

    :param sections: of the page, which what is said of it is taken from
    """
    if data.best is None:
        return None
    gain = data.gain
    headline = [*_found(data), *(_sure(gain, data.metric, data.in_points) if gain else ())]
    made = {one.name: one.values for one in sections if not one.fault}
    remarks = [*_surer(gain), *_going_on(data), *_ends(data),
               *_matters(made.get("matters", {})), *_errors(made.get("winner", {})),
               *_using(made.get("next", {}))]
    return Verdict(tuple(headline), tuple(remarks))


def _found(data: SearchData) -> Iterator[Sentence]:
    """The settings that were found, of those that differ from the fixed ones."""
    assert data.best is not None, "there is a verdict"
    found = data.used(data.best.point)
    if data.best.is_baseline:
        yield Sentence("verdict_fixed", {"found": show_point(found)})
    elif data.baseline is None:
        yield Sentence("verdict_found", {"found": show_point(found)})
    else:
        fixed = data.used(data.baseline.point)
        yield Sentence("verdict_instead", {
            "found": show_point(_beside(found, fixed)) or "–",
            "fixed": show_point(_beside(fixed, found)) or "–"})


def _beside(point: Point, other: Point) -> Point:
    """``point`` without what ``other`` has as well."""
    return {name: value for name, value in point.items()
            if name not in other or other[name] != value}


def _sure(gain: Gain, metric: str, in_points: bool) -> Iterator[Sentence]:
    yield Sentence(f"verdict_{gain.sureness}", {})
    told = gain_text(gain, metric)
    yield (Sentence("verdict_points", {"gain": told.removesuffix(" points")}) if in_points
           else Sentence("verdict_metric", {"gain": told, "metric": metric}))


def _surer(gain: Gain | None) -> Iterator[Remark]:
    if gain is not None and gain.sureness is not Sureness.SURELY:
        yield Remark((Sentence("verdict_surer", {}),))


def _going_on(data: SearchData) -> Iterator[Remark]:
    told: Mapping[str, float] = data.told.get("going_on") or {}
    if told and data.in_points:
        key = ("verdict_worth" if told["gain"] >= NOISE_SHARE * told["noise"] else
               "verdict_worthless" if len(data.ranking) >= LEAST_TRIALS else "verdict_early")
        yield Remark((Sentence(key, {
            name: f"{100.0 * told[name]:.2f}" for name in ("gain", "noise")}),), "progress")


def _ends(data: SearchData) -> Iterator[Remark]:
    assert data.best is not None, "there is a verdict"
    ends = ends_of(data.saved.space.hyperparameters, data.used(data.best.point))
    if ends and data.ended is not None:  # a search that runs may still find another best value
        yield Remark((*(Sentence("verdict_largest" if one.largest else "verdict_smallest", {
            "name": one.name, "value": show_value(one.value), "where": one.key}) for one in ends),
            Sentence("verdict_wider", {"folder": str(data.output_dir)})))


def _matters(values: Mapping[str, Any]) -> Iterator[Remark]:
    named = [f"{name} ({100 * share:.0f} %)" for name, share in values.get("importance", ())[:NAMED]
             if share >= SHARE]
    if named:
        yield Remark((Sentence("verdict_matters", {"names": ", ".join(named)}),), "matters")


def _errors(values: Mapping[str, Any]) -> Iterator[Remark]:
    if values.get("pairs"):
        true, answered, count, whole = values["pairs"][0]
        yield Remark((
            Sentence("verdict_errs", {"wrong": str(values["wrong"]),
                                      "images": str(values["images"])}),
            *_never("answered", values["never_answered"]), *_never("right", values["never_right"]),
            Sentence("verdict_most_often", {"true": true, "answered": answered,
                                            "count": str(count), "whole": str(whole)})), "winner")
    elif values.get("wrong") == 0:
        yield Remark((Sentence("verdict_errs_never", {"images": str(values["images"])}),), "winner")


def _never(what: str, names: Sequence[str]) -> Iterator[Sentence]:
    """:param what: that the classes ``names`` never are: ``answered`` or ``right``"""
    if names:
        yield Sentence(f"verdict_never_{what}_{min(len(names), CLASSES + 1)}", {
            **dict(zip("abc", names, strict=False)), "more": str(len(names) - CLASSES)})


def _using(values: Mapping[str, Any]) -> Iterator[Remark]:
    if "step_eval" in dict(values.get("steps", ())):
        yield Remark((Sentence("verdict_use", {}),), "next")
