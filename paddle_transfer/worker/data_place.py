"""The place in the batches of a list, also in the middle of a pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import paddle

from paddle_transfer.worker import random_states
from paddle_transfer.worker.batches import read

#: Samplers whose passes follow from how many came before, and from the random generators.
SAMPLERS = {"BatchSampler", "DistributedBatchSampler", "PKSampler", "MultiScaleSampler",
            "DistributedRandomIdentitySampler", "RASampler"}
#: Those of them that draw nothing when they are made, and keep no random draws in a pass.
PLAIN_SAMPLERS = {"BatchSampler", "DistributedBatchSampler", "PKSampler"}


class DataPlace:
    """Begins the passes through one list. Whoever reads a batch of a pass counts it in ``taken``.

    The state is that of the sampler and the random generators when the present pass began, and how
    many batches of it were read.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._began: dict[str, Any] = {}
        self._goal: dict[str, Any] | None = None

    def begin(self, loader: Any) -> Iterator[Any]:
        """A pass through ``loader``; after ``restore`` the rest of the one that was saved."""
        goal, self._goal = self._goal, None
        if goal is not None:
            set_passes(loader.batch_sampler, goal["passes"])
        if goal is not None and goal["taken"]:
            return self._rest(loader, goal)
        self.taken = 0
        self._began = {"passes": passes(loader.batch_sampler),
                       "random": random_states.capture_host()}
        return iter(loader)

    def state(self, loader: Any) -> dict[str, Any]:
        """As plain data, between two batches."""
        if not 0 < self.taken < len(loader):
            return {"passes": passes(loader.batch_sampler), "taken": 0}
        return {**self._began, "taken": self.taken}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state`` with the next ``begin``."""
        self._goal = state

    def _rest(self, loader: Any, goal: dict[str, Any]) -> Iterator[Any]:
        """The pass is begun again as it was, and what was read is passed over.

        Where a thread of this process reads ahead, nothing else draws from Python's and NumPy's
        generators while it does, so they stay as it has left them; else they become again what they
        were.
        """
        now = random_states.capture_host()
        self.taken = goal["taken"]
        self._began = {"passes": goal["passes"], "random": goal["random"]}
        random_states.restore_host(goal["random"])
        if hasattr(loader, "without"):
            batches: Iterator[Any] = loader.without(goal["taken"])
        else:
            batches = iter(loader)
            for _ in range(goal["taken"]):
                next(read(batches))
        if not isinstance(loader, paddle.io.DataLoader) or loader.num_workers:
            random_states.restore_host(now)
        return batches


def passes(sampler: Any) -> int | None:
    """How many passes ``sampler`` has begun; None where it does not count them."""
    return getattr(sampler, "epoch", None)


def set_passes(sampler: Any, count: int | None) -> None:
    """Make ``sampler``, which has begun no pass, one that has begun ``count``. Some shuffle what
    the pass before has shuffled, so they begin each. No generator is changed."""
    if count is None:
        return
    states = random_states.capture_host()
    sampler.epoch = count if type(sampler).__module__.startswith("paddle.") else 0
    while sampler.epoch < count:
        next(iter(sampler))
    random_states.restore_host(states)
