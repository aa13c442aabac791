"""The rules of the house: which room may import which, one door per library, and a light ``import paddle_transfer``."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "paddle_transfer"


def dotted(path):
    """``paddle_transfer.config.load`` for the file of that module."""
    return ".".join(["paddle_transfer", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


MODULES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}

#: What each room may import from the package, beside itself. ``worker``, ``pretrained`` and ``data`` share only config
#: and errors with the parent process; fetching and reading files safely is ``pretrained``'s, for the two others too.
ARROWS = {
    "errors": set(),
    "config": {"errors", "space"},
    "space": {"errors", "config"},
    "suggest": {"errors", "config", "space"},
    "prune": {"errors", "config", "space", "suggest"},
    "study": {"errors", "config", "space", "suggest"},
    "execute": {"errors", "config", "space"},
    "track": {"errors", "config", "space", "study", "execute"},
    "search": {"errors", "config", "space", "suggest", "prune", "study", "execute", "track", "pretrained"},
    "worker": {"errors", "config", "pretrained"},
    "pretrained": {"errors", "config"},
    "data": {"errors", "config", "pretrained"},
}

#: Rooms at the top, for tests and measurements: they may import every room and library, and nobody imports them.
TOP = ("testing", "benchmark")

#: What is allowed all the same, inside functions: the quickstart's images come from a testing helper, and
#: ``pretrained.load`` hands on to the worker's code.
EXCEPTIONS = {("search.quickstart", "testing"), ("pretrained", "worker")}

#: The rooms or modules that may import a library.
DOORS = {"skopt": {"suggest.bayes"}, "optuna": {"study"}, "visualdl": {"track"}, "ray": {"execute.ray"},
         "ppcls": {"worker"}, "paddle": {"worker"}, "sklearn": {"worker"}}

HEAVY = ("paddle", "ppcls", "paddleclas", "ray", "skopt", "sklearn", "optuna", "visualdl")


def imports(path):
    """Every module named in an import anywhere in the file, functions included, as full dotted names."""
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


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) not in ("", *TOP)])
def test_arrows_point_one_way(module):
    mine = room(module)
    assert mine in ARROWS, f"{mine} is a new room: say in ARROWS what it may import"
    others = {room(name) for name in imports(MODULES[module]) if name.startswith("paddle_transfer.")} - {mine}
    wrong = {other for other in others - ARROWS[mine] if (short(module), other) not in EXCEPTIONS}
    assert not wrong, f"{module} may not import {sorted(wrong)}"


def test_modules_of_config_and_space_form_no_ring():
    """They may import each other's modules (a search file is read with the catalogue, the catalogue edits by path),
    so it is among modules that arrows point one way."""
    edges = {name: {target for target in imports(path) if target in MODULES and target != name}
             for name, path in MODULES.items() if room(name) in ("config", "space")}
    while edges:
        leaves = [name for name, targets in edges.items() if not targets & edges.keys()]
        assert leaves, f"a ring of imports among {sorted(edges)}"
        for name in leaves:
            del edges[name]


@pytest.mark.parametrize("library", DOORS)
def test_one_library_one_door(library):
    def allowed(name):
        return room(name) in TOP or any(f"{short(name)}.".startswith(f"{door}.") for door in DOORS[library])
    users = {name for name, path in MODULES.items()
             if any(target.split(".")[0] == library for target in imports(path))}
    assert {name for name in users if not allowed(name)} == set()


def heavy_after(*modules):
    code = (f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
            f"print([name for name in {HEAVY!r} if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": f"{PACKAGE.parent}:{':'.join(sys.path)}", "PATH": ""})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    assert heavy_after("paddle_transfer") == "[]"


#: Doors themselves may import their library on top; they are only imported when they are used.
LIGHT = [name for name in MODULES if room(name) in ("errors", "config", "space", "suggest", "prune", "execute")]


def test_nor_do_the_modules_that_help_preview_and_errors_need():
    assert heavy_after(*LIGHT, "paddle_transfer.search.preview") == "[]"


@pytest.mark.parametrize("path", sorted((PACKAGE.parent / "tools").glob("*.py")), ids=lambda path: path.name)
def test_tools_are_short(path):
    assert sum(bool(line.strip()) for line in path.read_text().splitlines()) <= 60
