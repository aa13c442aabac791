"""What goes wrong in one search, made of a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from benchmarks.fault_disk import DiskFault
from benchmarks.faulty import Accident
from benchmarks.virtual import Play
from paddle_transfer.executors.base import Job

#: The searched keys, and the epochs of a training.
LR, MIXUP, EPOCHS = (0.001, 0.01, 0.1), (False, True), 3
FIXED = {"lr": 0.01, "mixup": False}
#: Seconds after which a training is ended, where the search has a limit.
TIMEOUT = 60.0
#: The hours of ``hours``: two or three trainings of one worker.
HOURS = 10.0 / 3600

#: What the searches ask for beside ``search_dict``, one after the other.
FEATURES: dict[str, dict[str, Any]] = {
    "grid": {},
    "repeats": {"search_times": 2},
    "timeout": {"trial_timeout": TIMEOUT},
    "confirm": {"confirm": 2, "fixed": FIXED},
    "pruner": {"pruner": {"name": "MedianPruner", "n_startup_trials": 1, "n_warmup_steps": 1}},
    "epochs": {"epoch_budget": 4 * EPOCHS},
    "hours": {"time_budget": HOURS},
    "random": {"search_mode": "random", "max_iter": 9, "seed": 3},
    "anew": {"search_mode": "random", "max_iter": 7, "de_duplication": False},
    "warm": {"search_mode": "bayes", "max_iter": 4, "fixed": FIXED, "warm_start": ["earlier"]},
}
#: Points that never work, by (lr, mixup): one of these, and ``hang`` where trials have a timeout.
FATES: tuple[dict[tuple[float, bool], str], ...] = (
    {}, {(0.01, False): "diverged"}, {(0.01, True): "invalid", (0.1, False): "nonfinite"},
    {(0.01, False): "crashed", (0.1, True): "diverged"})
HANG = {(0.1, False): "hang"}
#: Of ten lives of a search so many end by a kill at a write, by a full disk, ...
_ENDS = ("kill", "kill", "kill", "kill", "kill", "full", "full once", "interrupt", "clock",
         "executor")


@dataclass(frozen=True)
class End:
    """How the life of one driver ends before the search does.

    :param how: ``kill``, ``full``, ``full once``: at the write ``at``; ``interrupt`` at the
        ``at``-th turn, as by Ctrl-C; ``executor``: it raises then; ``clock``: it jumps then, by
        ``jump`` seconds, and the search goes on
    """

    how: str
    at: int
    jump: float = 0.0

    @property
    def disk(self) -> DiskFault | None:
        return DiskFault(self.how) if self.how in list(DiskFault) else None


@dataclass(frozen=True)
class Script:
    """
    :param feature: of ``FEATURES``
    :param ends: of the drivers before the last
    :param fates: verdicts of points that never work, by (lr, mixup)
    :param accidents: whether attempts meet with any
    """

    seed: int
    feature: str
    workers: int
    ends: tuple[End, ...]
    fates: Mapping[tuple[float, bool], str]
    accidents: bool = True

    @property
    def undisturbed(self) -> Script:
        return replace(self, ends=(), accidents=False)

    def accident(self, job: Job, life: int) -> Accident:
        """What the attempt meets with: no trial crashes twice by accident, and after the third
        attempt all is well."""
        rng = Random(f"{self.seed} {job.number} {job.attempt}")
        if not self.accidents or job.attempt > 3 or rng.random() < 0.5:
            return Accident.NONE
        kind = rng.choice(list(Accident))
        if kind.is_crash and job.attempt > 1:
            return Accident.KILLED
        hopeless = life == len(self.ends) or self.feature in ("timeout", "hours")
        return Accident.NONE if kind is Accident.HANGS and hopeless else kind

    def play(self, point: Mapping[str, Any], seed: int) -> Play:
        """The training of ``point``: each has a metric of its own."""
        fate = self.fates.get((point["lr"], point["mixup"]), "complete")
        value = 0.3 + 0.1 * LR.index(point["lr"]) + 0.05 * point["mixup"] + 0.003 * seed
        pace = 1.0 + Random(f"{self.seed} {point} {seed}").random()
        if fate == "nonfinite":
            return Play("complete", EPOCHS, pace, float("nan"))
        return Play(fate, EPOCHS if fate == "complete" else 1, pace, value)


def script_of(seed: int) -> Script:
    """The script of ``seed``; ten in a row have all features."""
    rng, feature = Random(seed), list(FEATURES)[seed % len(FEATURES)]
    ends = []
    for _ in range(rng.randrange(5)):
        how = rng.choice(_ENDS)
        at = int(rng.choice((6, 30, 120)) * rng.random() ** 1.5) + 1
        ends.append(End(how, at, rng.choice((-3600.0, 3600.0))))
    return Script(seed, feature, rng.choice((1, 1, 2, 3, 4, 8)), tuple(ends),
                  {**rng.choice(FATES), **(HANG if feature == "timeout" else {})})
