"""The rules of the house: which room may import which, one door per library, a light import."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "paddle_transfer"


def dotted(path):
    """``paddle_transfer.config.load`` for the file of that module."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(["paddle_transfer", *parts]).removesuffix(".__init__")


MODULES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}

#: The rooms from the top: a room may import those of the lines below its own.
LAYERS = (
    ("cli",),
    ("public",),
    ("api",),
    ("result", "optuna"),
    ("report", "worker", "datasets"),
    ("environment",),
    ("loop", "weights"),
    ("settings",),
    ("stages",),
    ("pruners",),
    ("executors",),
    ("study",),
    ("samplers",),
    ("rules",),
    ("space", "checks"),
    ("strategies",),
    ("config",),
    ("registry",),
    ("predictions",),
    ("clock", "errors", "dotpath", "files", "hardware", "progress"),
)
RANK = {room: place for place, rooms in enumerate(LAYERS) for room in rooms}

#: A trial's process needs no more than these.
WORKER = {"config", "strategies", "weights", "checks", "registry", "errors", "dotpath", "files",
          "hardware", "predictions", "progress"}

#: The rooms or modules that may import a library.
DOORS = {
    "skopt": {"samplers.gp"},
    "optuna": {"study", "samplers.optuna", "pruners.optuna", "optuna"},
    "visualdl": {"report.visualdl"},
    "tensorboardX": {"report.tensorboard"},
    "plotly": {"report.html"},
    "jinja2": {"report.html"},
    "ray": {"executors.ray"},
    "ppcls": {"worker"},
    "paddle": {"worker", "strategies.worker"},
    "sklearn": {"worker.extraction"},
}

HEAVY = ("paddle", "ppcls", "paddleclas", "ray", "skopt", "sklearn", "optuna", "visualdl",
         "tensorboardX", "plotly", "jinja2")


@functools.cache
def imports(path):
    """Every module named in an import anywhere in the file, functions included, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write imports in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def room(module):
    """``config`` for paddle_transfer.config.load; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def short(module):
    return module.removeprefix("paddle_transfer.")


ROOMED = [name for name in MODULES if room(name)]


@pytest.mark.parametrize("module", ROOMED)
def test_arrows_point_one_way(module):
    mine = room(module)
    assert mine in RANK, f"{mine} is a new room: say in LAYERS where it stands"
    targets = (name for name in imports(MODULES[module]) if name in MODULES)
    others = {room(name) for name in targets} - {mine, ""}
    wrong = {other for other in others if RANK[other] <= RANK[mine]}
    if mine == "worker":
        wrong |= others - WORKER
    assert not wrong, f"{module} may not import {sorted(wrong)}"


def test_modules_form_no_circle():
    edges = {
        name: {target for target in imports(path) if target in MODULES and target != name}
        for name, path in MODULES.items()
    }
    for name, targets in edges.items():  # "from package.module import name" names the package too
        edges[name] = {target for target in targets if not name.startswith(f"{target}.")}
    while edges:
        leaves = [name for name, targets in edges.items() if not targets & edges.keys()]
        assert leaves, f"a circle of imports among {sorted(edges)}"
        for name in leaves:
            del edges[name]


@pytest.mark.parametrize("library", DOORS)
def test_one_library_one_door(library):
    def allowed(name):
        return any(
            f"{short(name)}.".startswith((f"{door}.", f"{door}_")) for door in DOORS[library])

    users = {
        name
        for name, path in MODULES.items()
        if any(target.split(".")[0] == library for target in imports(path))
    }
    assert {name for name in users if not allowed(name)} == set()


def heavy_after(*modules):
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{PACKAGE.parent}:{':'.join(sys.path)}", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    assert heavy_after("paddle_transfer") == "[]"


#: What help texts, previews and error messages need.
LIGHT_ROOMS = (
    "errors", "dotpath", "hardware", "registry", "config", "space", "rules", "strategies",
    "stages", "settings",
)  # fmt: skip
LIGHT = [
    name for name in MODULES if room(name) in LIGHT_ROOMS
    and not short(name).startswith("strategies.worker.")
]


def test_nor_do_the_modules_that_help_preview_and_errors_need():
    modules = ["paddle_transfer.public", "paddle_transfer.samplers.registry"]
    assert heavy_after(*LIGHT, *modules) == "[]"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE.parent / "tools").glob("*.py")), ids=lambda path: path.name
)
def test_tools_are_short(path):
    assert sum(bool(line.strip()) for line in path.read_text().splitlines()) <= 60
