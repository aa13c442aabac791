"""What a PaddleClas engine really is and does, as plain data. For tests, run through
``bridge.Trainings``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _engine(config: dict, directory: str) -> Iterator[Any]:
    from paddle_transfer.worker.bootstrap import open_engine
    from paddle_transfer.worker.locate import locate
    from paddle_transfer.worker.options import RunOptions
    from tests.helpers.bridge import _output_to

    os.makedirs(directory, exist_ok=True)
    options = RunOptions(weights_to="", log_file=False)
    with _output_to(os.path.join(directory, "engine.log")), open_engine(
            config, mode="train", home=locate(), options=options) as engine:
        yield engine


def look(config: dict, directory: str) -> dict:
    """The built engine: optimizers, the learning rate before every step, transforms, the first
    batches, EMA, AMP."""
    with _engine(config, directory) as engine:
        train, evaluation = (next(iter(loader))
                             for loader in (engine.train_dataloader, engine.eval_dataloader))
        steps = len(engine.train_dataloader)
        epochs = engine.config["Global"]["epochs"]
        cast = getattr(engine, "auto_cast", None)
        return {
            "epochs": epochs, "steps": steps, "optimizers": [
                _optimizer(o) for o in engine.optimizer
            ], "transforms": [_plain(op) for op in engine.train_dataloader.dataset._transform_ops],
            "eval_transforms": [_plain(op) for op in engine.eval_dataloader.dataset._transform_ops],
            "batch": list(train[0].shape), "labels": train[1].numpy().tolist(), "eval_batch": list(
                evaluation[0].shape), "image_shape": list(engine.config["Global"]["image_shape"]),
            "train_metrics": engine.train_metric_func is not None,
            "ema": getattr(engine, "model_ema", None) and {"decay": engine.model_ema.decay},
            "amp": (engine.amp and engine.amp_level if cast is None else cast.use_amp
                    and cast.cast_context.keywords["level"]), "rates": _rates(
                        engine, epochs * steps)
        }


def _optimizer(optimizer: Any) -> dict:
    clip = optimizer._grad_clip
    return {"type": type(optimizer).__name__,
            "nesterov": bool(getattr(optimizer, "_use_nesterov", False)), "clip": clip
            and (type(clip).__name__, clip.clip_norm)}


def version() -> str:
    from paddle_transfer.worker.locate import locate
    return locate().version


def decays(config: dict, directory: str) -> dict[str, float]:
    """By which share of itself each trained parameter shrinks, per unit of learning rate, in a
    first step without any gradient: its weight decay as it is, whatever was said where."""
    import paddle
    with _engine(config, directory) as engine:
        named = {name: p for name, p in engine.model.named_parameters() if not p.stop_gradient}
        before = {name: p.clone() for name, p in named.items()}
        paddle.add_n([(p * 0.0).sum() for p in named.values()]).backward()
        rate = engine.optimizer[0].get_lr()
        engine.optimizer[0].step()
        shares = {}
        for name, p in named.items():
            largest = int(before[name].abs().argmax())
            old, new = (float(values.reshape([-1])[largest]) for values in (before[name], p))
            if old:
                shares[name] = (old - new) / old / rate / p.optimize_attr["learning_rate"]
        return shares


def averaged(config: dict, directory: str) -> tuple[float, float]:
    """How far the moving average and the model themselves got from the start in a training:
    (average, model)."""
    with _engine(config, directory) as engine:
        start = [p.clone() for p in engine.model.parameters()]
        engine.train()
        return tuple(max(float((p - old).abs().max())
                         for p, old in zip(model.parameters(), start, strict=True))
                     for model in (engine.model_ema.module, engine.model))


def _rates(engine: Any, count: int) -> list[float]:
    """The learning rate with which the optimizer would make each of ``count`` steps. (The
    schedule's own ``get_lr`` is none to ask: Paddle's cosine computes the next rate from the last
    one whenever it is called.)"""
    rates = []
    for _ in range(count):
        rates.append(float(engine.optimizer[0].get_lr()))
        for schedule in engine.lr_sch:
            if hasattr(schedule, "step"):
                schedule.step()
    return rates


def _plain(operator: Any) -> tuple[str, dict]:
    simple = {name: value for name, value in vars(operator).items()
              if isinstance(value, (int, float, str, tuple, list)) and name != "policies"}
    return type(operator).__name__, simple


def loss_of(config: dict, directory: str, logits: list, labels: list) -> float:
    """The engine's training loss on ``logits`` and ``labels`` (indices, or a row of shares
    each)."""
    import paddle
    with _engine(config, directory) as engine:
        kind = "int64" if isinstance(labels[0], int) else "float32"
        targets = paddle.to_tensor(labels, dtype=kind).reshape([len(labels), -1])
        return float(
            engine.train_loss_func(paddle.to_tensor(logits, dtype="float32"), targets)["loss"])


def draw_batches(config: dict, directory: str, count: int) -> list[dict]:
    """``count`` mixed batches, each of the loader's own first images: which share is whose, and how
    they were mixed."""
    import numpy as np
    with _engine(config, directory) as engine:
        dataset, collate = engine.train_dataloader.dataset, engine.train_dataloader.collate_fn
        made = []
        for _ in range(count):
            # pictures of one number each (1, 2, ...), so that what was mixed can be read off them
            batch = [(np.full([3, 8, 8], i + 1.0, dtype="float32"), i % 4) for i in range(4)]
            images, labels = collate(batch)[:2] if collate else zip(*batch, strict=False)
            made.append({"images": np.array(images).astype(float)[:, 0].tolist(),
                         "labels": np.array(labels).astype(float).tolist()})
        assert len(dataset)
        return made


def through(config: dict, directory: str, picture: list, *, times: int,
            upto: str | None = None) -> list:
    """``picture`` (height x width x 3, 0 to 255) ``times`` times through the training operators
    from the first that is not decoding, each result as (shape, values). ``upto`` leaves out the
    operator of that name and those behind it."""
    import numpy as np
    with _engine(config, directory) as engine:
        operators = [op for op in engine.train_dataloader.dataset._transform_ops
                     if type(op).__name__ != "DecodeImage"]
        results = []
        for _ in range(times):
            image = np.array(picture, dtype="uint8")
            for operator in operators:
                if type(operator).__name__ == upto:
                    break
                image = operator(image)
            results.append((list(image.shape), np.asarray(image).astype(float).tolist()))
        return results


def head_inputs(config: dict, directory: str) -> dict[str, float]:
    """Which share of what goes into the classifier is zero, in training and in evaluation."""
    import paddle

    from paddle_transfer.strategies.worker.new_head import owners

    with _engine(config, directory) as engine:
        from paddle_transfer.worker.networks import head_of  # needs PaddleClas in place

        seen: list[float] = []
        head, = owners(engine.model, head_of(dict(config["Arch"])))
        head.register_forward_pre_hook(
            lambda _, inputs: seen.append(float((inputs[0] == 0).astype("float32").mean())))
        images = paddle.randn([16, 3, 28, 28])
        for switch in (engine.model.train, engine.model.eval):
            switch()
            engine.model(images)
        return dict(zip(("train", "eval"), seen, strict=True))


def one_step(config: dict, directory: str) -> dict[str, tuple[float, float, float]]:
    """For each parameter: how far it moved in a first step, its largest gradient and the gradient's
    norm."""
    import paddle

    from paddle_transfer.worker.batches import autocast

    with _engine(config, directory) as engine:
        batch = next(iter(engine.train_dataloader))
        engine.model.train()
        with autocast(engine, is_eval=False):
            loss = engine.train_loss_func(engine.model(batch[0]),
                                          batch[1].reshape([batch[0].shape[0], -1]))["loss"]
        loss.backward()
        before = {name: p.clone() for name, p in engine.model.named_parameters()}
        gradients = {name: p.grad for name, p in engine.model.named_parameters()}
        norms = {name: (float(g.abs().max()), float(g.norm())) if g is not None else (0.0, 0.0)
                 for name, g in gradients.items()}
        for optimizer in engine.optimizer:
            optimizer.step()
        with paddle.no_grad():
            return {name: (float((p - before[name]).abs().max()), *norms[name])
                    for name, p in engine.model.named_parameters()}
