"""What the worker mends in the libraries below PaddleClas."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np

from tests.helpers.bridge import Trainings


def abandon_a_reading() -> list[bool]:
    """Reads in two data workers, one of which raises, and leaves all that to the garbage collector;
    which of the workers live on."""
    from paddle_transfer.worker.bootstrap import load_ppcls
    from paddle_transfer.worker.locate import locate

    load_ppcls(locate())
    import paddle

    class Unreadable(paddle.io.Dataset):
        def __len__(self) -> int:
            return 64

        def __getitem__(self, number: int) -> Any:
            if number:
                raise ValueError("no such image")
            return np.zeros(1, "float32")

    def read() -> list[Any]:
        iterator = iter(paddle.io.DataLoader(Unreadable(), num_workers=2, batch_size=1))
        try:
            for _ in iterator:
                pass
        except Exception as error:
            circle = [iterator, error.with_traceback(None)]
            circle.append(circle)
        return list(iterator._workers)

    gc.disable()
    try:
        workers = read()
        gc.collect()
    finally:
        gc.enable()
    for worker in workers:
        worker.join(20)
    return [worker.is_alive() for worker in workers]


def test_a_reading_that_failed_is_forgotten_with_its_data_workers(trainings: Trainings) -> None:
    """Paddle's own waits for ever: garbage collection ends the queues' threads before it asks."""
    assert trainings(abandon_a_reading) == [False, False]
