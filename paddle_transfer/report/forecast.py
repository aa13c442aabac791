"""What is known of a search before its first trial: the first points, how many trials at most."""

from __future__ import annotations

from paddle_transfer.errors import counted
from paddle_transfer.loop.warm_start import load_tasks
from paddle_transfer.samplers.base import PastTask, Sampler
from paddle_transfer.samplers.registry import SAMPLERS, make_sampler
from paddle_transfer.settings.budget import CONFIRMED
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.space import Point

#: How many first points of a random search are shown.
RANDOM_POINTS = 10
#: How many points of a grid are known beforehand.
LISTED = 1000


def first_points(settings: SearchSettings) -> list[Point]:
    """The points that are known before there are results, in the order of their trials.

    In steps: the values of the first key. Of a grid: all up to max_iter, ``LISTED`` at most. Of a
    sampler that does not use results: the first few draws; of any other: one per slot and at least
    two.
    """
    if settings.plan:
        first = settings.plan.keys[0]
        return [{**settings.plan.first, first.name: value} for value in first.values]
    part = SAMPLERS[settings.sampling.sampler.name]
    if part.exhaustive:
        return [grid_point(settings, i) for i in range(min(LISTED, grid_size(settings)))]
    count = max(2, len(settings.devices.slots)) if part.uses_results else RANDOM_POINTS
    sampler, points = sampler_of(settings), list[Point]()
    while len(points) < min(count, settings.budget.max_iter):
        point = sampler.suggest(settings.search_space.space, [], points, seed=settings.repeats.seed)
        if point is None:
            break
        points.append(point)
    return points


def sampler_of(settings: SearchSettings) -> Sampler:
    """The sampler of a search. Raises ConfigError when something in ``warm_start`` is of no use."""
    component = settings.sampling.sampler
    return make_sampler(component.name, options=component.options, plan=settings.plan,
                        baseline=settings.search_space.baseline, prior=settings.sampling.prior,
                        allow_repeats=not settings.repeats.de_duplication,
                        eval_size=settings.objective.eval_size, past_tasks=past_tasks(settings))


def past_tasks(settings: SearchSettings) -> tuple[PastTask, ...]:
    """The tasks of ``warm_start``."""
    return load_tasks(settings.sampling.warm_start, file=settings.file,
                      space=settings.search_space.space, output_dir=settings.output.output_dir)


def task_lines(settings: SearchSettings) -> list[str]:
    """``PATH (9 points, measured on 6 images)`` for each of ``warm_start``; where this search
    measures on another number of images, that too: what was learnt from few is coarse."""
    lines, here = [], settings.objective.eval_size
    for path, task in zip(settings.sampling.warm_start, past_tasks(settings), strict=True):
        text = counted(len(task.points), "point")
        if task.images is not None:
            text += f", measured on {counted(task.images, 'image')}"
            text += f"; here it is {here}" if here not in (None, task.images) else ""
        lines.append(f"{path} ({text})")
    return lines


def grid_size(settings: SearchSettings) -> int:
    """How many points an exhaustive sampler tries at most."""
    return min(settings.budget.max_iter, settings.search_space.space.size or 0)


def grid_point(settings: SearchSettings, number: int) -> Point:
    """Point ``number`` of an exhaustive sampler: in the space's order, but the baseline first."""
    space, baseline = settings.search_space.space, settings.search_space.baseline
    first = space.index(baseline) if baseline is not None else 0
    return space.point(first if not number else number - (number <= first))


def most_points(settings: SearchSettings, *, reused: int = 0) -> int:
    """Suggestions at most; ``reused`` of them have been points that were trained before."""
    points, size = settings.budget.max_iter, settings.search_space.space.size
    if settings.plan:
        return min(points, settings.plan.suggestions)
    if size is not None and settings.repeats.de_duplication:
        return min(points, size + reused)
    return points


def most_trials(settings: SearchSettings, *, reused: int = 0) -> int:
    """Trials at most, repeats counted, without those of ``confirm``."""
    times = settings.repeats.search_times
    if settings.plan:
        return min(settings.budget.max_iter * times, settings.plan.trainings(times))
    return most_points(settings, reused=reused) * times


def most_confirmations(settings: SearchSettings, *, reused: int = 0) -> int:
    """Trials of ``confirm`` at most."""
    if settings.plan:
        return 0
    again = max(0, (settings.repeats.confirm or 0) - settings.repeats.search_times)
    confirmed = CONFIRMED + (settings.search_space.baseline is not None)
    return again * min(confirmed, most_points(settings, reused=reused))


def final_trainings(settings: SearchSettings) -> int:
    """Trainings of ``final`` at most: a soup has none."""
    if settings.final is None or settings.final.soup:
        return 0
    return 1 + (settings.search_space.baseline is not None)


def total_text(settings: SearchSettings) -> str:
    """``20 trials + 8 trainings of confirm = 28 at most``; empty where trials are all there is."""
    counts = most_trials(settings), most_confirmations(settings), final_trainings(settings)
    texts = [f"{counted(count, noun)}{more}" for count, noun, more in zip(
        counts, ("trial", "training", "final training"), ("", " of confirm", ""), strict=True)
        if count]
    return f"{' + '.join(texts)} = {sum(counts)} at most" if len(texts) > 1 else ""


def confirm_text(settings: SearchSettings) -> str:
    """What ``confirm`` does in the end; empty when it does nothing."""
    trainings, repeats = settings.repeats.confirm, settings.repeats
    baseline = " and the fixed one" if settings.search_space.baseline else ""
    if not trainings:
        return ""
    *first, last = map(str, range(repeats.seed, repeats.seed + trainings))
    return (f"the best {CONFIRMED} points{baseline} have {trainings} trainings each, with seeds "
            f"{', '.join(first)} and {last}")
