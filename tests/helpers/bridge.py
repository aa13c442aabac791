"""Trainings for tests, one after the other in one process that is not the test's own (a process
holds one PaddleClas).

``with Trainings(paddleclas) as trainings: trainings(train, directory, config)``: the functions
below run over there; results and exceptions come back.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from unittest import mock

from paddle_transfer.config import load
from tests.helpers.stock import numbers_as_arrays

#: Seconds after which a call does not end any more: the longest takes twenty.
HANGS = 240


class Trainings:
    """:param paddleclas: a checkout; None is the installed wheel, whatever the environment says"""

    def __init__(self, paddleclas: str | None):
        self.paddleclas = paddleclas
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"),
                                         initializer=_set_environment,
                                         initargs=(environment(paddleclas), ))

    def __call__(self, function: Callable, *args: Any, **kwargs: Any) -> Any:
        """:raises TimeoutError: it hangs; its process is ended, which ends all later calls too"""
        try:
            return self._pool.submit(function, *args, **kwargs).result(timeout=HANGS)
        except TimeoutError:
            for process in self._pool._processes:
                os.killpg(process, signal.SIGKILL)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown()


def environment(paddleclas: str | None) -> dict[str, str]:
    """The variables of a training's process: one thread, as in a search."""
    return {"OMP_NUM_THREADS": "1", "PADDLECLAS_HOME": paddleclas or ""}


def _set_environment(variables: dict[str, str]) -> None:
    os.setpgid(0, 0)  # with its data workers: left alone, these keep what its end is noticed by
    os.environ.update(variables)
    # a process that was spawned would spawn its data workers too, and PaddleClas's transforms
    # cannot be pickled
    multiprocessing.set_start_method("fork", force=True)


@contextlib.contextmanager
def _output_to(path: str) -> Iterator[None]:
    """File descriptors 1 and 2 go to ``path``, as in a worker."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with open(path, "ab", buffering=0) as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


class Interrupted(BaseException):
    """What a training meets that is broken off; no ``except Exception`` gets in its way."""


def train(directory: str, config: dict, *, stop_after: int = 0, break_after: int = 0,
          variables: dict[str, str] | None = None, **payload: Any) -> dict:
    """Runs the trial runner in ``directory``; its result, with ``reports`` and the ``digest`` of
    the weights.

    :param break_after: Interrupted comes after this epoch was told, before it is saved
    :param variables: of the environment, meanwhile
    """
    from paddle_transfer.worker.runner import run

    os.makedirs(directory, exist_ok=True)
    load.dump_yaml(config, os.path.join(directory, "config.yaml"))
    reports: list[dict] = []

    def report(**told: Any) -> bool:
        reports.append(told)
        if told["epoch"] == break_after:
            raise Interrupted
        return len(reports) == stop_after

    job = {"number": 0, "attempt": 1, "directory": directory,
           "payload": {"metric": None, "seed": config["Global"]["seed"], "device": "cpu",
                       "paddleclas": None, "keep_weights": True, **payload}}
    with _output_to(os.path.join(directory, "train.log")), mock.patch.dict(
            os.environ, variables or {}):
        result = run(job, report)
    return {**result, "reports": reports, "digest": digest(
        os.path.join(directory, "best_model.pdparams"))}


def train_stock(config: dict, **options: Any) -> dict:
    """Trains with all of PaddleClas's own saves: best (metric, epoch), where its weights are, their
    digest."""
    from paddle_transfer.worker.bootstrap import open_engine
    from paddle_transfer.worker.locate import locate
    from paddle_transfer.worker.options import RunOptions

    with open_engine(config, mode="train", home=locate(), options=RunOptions(**options)) as engine:
        engine.train()
        return {"best": engine.best, "path": engine.saver.best_path,
                "digest": digest(engine.saver.best_path)}


def pretend_best(stem: str, *, metric: float, epoch: int) -> None:
    """Writes into a checkpoint of PaddleClas that it had ``metric``."""
    import paddle
    paddle.save({"metric": metric, "epoch": epoch}, stem + ".pdstates")


def save_weights(path: str, *, arch: str, class_num: int, seed: int, head: bool = True) -> None:
    """Writes weights of a new network as PaddleClas publishes them.

    :param head: whether the classifier is among them
    """
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    build_network = import_with_ppcls("networks", locate()).build_network
    import paddle
    paddle.seed(seed)
    with paddle.utils.unique_name.guard():
        state = build_network({"Arch": {"name": arch, "class_num": class_num}}).state_dict()
    paddle.save(
        {name: value for name, value in state.items() if head or not name.startswith("fc.")}, path)


def stock_trainings(files: list[str], folder: str) -> None:
    """Trains configs with stock PaddleClas, as its ``tools/train.py`` does, into ``folder``/0, 1,
    ..."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    session = import_with_ppcls("session", locate())
    from ppcls.engine.engine import Engine
    from ppcls.utils.config import get_config
    for number, file in enumerate(files):
        overrides = [f"Global.output_dir={os.path.join(folder, str(number))}"]
        config = get_config(file, overrides=overrides, show=False)
        config.profiler_options = None
        Engine(config, mode="train").train()
        session.forget_loggers()


def stock_evaluation(file: str, weights: str, folder: str) -> tuple[float, float]:
    """(metric, loss) that stock PaddleClas's evaluation gives the weights (a path without suffix)
    of a training by the config ``file``; the loss has five digits."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    session = import_with_ppcls("session", locate())
    import paddle
    from ppcls.engine.engine import Engine
    from ppcls.utils.config import get_config
    session.forget_loggers()
    config = get_config(file, show=False, overrides=[
        f"Global.pretrained_model={weights}", f"Global.output_dir={folder}"])
    config.profiler_options = None
    os.makedirs(folder, exist_ok=True)
    log = os.path.join(folder, "evaluation.log")
    with paddle.utils.unique_name.guard(), numbers_as_arrays(), _output_to(log):
        metric = float(Engine(config, mode="eval").eval())
    with open(log, encoding="utf-8") as stream:
        return metric, float(re.findall(r"\[Avg\].*\bloss: ([0-9.]+)", stream.read())[-1])


def stock_use(file: str, weights: str, folder: str) -> dict[str, Any]:
    """What stock PaddleClas makes of a config and the weights trained with it (a path without
    suffix): ``metric`` of its evaluation, ``shape`` of what its exported model answers to one
    image, the number of images that it ``inferred``."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    session = import_with_ppcls("session", locate())
    import paddle
    from ppcls.engine.engine import Engine
    from ppcls.utils.config import get_config
    overrides = [f"Global.pretrained_model={weights}", f"Global.output_dir={folder}",
                 f"Global.save_inference_dir={folder}/inference"]

    def engine(mode: str) -> Any:
        session.forget_loggers()
        config = get_config(file, overrides=overrides, show=False)
        config.profiler_options = None
        # some networks give their parameters names, which one process builds once
        with paddle.utils.unique_name.guard():
            return Engine(config, mode=mode)

    with numbers_as_arrays(), contextlib.redirect_stdout(io.StringIO()) as told:
        metric = engine("eval").eval()
        engine("infer").infer()
    engine("export").export()
    shape = load.load_yaml(file)["Global"]["image_shape"]
    return {"metric": float(metric), "inferred": told.getvalue().count("class_ids"),
            "shape": predict(f"{folder}/inference/inference", [1, *shape])}


def predict(stem: str, shape: list[int]) -> list[int]:
    """The shape of what an exported model answers to zeros."""
    import paddle
    return list(paddle.jit.load(stem)(paddle.zeros(shape)).shape)


def digest(path: str) -> str | None:
    """Of the tensors in a weights file, whatever their order there; None when it is not there."""
    import numpy as np
    import paddle
    if not path or not os.path.exists(path):
        return None
    made = hashlib.sha256()
    for name, value in sorted(paddle.load(path, return_numpy=True).items()):
        made.update(name.encode() +
                    np.ascontiguousarray(value).tobytes() if hasattr(value, "shape") else b"")
    return made.hexdigest()
