"""The first error of a log is the one that is told."""

import pytest

from paddle_transfer.study.trial_log import explained, first_error

QUEUE = "SystemError: (Fatal) Blocking queue is killed because the data reader raises an exception"
SHM = ("ERROR: Unexpected BUS error encountered in DataLoader worker. This might be caused by "
       "insufficient shared memory (shm), please check whether use_shared_memory is set")
RAISED = "Traceback (most recent call last):\n  File \"a.py\", line 3, in run\n    go()\n"
SEGFAULT = ("Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call "
            "first):\n  File \"/lib/ctypes/__init__.py\", line 519 in string_at\n")
IMAGE = "[2026/11/26 05:29] ppcls ERROR: Exception occured when parse line: a b.jpg with msg: cut\n"
#: What numpy prints, and goes on, where a library was built for an older one.
HARMLESS = f"A module that was compiled using NumPy 1.x cannot be run in\n{RAISED}"


def write(folder, text):
    log = folder / "train.log"
    log.write_text("ppcls INFO: a line\n" * 129 + text)
    return log


@pytest.mark.parametrize(("message", "text", "told"), [
    (QUEUE, f"{SHM}\n{RAISED}{QUEUE}\n",
     f"{SHM.removeprefix('ERROR: ')} (train.log, line 130); the end: {QUEUE}"),
    ("SystemExit: 1", "[2026/11/26] ppcls ERROR: no such op: Foo.\n",
     "no such op: Foo (train.log, line 130); the end: SystemExit: 1"),
    ("RuntimeError: (External) CUDA error(700)", "Out of memory error on GPU 0. Cannot allocate\n",
     "Out of memory error on GPU 0. Cannot allocate (train.log, line 130); the end: RuntimeError: "
     "(External) CUDA error(700)"),
    ("the worker died of SIGSEGV: a fault in native code", SEGFAULT,
     "Segmentation fault in string_at (__init__.py, line 519) (train.log, line 133); the end: the "
     "worker died of SIGSEGV: a fault in native code"),
    ("the worker ended with exit code 1 before it had a result",
     f"{RAISED}ModuleNotFoundError: No module named 'faiss'\n",
     "ModuleNotFoundError: No module named 'faiss' (train.log, line 133); the end: the worker "
     "ended with exit code 1 before it had a result"),
    (QUEUE, IMAGE * 2, f"a b.jpg: cut (train.log, line 130); the end: {QUEUE}"),
])
def test_the_first_error_comes_before_the_way_in_which_it_ended(tmp_path, message, text, told):
    assert explained(message, write(tmp_path, text)) == told


@pytest.mark.parametrize("text", ["", IMAGE, HARMLESS, f"{RAISED}ValueError: another\n"])
def test_an_exception_of_the_training_itself_is_its_own_cause(tmp_path, text):
    message = "ValueError: the batch has no label (loss.py, line 3)"
    assert explained(message, write(tmp_path, text)) == message


def test_a_message_is_not_told_twice(tmp_path):
    log = write(tmp_path, "ERROR: no room for 3 images\n")
    assert explained("no room for 3 images", log) == "no room for 3 images"


def test_a_long_log_is_read_in_bounded_parts_and_none_is_no_error(tmp_path):
    log = write(tmp_path, "x" * 100_000 + "ERROR: not at the begin of a line\nERROR: found\n")
    assert first_error(log) == ("found", 131)
    assert first_error(tmp_path / "none") is None
    assert explained(QUEUE, tmp_path / "none") == QUEUE
