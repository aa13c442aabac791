"""VisualDL ends no training of ``tools/train.py``."""

import pytest

from paddle_transfer.worker.viewer import safe


class Writer:
    def __init__(self, logdir):
        if not logdir:
            raise NotADirectoryError(20, "Not a directory", "vdl")
        self.written = []

    def add_scalar(self, **scalar):
        if scalar["step"] > 1:
            raise OSError(28, "No space left on device")
        self.written.append(scalar["step"])

    def close(self):
        self.written.append("closed")


@pytest.mark.parametrize(("logdir", "line"), [
    ("vdl", "VisualDL failed in add_scalar and is switched off; the training goes on: OSError: "
     "[Errno 28] No space left on device\n"),
    ("", "VisualDL failed in begin and is switched off; the training goes on: NotADirectoryError: "
     "[Errno 20] Not a directory: 'vdl'\n")])
def test_a_writer_that_fails_is_switched_off_in_one_line(capsys, logdir, line):
    writer = safe(Writer)(logdir=logdir)
    for step in (1, 2, 3):
        writer.add_scalar(tag="loss", step=step, value=0.5)
    writer.close()
    assert capsys.readouterr().err == line


def test_one_that_works_is_used():
    made = []
    writer = safe(lambda logdir: made.append(Writer(logdir)) or made[0])(logdir="vdl")
    writer.add_scalar(step=1)
    writer.close()
    assert made[0].written == [1, "closed"]
