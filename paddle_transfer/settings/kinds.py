"""The kinds of training that a search makes, each with its config as a function of a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.settings.final import Final, final_config
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey, apply_point
from paddle_transfer.space.space import Point
from paddle_transfer.stages import plan
from paddle_transfer.stages.plan import TEACHER_PATH, Distillation
from paddle_transfer.strategies.section import apply_strategy

Config = dict[str, Any]

#: The key of a point that names the teacher.
TEACHER = "teacher"


@dataclass(frozen=True)
class Kind:
    """One kind of training.

    :param file: whose config it edits, for messages
    :param keys: what is searched, with the paths that are edited here
    :param build: (some of ``keys``, a point of them) -> the config; other keys are left as the
        file has them. May raise what an edit raises, and ConfigError
    :param name: for messages; empty for a trial of the search
    :param stepwise: keys come one by one: those before have any of their values, those after are as
        the file has them
    :param edits: the paths in which it differs from a trial; empty: it is checked as a whole
    """

    file: str
    keys: tuple[SearchKey, ...]
    build: Callable[[Sequence[SearchKey], Point], Config]
    name: str = ""
    stepwise: bool = False
    edits: tuple[str, ...] = ()

    def shown(self, path: str) -> str:
        """Where in the file ``path`` of a config stands: a final training evaluates the test
        list."""
        return path.replace("DataLoader.Eval", "DataLoader.Test") if self.edits else path


def kinds_of(file: str, base: Config, keys: Sequence[SearchKey], *, stepwise: bool = False,
             distillation: Distillation | None = None, final: Final | None = None) -> list[Kind]:
    """All kinds of training of a search.

    :param file: of the base config
    :param stepwise: whether it is a greedy search
    """
    edit = plan.applied if stepwise else apply_point
    kinds = [Kind(file, tuple(keys), lambda some, point: apply_strategy(edit(base, some, point)),
                  stepwise=stepwise)]
    if final is not None and dotpath.exists(base, "DataLoader.Test.dataset"):
        kinds.append(Kind(
            file, tuple(keys), lambda some, point: final_config(
                apply_strategy(apply_point(base, some, point)), base), "the final training",
            edits=("DataLoader.Eval", "DataLoader.Test", "Global.eval_interval",
                   "Global.start_eval_epoch")))
    if distillation is not None:
        kinds += [*_teachers(file, base, keys, distillation), _student(keys, distillation)]
    return kinds


def _teachers(file: str, base: Config, keys: Sequence[SearchKey], distillation: Distillation
              ) -> list[Kind]:
    if not distillation.teachers:
        return []
    kept = [left for key in keys
            if (left := plan.without(key, distillation.rm_keys)) is not None]
    name = SearchKey(Choice(TEACHER, distillation.teachers), ("Arch.name",))

    def build(some: Sequence[SearchKey], point: Point) -> Config:
        return apply_strategy(plan.applied(base, some, point))

    return [Kind(file, (*kept, name), build, "the training of a teacher")]


def _student(keys: Sequence[SearchKey], distillation: Distillation) -> Kind:
    moved = [plan.renamed_key(key, distillation) for key in keys]
    names = distillation.teachers
    teacher = [SearchKey(Choice(TEACHER, names), (f"{TEACHER_PATH}.name",))] if names else []

    def build(some: Sequence[SearchKey], point: Point) -> Config:
        searched = [key for key in some if key.name != TEACHER]
        own = replace(distillation, final_replace={})  # the paths of ``moved`` are renamed already
        return apply_strategy(plan.final_config(searched, own, point,
                                                teacher=point.get(TEACHER)))

    return Kind(distillation.config_file, (*moved, *teacher), build, "the distillation")
