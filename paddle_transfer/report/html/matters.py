"""What mattered: the view of a model of the results, and the points side by side."""

from __future__ import annotations

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.loop.warm_start import load_tasks
from paddle_transfer.report.formatting import show_value
from paddle_transfer.report.html.data import SearchData
from paddle_transfer.report.html.figures.model import Tried
from paddle_transfer.samplers.base import PastTask
from paddle_transfer.samplers.effects import LEAST, ModelView, values_of
from paddle_transfer.samplers.gp.past_tasks import shipped
from paddle_transfer.samplers.registry import SAMPLERS
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.study.history import observations
from paddle_transfer.study.records import Stage

#: The hyperparameter whose values are compared as ways to transfer.
STRATEGY = "strategy"


def tried(data: SearchData, *, pruned: bool = False) -> list[Tried]:
    """The complete trainings of the search proper, and the ``pruned`` ones."""
    return [Tried(record.number, data.used(record.point), record.value, record.complete)
            for record in data.trainings if record.value is not None
            and (record.complete or pruned) and record.stage is Stage.SEARCH]


def view_of(data: SearchData) -> ModelView | None:
    """What a model of the results says; None where there are too few of them, and of a search in
    steps, whose points are no product. The model is that of a Bayesian search, which chose by it;
    of other searches it only looks at the results.

    Raises ValueError or ArithmeticError when there is none.
    """
    finished = observations(data.records)[0]
    if data.best is None or data.saved.in_steps or len(finished) < LEAST:
        return None
    from paddle_transfer.samplers.gp.view import model_view  # late: numpy, scipy

    return model_view(data.saved.space, finished, data.best.point, tasks=_tasks(data),
                      eval_size=data.best.images, baseline=data.saved.content.get("fixed"))


def chosen_by_model(data: SearchData) -> bool:
    """Whether the search's sampler has such a model."""
    content = data.saved.content
    name = str(content.get("search_mode") or dict(content.get("sampler") or {}).get("name"))
    return name in SAMPLERS and SAMPLERS[name].has_posterior


def _tasks(data: SearchData) -> tuple[PastTask, ...]:
    """Those that the search has learnt from, as far as they are still there."""
    content = data.saved.content
    if not chosen_by_model(data):
        return ()
    try:
        found = load_tasks(content.get("warm_start") or (), file="", space=data.saved.space,
                           output_dir=str(data.output_dir))
    except PaddleTransferError:
        found = ()
    return found + (shipped() if content.get("prior") == "shipped" else ())


def axes_of(data: SearchData) -> dict[str, tuple[Value, ...]]:
    """Setting -> its values in order, of those that trainings differ in."""
    some = tried(data)
    varied = {name for name in data.names
              if len({show_value(one.point.get(name)) for one in some}) > 1}
    return {h.name: values_of(h) for h in data.saved.space.hyperparameters if h.name in varied}


def strategies(data: SearchData) -> dict[str, list[Tried]]:
    """Strategy -> its trainings, the best strategy first; {} with fewer than two."""
    if STRATEGY not in data.names:
        return {}
    groups: dict[str, list[Tried]] = {}
    for one in sorted(tried(data, pruned=True), key=lambda one: (not one.complete, -one.value)):
        groups.setdefault(show_value(one.point.get(STRATEGY)), []).append(one)
    return groups if len(groups) > 1 else {}
