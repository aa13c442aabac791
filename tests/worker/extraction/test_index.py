"""The index beside the weights: written, read, refused."""

import os
import pickle

import numpy as np
import pytest

from paddle_transfer.checks.fingerprints import hash_file
from paddle_transfer.errors import TrialError
from paddle_transfer.worker.extraction import index
from paddle_transfer.worker.extraction.classifiers import Affine, Neighbours

rng = np.random.default_rng(0)
NEIGHBOURS = Neighbours(rng.normal(size=(9, 4)).astype(np.float32), np.arange(9) % 3, rng.normal(
    size=4), np.ones(4), 2, 5)
AFFINE = Affine(rng.normal(size=(4, 3)), rng.normal(size=3))


@pytest.mark.parametrize("classifier", [NEIGHBOURS, AFFINE], ids=["neighbours", "affine"])
def test_what_is_read_gives_the_same_scores(classifier, tmp_path):
    path = index.path_beside(str(tmp_path / "best_model.pdparams"))
    assert path == index.path_beside(str(tmp_path / "best_model"))
    index.write_index(path, classifier, layer="blocks.3", weights=__file__)
    found = index.read_index(path)
    assert (found.layer, found.weights) == ("blocks.3", hash_file(__file__))
    features = rng.normal(size=(7, 4))
    assert np.array_equal(found.classifier.scores(features), classifier.scores(features))


def written(path, **changed):
    index.write_index(path, NEIGHBOURS, layer="", weights=__file__)
    with np.load(path) as arrays:
        np.savez(path, **{**arrays, **changed})
    return path


@pytest.mark.parametrize(("changed", "message"), [
    ({"format": 2}, "format 2, not 1"),
    ({"kind": "trees"}, "'trees'"),
    ({"labels": np.arange(8)}, "do not fit each other"),
    ({"labels": np.arange(9)}, "do not fit each other"),
    ({"mean": np.zeros(3)}, "do not fit each other"),
    ({"scale": np.zeros((4, 4))}, r"scale has the shape \(4, 4\)"),
    ({"examples": np.full((9, 4), "x")}, "examples has the shape"),
    ({"count": 0}, "do not fit each other"),
])
def test_another_content_is_refused(changed, message, tmp_path):
    with pytest.raises(TrialError, match=f"is no index of feature_extraction .*{message}"):
        index.read_index(written(tmp_path / "a.npz", **changed))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil", )


def test_nothing_in_it_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hidden = np.empty(9, dtype=object)
    hidden[:] = Evil()
    np.savez(tmp_path / "a.npz", format=1, kind="neighbours", layer="", count=1, classes=3,
             examples=hidden, labels=hidden, mean=hidden, scale=hidden)
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(TrialError, match="is no index of feature_extraction"):
            index.read_index(tmp_path / name)
    assert not (tmp_path / "evil").exists()


def test_no_more_is_read_than_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    index.write_index(path, NEIGHBOURS, layer="", weights=__file__)
    np.savez_compressed(tmp_path / "b.npz", zeros=np.zeros(100_000))
    monkeypatch.setattr(index, "LIMIT", path.stat().st_size - 1)
    with pytest.raises(TrialError, match=r"but at most [\d,]+ are read"):
        index.read_index(path)
    with pytest.raises(TrialError, match=r"its arrays have 800,128 bytes; at most"):
        index.read_index(tmp_path / "b.npz")
    with pytest.raises(TrialError, match="keep both together"):
        index.read_index(tmp_path / "none.npz")
