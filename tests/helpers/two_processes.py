"""One of two processes that train together on the CPU: ``python -m tests.helpers.two_processes
CONFIG``, started with the variables of ``paddle.distributed.launch``. It prints a digest of the
weights that it has at the end."""

import hashlib
import sys

import numpy as np

from paddle_transfer.config.load import load_yaml
from paddle_transfer.worker.bootstrap import open_engine
from paddle_transfer.worker.locate import locate

if __name__ == "__main__":
    with open_engine(load_yaml(sys.argv[1]), mode="train", home=locate()) as engine:
        engine.train()
        made = hashlib.sha256()
        for name, value in sorted(engine.model.named_parameters()):
            if not name.endswith(("_mean", "_variance")):  # each process has its own images
                made.update(np.ascontiguousarray(value.numpy()).tobytes())
        print("digest", made.hexdigest())
