"""The sections of the page below the leaderboard. One that cannot be made costs itself only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paddle_transfer.errors import cause
from paddle_transfer.report.html import content, matters, steps
from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.html.dataset import Dataset, checked, contact_sheet, read_dataset
from paddle_transfer.report.html.figures import classes, model, points, progress, winner
from paddle_transfer.report.html.figures.plot import Plot
from paddle_transfer.report.html.figures.style import Words
from paddle_transfer.report.html.winner import calibration_error, read_winner
from paddle_transfer.samplers.effects import ModelView


@dataclass
class Section:
    """
    :param name: of its template
    :param figures: by their names
    :param values: for the template
    :param fault: why it is not there; empty: it is
    """

    name: str
    figures: dict[str, Plot] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def shown(self) -> bool:
        return bool(self.fault or self.figures or self.values)


def make_sections(data: SearchData, words: Words) -> list[Section]:
    """All sections that have something to show, in their order."""
    dataset, fault = Dataset(), ""
    try:
        dataset = read_dataset(data.config)
    except Exception as error:  # the section of the data says so
        fault = cause(error)
    view, blind = None, ""
    try:
        view = matters.view_of(data)
    except Exception as error:  # the section of what mattered says so
        blind = cause(error)
    makers: dict[str, Callable[[SearchData, Words], Section]] = {
        "progress": lambda data, words: _progress(data, view, words),
        "matters": lambda data, words: (
            Section("matters", fault=blind) if blind else _matters(data, view, words)),
        "winner": lambda data, words: _winner(data, dataset, words), 
        "dataset": lambda data, words: (
            Section("dataset", fault=fault) if fault else _dataset(data, dataset, words)),
        "next": lambda data, _words: Section("next", values={"steps": steps.next_steps(data)}),
        "reproduce": lambda data, _words: _reproduce(data)}
    made = []
    for name, make in makers.items():
        try:
            section = make(data, words)
        except Exception as error:  # whatever a model or a file makes of it: the page says so
            section = Section(name, fault=cause(error))
        section.figures = {key: one for key, one in section.figures.items() if one.data}
        if section.shown:
            made.append(section)
    return made


def _progress(data: SearchData, view: ModelView | None, words: Words) -> Section:
    told = content.progress_of(data, noise=view.noise if view else None)
    return Section("progress", {
        "best_so_far": progress.best_so_far(told, words), "curves": progress.curves(told, words),
        "devices": progress.devices(told, words)}, {"noise": told.noise is not None})


def _matters(data: SearchData, view: ModelView | None, words: Words) -> Section:
    tried = matters.tried(data)
    made, effects = dict[str, Plot](), list[tuple[str, str]]()
    if view is not None:
        made["importance"] = model.importance(view, words)
        used = data.used(data.best.point) if data.best else {}
        for place, one in enumerate(each for each in view.effects if each.name in used):
            made[f"effect{place}"] = model.effect(one, tried, words)
            effects.append((f"effect{place}", one.name))
        if view.pair is not None:
            made["pair"] = model.pair(view.pair, tried, data.metric, words)
    axes = matters.axes_of(data)
    if len(tried) > 1 and axes:
        made["parallel"] = points.parallel(tried, axes, data.metric, words)
    groups = matters.strategies(data)
    if groups:
        made["strategies"] = points.strategies(groups, data.metric, words)
    few = view is None and bool(tried) and not data.saved.in_steps
    if not made and not few:
        return Section("matters")
    shares = [(one.name, view.importance[one.name][0]) for one in view.effects] if view else []
    return Section("matters", made, {"effects": effects, "few": few, "importance": shares,
                                     "chosen": matters.chosen_by_model(data)})


def _winner(data: SearchData, dataset: Dataset, words: Words) -> Section:
    if data.best is None:
        return Section("winner")
    found = read_winner(data, dataset)
    if found is None:
        return Section("winner", values={"missing": True})
    bins, results = found.bins(), found.classes()
    made = {"per_class": winner.per_class(results, words),
            "reliability": winner.reliability(bins, words)}
    if len(found.names) <= winner.READABLE:
        made["confusion"] = winner.confusion(found.names, found.matrix(), words)
    wrong, (unanswered, failed) = int((~found.right).sum()), found.never()
    soup = (data.told.get("soup") or {}).get("accepted")
    return Section("winner", made, {
        "missing": False, "seeds": content.seeds_of_best(data), "soup": bool(soup),
        "trial": data.best.best_trial.number, "accuracy": found.accuracy,
        "images": len(found.right), "wrong": wrong, "never_answered": unanswered,
        "never_right": failed,
        "error": calibration_error(bins), "pairs": found.pairs(), "mistakes": found.mistakes()})


def _dataset(data: SearchData, dataset: Dataset, words: Words) -> Section:
    if not dataset.splits:
        return Section("dataset")
    counts = {name: dataset.counts(name) for name in dataset.splits}
    labels = sorted({label for some in counts.values() for label in some})
    made = {"class_counts": classes.class_counts(
        [dataset.class_name(label) for label in labels],
        {name: [some.get(label, 0) for label in labels] for name, some in counts.items() if some},
        words)} if labels else {}
    lists = [{"name": name, "file": split.file, "images": len(split.rows),
              "classes": len(counts[name])} for name, split in dataset.splits.items()]
    return Section("dataset", made, {"lists": lists, "sheet": contact_sheet(dataset),
                                     "checked": checked(data.config)})


def _reproduce(data: SearchData) -> Section:
    return Section("reproduce", values={
        "environment": steps.environment(data), "seeds": steps.seeds(data),
        "hashes": steps.hashes(data), "files": steps.files(data)})
