"""tools/search.py as a user calls it: from anywhere, without a traceback or heavy imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.configs import PUBLISHED_FIXED, write_search

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "search.py"
HEAVY = ("paddle", "ppcls", "paddleclas", "ray", "skopt", "sklearn", "optuna", "visualdl", "numpy",
         "scipy", "pandas", "matplotlib", "cv2", "PIL")

#: Runs the tool and then tells, on the last line of stderr, which heavy modules are there.
SPY = f"""
import json, runpy, sys
sys.argv = [{str(TOOL)!r}, *sys.argv[1:]]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
"""


def run(*arguments, cwd):
    done = subprocess.run([sys.executable, "-c", SPY, *map(str, arguments)], cwd=cwd,
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""},
                          check=False)
    *lines, modules = done.stderr.splitlines()
    return done.returncode, done.stdout, "\n".join(lines), json.loads(modules)


def test_help_needs_nothing_heavy(tmp_path):
    code, out, _, heavy = run("--help", cwd=tmp_path)
    assert (code, heavy) == (0, [])
    assert "--dry-run" in out
    assert "--fresh" in out
    assert "--paddleclas" in out


@pytest.mark.parametrize("mode", ["grid", "bayes", "random"])
def test_a_dry_run_needs_nothing_heavy_and_leaves_nothing_behind(tmp_path, mode):
    path = write_search(tmp_path, search_mode=mode, fixed=PUBLISHED_FIXED)
    before = sorted(os.listdir(tmp_path))
    code, out, errors, heavy = run("-c", path, "--dry-run", "-o", "workers=2", "-o",
                                   "Global.epochs=9", cwd=tmp_path)
    assert (code, errors, heavy) == (0, "", [])
    assert "cpu:0, cpu:1" in out
    assert "epochs: 9" in out
    assert sorted(os.listdir(tmp_path)) == before


def test_a_config_error_needs_nothing_heavy_and_has_no_traceback(tmp_path):
    path = write_search(tmp_path, max_itr=3, workers=0)
    for extra in ([], ["--dry-run"]):
        code, out, errors, heavy = run("-c", path, *extra, cwd=tmp_path)
        assert (code, out, heavy) == (2, "", [])
        assert errors.startswith(f"{path}: 2 mistakes\n  - max_itr: unknown key")
        assert "Traceback" not in errors


def test_a_missing_file(tmp_path):
    code, _, errors, _ = run("-c", "nothing.yaml", cwd=tmp_path)
    assert code == 2
    assert errors.startswith(
        "nothing.yaml: 1 mistake\n  - the file must be readable; found No such file")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    path = write_search(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, str(TOOL), "-c", path, "--dry-run"], stdout=writing,
                          stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_before_the_search_proper_leaves_no_traceback(tmp_path):
    code = f"""
import runpy, sys
sys.argv = ["search.py", "-c", "x.yaml"]
import paddle_transfer.settings.search_file as module
def interrupted(*_, **__):
    raise KeyboardInterrupt
module.load_search_file = interrupted
runpy.run_path({str(TOOL)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                          text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr.strip()) == (130, "stopped; the same command begins again")
