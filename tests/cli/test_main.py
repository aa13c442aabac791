"""The console script: every command is listed, found and light until it works."""

import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from paddle_transfer.cli.command import FAULT, TRACEBACK, Command
from paddle_transfer.cli.main import COMMANDS, main
from paddle_transfer.errors import DataError
from paddle_transfer.registry import attribute_of

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("paddle", "ppcls", "ray", "skopt", "sklearn", "optuna", "visualdl", "numpy", "scipy",
         "plotly", "pandas", "cv2", "PIL")
#: The names of scripts in tools/ that are not their command's.
TOOLS = {"export": "export_model", "prepare": "prepare_data", "check": "check_data",
         "weights": "pretrained"}
NO_TOOL = ("schema",)
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


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_that_of_its_tool(name, monkeypatch):
    command = attribute_of(f"paddle_transfer.cli.{name}:COMMAND")
    assert isinstance(command, Command)
    tool = ROOT / f"tools/{TOOLS.get(name, name)}.py"
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(Command, "main", lambda self: 3 if self is command else 4)
    if name in NO_TOOL:
        assert not tool.exists()
        return
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(tool), run_name="__main__")
    assert end.value.code == 3


@pytest.mark.parametrize(("error", "code", "text"), [
    (DataError("data.csv: broken"), 2, "error: data.csv: broken\n"),
    (KeyboardInterrupt(), 130, "\nstopped; the same command goes on\n"),
])
def test_errors_end_without_a_traceback(capsys, error, code, text):
    def fail(_arguments):
        raise error

    assert Command("Fail.", lambda _parser: None, fail).main([]) == code
    assert capsys.readouterr().err == text


def test_a_fault_that_nobody_foresaw_is_one_line_with_the_place_of_its_traceback(
        capsys, tmp_path, monkeypatch):
    def fail(_arguments):
        raise RuntimeError("it \x1b broke")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert Command("Fail.", lambda _parser: None, fail).main([]) == FAULT
    line, = capsys.readouterr().err.splitlines()
    file, = tmp_path.iterdir()
    assert "unexpected RuntimeError in " in line
    assert f"test_main.py, line {fail.__code__.co_firstlineno + 1}: it \\x1b broke" in line
    assert f"The traceback is in {file};" in line
    assert file.read_text().startswith("Traceback (most recent call last)")


def test_a_variable_shows_tracebacks(capsys, monkeypatch):
    def fail(_arguments):
        raise DataError("data.csv: broken") from ValueError("the cause")

    monkeypatch.setenv(TRACEBACK, "1")
    assert Command("Fail.", lambda _parser: None, fail).main([]) == 2
    told = capsys.readouterr().err
    assert "ValueError: the cause" in told
    assert told.endswith("\nerror: data.csv: broken\n")


def test_arguments_are_quoted_in_one_bounded_line(capsys):
    with pytest.raises(SystemExit):
        main(["prepare", "--root", ".", "--dataset", "\x1b" + "y" * 10_000])
    assert len(capsys.readouterr().err.splitlines()[-1]) < 1200
