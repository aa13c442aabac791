"""Tables for development: all 196 points of the published space trained at once, as tiny networks
in numpy.

Not recorded searches of the product, and never reported as evidence: multilayer perceptrons on
scikit-learn's 8x8 digits, transferred from five classes to the other five, so that many different
shapes of response (optimal learning rate, divergence, noise, size of the target set) are at hand in
seconds instead of hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from benchmarks.recorded import Table
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.space import Space

PUBLISHED = Space((
    Choice("lr", (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001), log=True),
    Choice("l2_decay", (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6), log=True),
    Choice("label_smoothing", (False, True)),
    Choice("mixup", (False, True)),
))


@dataclass(frozen=True)
class Task:
    """One transfer task: ``scale`` multiplies the inputs (and so moves the best learning rate),
    ``blur`` is noise added to the images, ``wrong`` the share of false training labels."""

    name: str
    target: tuple[int, ...] = (5, 6, 7, 8, 9)
    train: int = 100
    epochs: int = 10
    batch: int = 20
    hidden: int = 48
    scale: float = 1.0
    blur: float = 0.0
    wrong: float = 0.0
    norm: bool = True
    seeds: int = 3
    decay: bool = True


def train_table(task: Task) -> Table:
    """Train the grid of ``task``; the same task gives the same table on one machine."""
    rng = numpy.random.default_rng(7)
    images, labels, held, truth, source = _data(task, rng)
    points = [tuple(point.values()) for point in PUBLISHED.points()]
    curves = numpy.zeros((len(points), task.seeds, task.epochs))
    for seed in range(task.seeds):
        start = _pretrain(task, source, seed)
        curves[:, seed] = _train(task, start, images, labels, held, truth, points, seed)
    return Table(task.name, PUBLISHED, curves)


def _data(task: Task, rng):
    from sklearn.datasets import load_digits
    data = load_digits()
    images = (data.data / 8.0 - 0.6 + task.blur * rng.standard_normal(data.data.shape)) * task.scale
    order = rng.permutation(len(images))
    images, labels = images[order].astype(numpy.float32), data.target[order]
    mine = numpy.isin(labels, task.target)
    classes = numpy.searchsorted(task.target, labels[mine])
    train = slice(0, task.train)
    held = slice(task.train, None)
    wrong = rng.random(task.train) < task.wrong
    noisy = numpy.where(wrong, rng.integers(0, len(task.target), task.train), classes[train])
    other = sorted(set(range(10)) - set(task.target))
    source = images[~mine], numpy.searchsorted(other, labels[~mine]), len(other)
    return images[mine][train], noisy, images[mine][held], classes[held], source


def _init(shape, rng):
    return (rng.standard_normal(shape) * numpy.sqrt(2.0 / shape[-2])).astype(numpy.float32)


def _pretrain(task: Task, source, seed: int):
    """The hidden layers after a training on the source classes."""
    images, labels, count = source
    rng = numpy.random.default_rng(100 + seed)
    weights = [_init((1, 64, task.hidden), rng), _init((1, task.hidden, task.hidden), rng),
               _init((1, task.hidden, count), rng)]
    run = _Nets(weights, task.norm)
    for _ in range(15):
        order = rng.permutation(len(images))
        for i in range(0, len(images) - 32, 32):
            rows = order[i:i + 32]
            run.step(images[rows], numpy.eye(count, dtype=numpy.float32)[labels[rows]][None],
                     lr=numpy.array([0.02 / task.scale ** 2]), l2=numpy.array([1e-4]))
    return run.weights[:2]


def _train(task: Task, start, images, labels, held, truth, points, seed: int):
    rng = numpy.random.default_rng(1000 + seed)
    lr, l2, smooth, mixed = (numpy.array(column, dtype=numpy.float32)
                             for column in zip(*points, strict=True))
    classes, count = len(task.target), len(points)
    head = _init((1, task.hidden, classes), rng) * 0.3
    run = _Nets([numpy.repeat(w, count, axis=0) for w in [*start, head]], task.norm)
    hot = numpy.eye(classes, dtype=numpy.float32)[labels]
    steps, done = task.epochs * (len(images) // task.batch), 0
    curves = numpy.zeros((count, task.epochs))
    for epoch in range(task.epochs):
        order = rng.permutation(len(images))
        for i in range(0, len(images) - task.batch + 1, task.batch):
            rows = order[i:i + task.batch]
            other, share = rows[rng.permutation(task.batch)], rng.beta(0.2, 0.2)
            keep = numpy.where(mixed > 0, share, 1.0).astype(numpy.float32)[:, None, None]
            x = keep * images[rows] + (1 - keep) * images[other]
            y = keep * hot[rows] + (1 - keep) * hot[other]
            y = y * (1 - 0.1 * smooth[:, None, None]) + 0.1 * smooth[:, None, None] / classes
            rate = 0.5 * (1 + numpy.cos(numpy.pi * done / steps)) if task.decay else 1.0
            run.step(x, y, lr=lr * rate, l2=l2)
            done += 1
        curves[:, epoch] = run.accuracy(held, truth)
    return curves


class _Nets:
    """Many networks of the same shape beside each other: (networks, in, out) weights, SGD with
    momentum 0.9."""

    def __init__(self, weights, norm: bool):
        self.weights, self.norm = weights, norm
        self.speed = [numpy.zeros_like(w) for w in weights]
        self.means = [numpy.zeros((len(w), 1, w.shape[2]), numpy.float32) for w in weights[:2]]
        self.spreads = [numpy.ones((len(w), 1, w.shape[2]), numpy.float32) for w in weights[:2]]

    def step(self, x, y, *, lr, l2):
        caches, h = [], x
        for i, w in enumerate(self.weights[:2]):
            z, spread = h @ w, None
            if self.norm:
                mean, spread = z.mean(axis=1, keepdims=True), z.std(axis=1, keepdims=True) + 1e-3
                self.means[i] = 0.8 * self.means[i] + 0.2 * mean
                self.spreads[i] = 0.8 * self.spreads[i] + 0.2 * spread
                z = (z - mean) / spread
            caches.append((h, z, spread))
            h = numpy.maximum(z, 0)
        delta = (_softmax(h @ self.weights[2]) - y) / x.shape[-2]
        gradients = [None, None, h.swapaxes(1, 2) @ delta]
        delta = delta @ self.weights[2].swapaxes(1, 2)
        for i in (1, 0):
            h, z, spread = caches[i]
            delta = delta * (z > 0)
            if self.norm:
                delta = (delta - delta.mean(axis=1, keepdims=True)
                         - z * (delta * z).mean(axis=1, keepdims=True)) / spread
            gradients[i] = (h if h.ndim == 3 else h[None]).swapaxes(1, 2) @ delta
            delta = delta @ self.weights[i].swapaxes(1, 2) if i else None
        for i, gradient in enumerate(gradients):
            gradient = numpy.clip(numpy.nan_to_num(gradient), -1e4,
                                  1e4) + l2[:, None, None] * self.weights[i]
            self.speed[i] = (0.9 * self.speed[i] + gradient).astype(numpy.float32)
            self.weights[i] = numpy.clip(self.weights[i] - lr[:, None, None] * self.speed[i], -1e6,
                                         1e6).astype(numpy.float32)

    def accuracy(self, x, truth):
        h = x
        for i, w in enumerate(self.weights[:2]):
            z = h @ w
            if self.norm:
                z = (z - self.means[i]) / self.spreads[i]
            h = numpy.maximum(z, 0)
        return ((h @ self.weights[2]).argmax(axis=2) == truth).mean(axis=1)


def _softmax(z):
    e = numpy.exp(z - z.max(axis=2, keepdims=True))
    return e / e.sum(axis=2, keepdims=True)


#: Tasks that differ in what matters to a search.
TASKS = (
    Task("mini_short", epochs=4),
    Task("mini_plain"),
    Task("mini_few", train=40, epochs=20, batch=10),
    Task("mini_many", train=400, epochs=8),
    Task("mini_noisy", blur=0.8, train=200),
    Task("mini_wrong", wrong=0.3, train=200, epochs=20),
    Task("mini_blur_wrong", blur=0.5, wrong=0.2, train=150, epochs=15, target=(0, 2, 4, 6, 8)),
    Task("mini_raw", norm=False),
    Task("mini_raw_long", norm=False, train=300, epochs=20, batch=10, blur=0.4),
    Task("mini_raw_big", norm=False, scale=4.0, blur=0.4, train=200),
    Task("mini_raw_huge", norm=False, scale=10.0, blur=0.4, train=200, epochs=12),
    Task("mini_raw_wrong", norm=False, scale=3.0, wrong=0.3, train=200, epochs=20),
    Task("mini_long", epochs=40, train=200, batch=10, blur=0.6),
    Task("mini_constant", epochs=12, train=200, batch=10, blur=0.4, decay=False),
    Task("mini_three", target=(3, 5, 8), blur=0.6, train=60, epochs=15, batch=10),
    Task("mini_wide", hidden=96, blur=0.6, train=300, epochs=6, target=(1, 3, 5, 7, 9)),
)

#: Made after nearly everything in ``suggest`` was set (docs/benchmarks/ says what was chosen
#: after they were seen).
HELD_OUT = (
    Task("held_plain", target=(0, 1, 4, 7, 8), train=150, epochs=8, blur=0.5, seeds=6),
    Task("held_long", target=(0, 3, 5, 6, 9), train=250, epochs=25, batch=25, blur=0.7, wrong=0.1,
         seeds=6),
    Task("held_few", target=(2, 3, 5, 8, 9), train=60, epochs=15, batch=15, hidden=64, seeds=6),
    Task("held_raw", target=(1, 2, 4, 6, 7), norm=False, scale=2.0, train=150, epochs=12, blur=0.5,
         seeds=6),
    Task("held_raw_steep", target=(0, 2, 5, 7, 9), norm=False, scale=6.0, train=300, epochs=10,
         blur=0.6, seeds=6),
    Task("held_two", target=(4, 9), train=80, epochs=12, batch=10, blur=0.8, wrong=0.1, seeds=6),
)


def main(argv=None) -> int:
    """Write tables as files, ``<output>/<name>.csv.gz``."""
    from pathlib import Path

    from benchmarks.recorded import save_table
    from paddle_transfer.cli.parser import OptionParser
    from paddle_transfer.errors import did_you_mean

    known = {task.name: task for task in (*TASKS, *HELD_OUT)}
    parser = OptionParser(prog="benchmark.py miniature",
                          description=__doc__.split("\n")[0])
    parser.add_argument("task", nargs="*", metavar="TASK",
                        help=f"default: all of {', '.join(known)}")
    parser.add_argument("--output", type=Path, required=True, help="folder")
    arguments = parser.parse_args(argv)
    for name in arguments.task:
        if name not in known:
            parser.error(f"there is no task '{name}'. {did_you_mean(name, list(known))}")
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(
            f"--output {arguments.output}: is no folder and cannot become one ({error.strerror})")
    for name in arguments.task or known:
        path = arguments.output / f"{name}.csv.gz"
        save_table(
            train_table(known[name]), str(path), comments=[
                f"made by: python tools/benchmark.py miniature {name}",
                "tiny numpy networks, for development"
            ])
        print(path, flush=True)
    return 0
