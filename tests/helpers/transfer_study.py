"""``TransferSampler`` behind the protocol of samplers, for their suite."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState, create_trial

from paddle_transfer.optuna import TransferSampler
from paddle_transfer.samplers.base import Observation
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.params import distribution, to_params, to_point

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}


class TransferStudy:
    """Every suggestion is a new trial of a plain Optuna study that holds the observations.

    :param options: of ``TransferSampler``
    """

    def __init__(self, *, direction: str = "maximize", **options):
        self.direction, self.options = direction, options

    def study(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
              seed: int) -> optuna.Study:
        """As a user's program would have left it; Optuna knows no divergence, only failures."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(direction=self.direction,
                                    sampler=TransferSampler(seed=seed, **self.options))
        points = [(o.point, o) for o in finished] + [(point, None) for point in running]
        for point, o in points:
            if not space.contains(point):
                continue
            known = o is not None and o.value is not None and math.isfinite(o.value)
            state = TrialState.RUNNING if o is None else STATES.get(
                o.state, TrialState.FAIL) if known else TrialState.FAIL
            finished_well = state in STATES.values()
            study.add_trial(create_trial(
                state=state, value=o.value if finished_well else None,
                params=to_params(space, point),
                distributions={h.name: distribution(h) for h in space.hyperparameters},
                intermediate_values=dict(o.curve) if finished_well else {}))
        return study

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        study = self.study(space, finished, running, seed=seed)
        trial = study.ask({h.name: distribution(h) for h in space.hyperparameters})
        return to_point(space, trial.params)
