import pickle

import numpy as np
import pytest

from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.read import read_all
from tests.helpers.evil_weights import evil_files


def test_what_a_training_saves(tmp_path):
    array = np.arange(6, dtype="float32").reshape(2, 3)
    held = [{
        "fc.w_0_velocity_0": ("fc.w_0", array), "LR_Scheduler": {"last_epoch": 3, "last_lr": 0.1},
        "StructuredToParameterName@@": {"a": "b"}, "names": ("x", None, True),
        "step": np.float64(2.5)
    }]
    file = tmp_path / "latest.pdopt"
    for protocol in range(2, 6):
        file.write_bytes(pickle.dumps(held, protocol))
        (found,) = read_all(file)
        assert np.array_equal(found.pop("fc.w_0_velocity_0"), array)
        assert found == {
            "LR_Scheduler": {"last_epoch": 3, "last_lr": 0.1}, "names": ("x", None, True),
            "step": 2.5
        }


def test_nothing_of_an_evil_file_is_run(tmp_path):
    mark = tmp_path / "mark"
    for number, (name, data, _) in enumerate(evil_files(str(mark))):
        file = tmp_path / f"{number}.pdstates"
        file.write_bytes(data)
        with pytest.raises((UnsafeWeights, NotWeights)):
            read_all(file)
        assert not mark.exists(), name


def test_a_bare_name_and_a_ring_are_refused(tmp_path):
    file = tmp_path / "a.pdstates"
    file.write_bytes(pickle.dumps({"metric": eval}))
    with pytest.raises(UnsafeWeights, match=r"builtins\.eval"):
        read_all(file)
    ring = {}
    ring["self"] = [ring]
    file.write_bytes(pickle.dumps(ring))
    with pytest.raises(NotWeights, match="holds itself"):
        read_all(file)


def test_a_small_file_does_not_unfold(tmp_path):
    thing = []
    for _ in range(60):
        thing = [thing, thing]
    (tmp_path / "a.pdstates").write_bytes(pickle.dumps({"metric": thing}))
    found = read_all(tmp_path / "a.pdstates")["metric"]
    assert found[0] is found[1]
