"""Mean per class accuracy against scikit-learn's, over batches and over processes."""

import types

import numpy as np
import paddle
import pytest
from sklearn.metrics import balanced_accuracy_score

from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate
from paddle_transfer.worker.metrics import PerClassAccuracy


def measured(logits, labels, batch=7):
    counts = PerClassAccuracy()
    for start in range(0, len(labels), batch):
        counts.add(paddle.to_tensor(logits[start:start + batch]),
                   paddle.to_tensor(labels[start:start + batch].reshape(-1, 1)))
    return counts


def test_it_is_scikit_learns_over_uneven_classes_and_batches():
    random = np.random.default_rng(0)
    labels = random.choice([0, 1, 2, 5], p=[0.7, 0.2, 0.05, 0.05],
                           size=200)  # 3 and 4 have no image
    logits = random.normal(size=(200, 6)).astype("float32")
    logits[np.arange(200), labels] += np.where(labels == 0, 3, 0.5)
    counts = measured(logits, labels)
    right = logits.argmax(axis=1)
    expected = np.mean([(right[labels == c] == c).mean() for c in (0, 1, 2, 5)])
    assert counts.value() == pytest.approx(expected) == pytest.approx(
        balanced_accuracy_score(labels, right))
    assert counts.value() < (right == labels).mean() - 0.1, "or it could not be told from top1"
    assert counts.named() == {"mean_per_class": counts.value()}


def test_nothing_is_told_where_an_image_has_no_single_label():
    counts = PerClassAccuracy()
    counts.add(paddle.zeros([4, 3]), paddle.zeros([4, 3], dtype="int64"))
    counts.add({"features": paddle.zeros([4, 3])}, paddle.zeros([4, 1], dtype="int64"))
    assert counts.value() is None
    assert counts.named() == {}


def test_the_main_classifier_of_several_counts():
    counts = PerClassAccuracy()
    counts.add([paddle.to_tensor([[0.0, 1.0]]),
                paddle.to_tensor([[1.0, 0.0]])], paddle.to_tensor([[1]]))
    assert counts.value() == 1.0


def test_several_processes_count_repeated_samples_once(monkeypatch):
    """Two processes evaluate 3 images: the sampler repeats the first one to fill the second
    process's batch."""
    eval_loop = import_with_ppcls("eval_loop", locate())
    others = iter([paddle.to_tensor([[1.0, 0.0], [1.0, 0.0]]), paddle.to_tensor([[1], [0]])])
    monkeypatch.setattr(paddle.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(paddle.distributed, "all_gather",
                        lambda parts, value: parts.extend([value, next(others)]))
    logits = paddle.to_tensor([[1.0, 0.0], [0.0, 1.0]])
    engine = types.SimpleNamespace(
        use_dali=False, config={"Global": {}}, is_rec=False, model=lambda _: logits, amp=False,
        eval_loss_func=None, eval_metric_func=None, multilabel=False)
    measured = eval_loop.Evaluation()
    eval_loop._evaluate_batch(engine, [paddle.zeros([2, 1]), paddle.to_tensor([[0], [1]])],
                              measured, total=3)
    # class 0: right; class 1: one right, one wrong. The fourth, right and of class 0, is a
    # repetition.
    assert measured.seen == 3
    assert measured.per_class.value() == pytest.approx(0.75)
    assert measured.per_class.seen == {0: 1, 1: 2}
