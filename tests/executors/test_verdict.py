from __future__ import annotations

import json
import signal

import pytest

from paddle_transfer.executors.verdict import (
    blames_device,
    finite_curve,
    short_of_memory,
    verdict,
)
from paddle_transfer.study.trial_folder import TrialFolder
from paddle_transfer.study.trial_log import log_tail

RESULT = {"number": 3, "attempt": 2, "verdict": "complete", "value": 0.5, "curve": [[1, 0.5]]}


@pytest.mark.parametrize(("result", "overdue", "said", "exit_code", "expected"), [
    (RESULT, False, {"verdict": "complete"}, None, "complete"),
    (RESULT, False, None, -signal.SIGKILL, "complete"),  # died between writing it and saying so
    (RESULT, True, None, None, "complete"),
    ({**RESULT, "verdict": "pruned"}, False, None, 1, "pruned"),
    (None, True, None, None, "timeout"),
    (None, True, {"verdict": "crashed"}, -signal.SIGSEGV, "timeout"),
    (None, False, {"verdict": "crashed"}, None, "crashed"),
    (None, False, {"verdict": "killed"}, None, "killed"),
    (None, False, {"verdict": "diverged"}, None, "diverged"),
    (None, False, {"verdict": "invalid"}, None, "invalid"),
    (None, False, {"verdict": "complete"}, None, "crashed"),
    (None, False, {"verdict": "nonsense"}, None, "crashed"),
    (None, False, None, -signal.SIGKILL, "killed"),
    (None, False, None, -signal.SIGTERM, "killed"),
    (None, False, None, -signal.SIGHUP, "killed"),
    (None, False, None, -signal.SIGSEGV, "crashed"),
    (None, False, None, -signal.SIGABRT, "crashed"),
    (None, False, None, 1, "crashed"),
    (None, False, None, 0, "crashed"),
])
def test_the_table(result, overdue, said, exit_code, expected):
    assert verdict(result=result, overdue=overdue, said=said, exit_code=exit_code)[0] == expected


def test_messages_name_the_signal_or_the_exit_code():
    def message(code):
        return verdict(result=None, overdue=False, said=None, exit_code=code)[1]

    assert message(-11) == "the worker died of SIGSEGV: a fault in native code"
    assert "SIGKILL" in message(-9)
    assert "exit code 3" in message(3)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", json.dumps(RESULT)[:-2], json.dumps({**RESULT, "attempt": 1}),
             json.dumps({**RESULT, "number": 4}), json.dumps({**RESULT, "value": None}),
             json.dumps({**RESULT, "value": float("nan")}), json.dumps({**RESULT, "value": "1"}),
             json.dumps({**RESULT, "curve": []}), json.dumps({**RESULT, "curve": [[1]]}),
             json.dumps({**RESULT, "curve": None}), json.dumps({**RESULT, "verdict": "crashed"}),
             json.dumps({**RESULT, "verdict": None}), "\udcff"])
def test_a_result_that_is_not_whole_or_not_ours_is_none(tmp_path, text):
    (tmp_path / "result.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert TrialFolder(tmp_path).read_result(3, 2) is None
    assert TrialFolder(tmp_path / "nowhere").read_result(3, 2) is None


def test_a_result_that_is_ours(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT))
    assert TrialFolder(tmp_path).read_result(3, 2) == RESULT
    (tmp_path / "result.json").write_text(
        json.dumps({**RESULT, "verdict": "diverged", "value": None, "curve": []}))
    assert TrialFolder(tmp_path).read_result(3, 2)["verdict"] == "diverged"


def test_a_curve_without_what_is_no_number():
    assert finite_curve({"curve": [[1, 0.5], [2, float("nan")], [3, 1]]}) == ((1, 0.5), (3, 1.0))


def test_the_tail_of_a_log(tmp_path):
    log = tmp_path / "train.log"
    log.write_bytes(b"\xff start\n" + b"".join(b"line %d\n" % i
                                               for i in range(5000)) + b"10%\r20%\r30%")
    assert log_tail(log, lines=4).splitlines() == ["line 4999", "10%", "20%", "30%"]
    assert log_tail(tmp_path / "none") == ""


@pytest.mark.parametrize("text", [
    "MemoryError: ResourceExhaustedError: Out of memory error on GPU 0. Cannot allocate 1 GB",
    "MemoryError: (ResourceExhausted) Fail to alloc memory of 4398046511104 size, error code is 12",
    "OSError: (External) CUDA error(2), out of memory", "CUBLAS error(3), "
    "CUBLAS_STATUS_ALLOC_FAILED", "MemoryError: Unable to allocate 3.2 GiB for an array",
    "OSError: [Errno 12] Cannot allocate memory"])
def test_texts_of_memory_that_is_short(text):
    assert short_of_memory(text)
    assert not blames_device(text)


@pytest.mark.parametrize("text", [
    "OSError: (External) CUDA error(719), unspecified launch failure", "CUDA error(100), no "
    "CUDA-capable device is detected", "CUDA error(46), all CUDA-capable devices are busy",
    "CUDNN error(1), CUDNN_STATUS_NOT_INITIALIZED", "CUDA error(214), uncorrectable ECC error",
    "Global.device is gpu, but no GPU is visible (look at nvidia-smi)"])
def test_texts_of_devices_that_fail(text):
    assert blames_device(text)
    assert not short_of_memory(text)


@pytest.mark.parametrize("text", [
    "OSError: (External) CUDA error(710), device-side assert triggered", "ValueError: x",
    "CUDA error(9), invalid configuration argument", "DataLoader worker exited unexpectedly"])
def test_texts_of_trainings_that_are_at_fault_themselves(text):
    assert not blames_device(text)
    assert not short_of_memory(text)
