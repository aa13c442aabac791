"""Made-up records and settings for tests of what is shown and written."""

from __future__ import annotations

from typing import Any

from paddle_transfer.loop.ranking import Ranker
from paddle_transfer.samplers.registry import SAMPLERS, make_sampler
from paddle_transfer.settings.search_file import SearchSettings
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.study.records import TrialRecord
from tests.helpers.configs import base_config
from tests.helpers.settings import make_settings


def shown_settings(output_dir: Any, **changes: Any) -> SearchSettings:
    """A search of lr (three choices) and mixup (off, on) on a base config; a fixed point."""
    keys = changes.pop("keys", (SearchKey(Choice("lr", (0.1, 0.01, 0.001), log=True)),
                                SearchKey(Choice("mixup", (False, True)))))
    return make_settings(output_dir=str(output_dir), keys=keys, **{
        "base_config": base_config(), "fixed": {"lr": 0.01, "mixup": False}, "max_iter": 6,
        "keep_models": 2, **changes})


def ranker_of(settings: SearchSettings, sampler: Any = None) -> Ranker:
    """The ranker of a search.

    :param sampler: whose model ranks the points; by default one of the settings' without a prior
    """
    chosen, posterior = settings.sampling.sampler, None
    if SAMPLERS[chosen.name].has_posterior:
        sampler = sampler or make_sampler(chosen.name, options=chosen.options,
                                          eval_size=settings.objective.eval_size)
        posterior = sampler.posterior
    return Ranker(settings.search_space, settings.repeats, posterior=posterior,
                  expected_gain=settings.stop == "auto")


def record(number: int, lr: float, mixup: bool = False, *, value: float | None = None,
           state: str = "complete", **changes: Any) -> TrialRecord:
    """A finished trial that got ``value`` on 9 images in epoch 2 of 3 (worse before and after)."""
    curve = () if value is None else ((1, value / 2), (2, value), (3, value - 0.01))
    info = {"images": 9, "best_epoch": 2, "seconds": 12.34, **changes.pop("info", {})}
    return TrialRecord(**{"number": number, "suggestion": number,
                          "point": {"lr": lr, "mixup": mixup}, "seed": 0, "state": state,
                          "value": value, "curve": curve, "attempts": 1, "info": info, **changes})
