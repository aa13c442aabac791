"""What a process needs before its first ``import paddle``. Imports no Paddle."""

from __future__ import annotations

import zlib

import numpy as np


def prepare() -> None:
    """Call before the first ``import paddle`` of the process; calling it again does nothing."""
    # Paddle 2.6.2 brings a zlib of its own, and what Python's zlib module first calls after
    # `import paddle` is found in Paddle's copy: importing scikit-learn (ppcls.metric does) then
    # ended in a segmentation fault in inflateReset2 or in "inconsistent stream state". One call
    # before binds it to the right copy.
    zlib.decompressobj().decompress(zlib.compress(b"bound"))
    # numpy 1.24 removed the aliases of Python's own types. ppcls.data.preprocess uses np.int (2.4's
    # autoaugment) and np.bool (2.6's MixupCutmixHybrid; numpy 2 has an np.bool of its own again).
    for name, kind in (("int", int), ("bool", bool), ("float", float)):
        if name not in np.__dict__:
            setattr(np, name, kind)
