"""Random search: points drawn independently and uniformly, with replacement."""

from __future__ import annotations

from typing_extensions import override

from paddle_transfer.samplers.common import SamplerBase, Trials, untaken
from paddle_transfer.space.space import Point

#: A draw is repeated this often while it hits running points; then the first free point is taken.
_DRAWS = 1000


class RandomSampler(SamplerBase):
    """Independent uniform draws. A draw that hits an evaluated point stands (its result is reused,
    or it is trained with another seed); one that hits a running point is repeated, since two
    workers would do the same."""

    name = "random"
    uses_results = False

    @override
    def propose(self, trials: Trials) -> Point:
        space, rng = trials.space, trials.rng("random")
        for _ in range(_DRAWS):
            point = space.sample(rng)
            if space.key(point) not in trials.busy:
                return point
        free = untaken(space, trials.busy) if space.size is not None else None
        return free or point
