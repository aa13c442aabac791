"""Mean per class accuracy against scikit-learn's, over batches and over processes."""

import types

import numpy as np
import paddle
import pytest
from sklearn.metrics import balanced_accuracy_score

from paddle_transfer.errors import TrialError
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


def evaluated(metrics, logits, labels, batch=4):
    """The metrics of one evaluation in batches, by PaddleClas's metrics and our counts."""
    module = import_with_ppcls("metrics", locate())
    from ppcls.metric import build_metrics  # what the import above makes ready

    metric_func, counts = build_metrics(metrics), module.TopKCounts()
    for start in range(0, len(labels), batch):
        preds = paddle.to_tensor(logits[start:start + batch])
        metric_func(preds, paddle.to_tensor(labels[start:start + batch].reshape(-1, 1)))
        counts.add(metric_func, preds, preds.shape[0])
    return module.metric_values(metric_func, counts)


def test_top_k_is_the_share_of_images_whatever_the_batches():
    random = np.random.default_rng(1)
    logits, labels = random.normal(size=(9, 5)).astype("float32"), random.integers(0, 5, 9)
    order = np.argsort(-logits, axis=1)
    shares = {f"top{k}": sum(labels[i] in order[i, :k] for i in range(9)) / 9 for k in (1, 2)}
    for batch in (2, 4, 7, 9):
        assert evaluated([{"TopkAcc": {"topk": [1, 2]}}], logits, labels, batch) == shares


def test_a_k_beyond_the_classes_is_no_metric():
    """2.5 and newer report 1.0 for it; 2.4 takes it out itself."""
    metrics = import_with_ppcls("metrics", locate())
    meters = {"top1": types.SimpleNamespace(val=0.5), "top5": types.SimpleNamespace(val=1)}
    metric_func = types.SimpleNamespace(
        metric_func_list=[types.SimpleNamespace(topk=[1, 5], avg_meters=meters)])
    counts = metrics.TopKCounts()
    counts.add(metric_func, paddle.zeros([2, 3]), 2)
    assert metrics.metric_values(metric_func, counts) == {"top1": 0.5}


def test_a_metric_that_paddleclas_computes_with_its_text():
    """TprAtFpr and MultilabelMeanAccuracy are 0.0 until their text is asked for."""
    logits = np.float32([[3, 0], [0, 3], [0, 2], [1, 0]])
    values = evaluated([{"TprAtFpr": {"max_fpr": 0.01}}], logits, np.array([0, 1, 1, 0]))
    assert values == {"TprAtFpr": 1.0}


@pytest.mark.parametrize(("label", "kind"), [(0, "another label"), (1, "label 0")])
def test_a_rate_over_no_image_is_refused(label, kind):
    with pytest.raises(TrialError, match=f"TprAtFpr has no value: no image .* has {kind}"):
        evaluated([{"TprAtFpr": {"max_fpr": 0.01}}], np.float32([[1, 0], [0, 1]]),
                  np.array([label, label]))


def retrieved(features, labels, gallery, gallery_labels, block):
    """The recall of ``features`` in ``gallery``, block by block as PaddleClas does."""
    retrieval = import_with_ppcls("retrieval", locate())
    from ppcls.metric import build_metrics

    recorder = retrieval.Recorder(build_metrics([{"Recallk": {"topk": [1, 2]}}]))
    for start in range(0, len(labels), block):
        part = slice(start, start + block)
        similar = paddle.matmul(paddle.to_tensor(features[part]), paddle.to_tensor(gallery),
                                transpose_y=True)
        recorder(similar, paddle.to_tensor(labels[part]).reshape([-1, 1]),
                 paddle.to_tensor(gallery_labels).reshape([-1, 1]), None)
    return recorder.values()


def test_a_recall_does_not_depend_on_blocks_nor_on_queries_without_a_match():
    gallery, gallery_labels = np.eye(3, dtype="float32"), np.array([0, 1, 2])
    features = np.float32([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    labels = np.array([0, 1, 2, 7, 7])  # nothing in the gallery is a 7
    for block in (1, 2, 5):
        assert retrieved(features, labels, gallery, gallery_labels, block)["recall1"] == 2 / 3
    with pytest.raises(TrialError, match="recall1 has no value: no query has an image of its"):
        retrieved(features, labels + 10, gallery, gallery_labels, 2)
