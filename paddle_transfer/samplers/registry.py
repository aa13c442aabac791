"""The registry of samplers, and the one way to build a sampler by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from paddle_transfer.config.validation import Options, issues_of
from paddle_transfer.errors import PaddleTransferError, did_you_mean
from paddle_transfer.registry import Component, Registry
from paddle_transfer.samplers.base import PastTask, RegisteredSampler, Sampler, SamplerContext
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.space.space import Point

#: The best known of Optuna's samplers, for hints; others are found as well.
OPTUNA_NAMES = ("TPESampler", "GPSampler", "CmaEsSampler", "QMCSampler", "NSGAIISampler",
                "RandomSampler", "BruteForceSampler")


class SamplerRegistry(Registry[type[RegisteredSampler]]):
    """Samplers by name; the names of Optuna's samplers give these, and Optuna is imported for such
    names only. ``names`` are the registered ones."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or _of_optuna(name) is not None

    def __getitem__(self, name: str) -> type[RegisteredSampler]:
        found = None if super().__contains__(name) else _of_optuna(name)
        return found or super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        return iter((*self.names(), *OPTUNA_NAMES))


def _of_optuna(name: object) -> type[RegisteredSampler] | None:
    if not isinstance(name, str) or not name.endswith("Sampler"):
        return None
    from paddle_transfer.samplers.optuna import sampler_class  # late: Optuna
    return sampler_class(name)


#: Samplers by the name that ``search_mode`` or ``sampler`` of a search file gives.
SAMPLERS = SamplerRegistry("sampler", group="paddle_transfer.samplers", attribute="options",
                           builtin={
    "grid": "paddle_transfer.samplers.grid:GridSampler",
    "bayes": "paddle_transfer.samplers.gp.sampler:BayesSampler",
    "random": "paddle_transfer.samplers.random:RandomSampler",
    "greedy": "paddle_transfer.stages.greedy:GreedySampler",
})


def checked_options(model: type[Options], component: Component, where: str = "") -> Options:
    """The options of a registered part, as its ``model``. Raises PaddleTransferError with every
    mistake, each with its path below ``where``."""
    try:
        return model.model_validate(dict(component.options), context={"name": component.name})
    except ValidationError as error:
        raise PaddleTransferError("\n".join(map(str, issues_of(error, where)))) from None


def make_sampler(name: str, *, baseline: Point | None = None, allow_repeats: bool = False,
                 eval_size: int | None = None, prior: str = "none",
                 past_tasks: Sequence[PastTask] = (), plan: object | None = None,
                 hyperprior: Mapping[str, tuple[float, float]] | None = None,
                 options: Mapping[str, Value] | None = None) -> Sampler:
    """The sampler ``name`` with its ``options``; the other arguments are those of
    ``SamplerContext``.

    :raises PaddleTransferError: for a name, an option or a prior that does not exist
    """
    if name not in SAMPLERS:
        raise PaddleTransferError(
            f"search_mode: there is no '{name}'. {did_you_mean(name, tuple(SAMPLERS))}")
    if prior not in ("shipped", "none"):
        raise PaddleTransferError(
            f"prior: there is no '{prior}'. {did_you_mean(prior, ('shipped', 'none'))}")
    sampler = SAMPLERS[name]
    checked = checked_options(sampler.options, Component(name, options or {}))
    return sampler.build(checked, SamplerContext(
        baseline=baseline, allow_repeats=allow_repeats, eval_size=eval_size, prior=prior,
        past_tasks=tuple(past_tasks), hyperprior=hyperprior, plan=plan))
