"""The console script: every command is listed, found and light until it works."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer.cli.command import Command
from paddle_transfer.cli.main import COMMANDS, main
from paddle_transfer.errors import DataError
from paddle_transfer.registry import attribute_of

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("paddle", "ppcls", "ray", "skopt", "sklearn", "optuna", "visualdl", "numpy", "scipy",
         "pandas", "cv2", "PIL")
SPY = f"""
import json, sys, time
began = time.process_time()
from paddle_transfer.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
found = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([code, found, time.process_time() - began]), file=sys.stderr)
"""


def call(*arguments, cwd):
    """Exit code, output, errors, heavy modules and seconds of processor time."""
    done = subprocess.run([sys.executable, "-c", SPY, *map(str, arguments)], cwd=cwd, check=True,
                          capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    *errors, last = done.stderr.splitlines()
    code, heavy, seconds = json.loads(last)
    return code, done.stdout, "\n".join(errors), heavy, seconds


def test_help_lists_every_command_at_once(tmp_path):
    code, out, _, heavy, seconds = call("--help", cwd=tmp_path)
    assert (code, heavy) == (0, [])
    assert seconds < 0.5
    assert all(f"\n    {name}" in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_is_light(tmp_path, name):
    code, out, _, heavy, seconds = call(name, "--help", cwd=tmp_path)
    assert (code, heavy) == (0, [])
    assert seconds < 0.5
    assert out.startswith(f"usage: paddle-transfer {name} ")
    assert "%(prog)s" not in out


@pytest.mark.parametrize("name", ["search", "train", "check"])
def test_a_mistake_in_a_config_is_told_at_once(tmp_path, name):
    (tmp_path / "wrong.yaml").write_text("a: [\n")
    code, out, errors, heavy, seconds = call(name, "-c", "wrong.yaml", cwd=tmp_path)
    assert (code, out, heavy) == (2, "", [])
    assert seconds < 0.5
    assert "wrong.yaml: 1 mistake" in errors


def test_commands_that_do_not_exist(capsys):
    for arguments in (["serch"], []):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 2
    assert "invalid choice: 'serch'" in capsys.readouterr().err


def test_each_command_has_the_same_parts_as_its_tool():
    for name in COMMANDS:
        assert isinstance(attribute_of(f"paddle_transfer.cli.{name}:COMMAND"), Command)


@pytest.mark.parametrize(("error", "code", "text"), [
    (DataError("data.csv: broken"), 2, "error: data.csv: broken\n"),
    (KeyboardInterrupt(), 130, "\nstopped; the same command goes on\n"),
])
def test_errors_end_without_a_traceback(capsys, error, code, text):
    def fail(_arguments):
        raise error

    assert Command("Fail.", lambda _parser: None, fail).main([]) == code
    assert capsys.readouterr().err == text
