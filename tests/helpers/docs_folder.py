"""The folder that the docs' commands and snippets run in: a reader's own, with images so few and a
network so small that a training takes a part of a second. All here runs in ``bridge.Trainings``."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import shlex
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from paddle_transfer import SearchResult, dotpath, estimate
from paddle_transfer.config.load import dump_yaml, load_yaml
from paddle_transfer.settings import ineffective_keys
from tests.helpers.commands import run_command
from tests.helpers.datasets import picture
from tests.helpers.digits import tiny_config
from tests.helpers.inline_executor import TRAINS
from tests.helpers.own_folder import fill

#: Most of the time of reading a search goes into comparing its points.
FEW_POINTS = mock.patch.object(ineffective_keys, "POINTS", 4)
#: How the searches of the docs are made small.
SMALL = {"max_iter": 2, "workers": 1, "confirm": "none", "final": None,
         "executor": {"name": TRAINS}, "reports": ["html"]}

#: Key -> the key beside which it is not lent.
TAKES_THE_PLACE_OF = {"fixed": "search_dict", "search_mode": "sampler"}


def make(folder: str, search: str) -> None:
    """:param search: the content of the docs' my_search.yaml"""
    root = Path(folder)
    fill(root / "my_images", {"cat": 12, "dog": 12})
    (root / "photo.jpg").write_bytes(picture(1000))
    done(folder, "prepare", "--dataset", "folder", "--root", "my_images")
    with contextlib.chdir(folder):
        config = tiny_config("my_images", "output/training", Global__epochs=1,
                             Metric__Eval=[{"TopkAcc": {"topk": [1]}}])
    own = str(root / "my_images" / "custom_bayes.yaml")
    (root / "my_search.yaml").write_text(search, encoding="utf-8")
    for file in ("my_config.yaml", "my_images/custom.yaml"):  # the prepared one: edited
        dump_yaml(config, str(root / file))
    for file in (own, str(root / "my_search.yaml")):
        dump_yaml({**load_yaml(file), **SMALL}, file)
    done(folder, "search", "-c", "my_search.yaml")


def done(folder: str, *arguments: str) -> str:
    """What the command says; it ends without an error."""
    with FEW_POINTS:
        code, told = run_command(*arguments, cwd=folder)
    assert code == 0, f"{shlex.join(arguments)}\n{told}"
    return told


def commands(text: str) -> list[list[str]]:
    """The words of every command in the lines of a shell."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def run_bash(folder: str, text: str) -> None:
    """Every line, which is a command of this package; ``> FILE`` takes what it says."""
    for words in commands(text):
        words, to = (words[:-2], words[-1]) if ">" in words else (words, None)
        program, *arguments = words
        assert program == "paddle-transfer", f"no test can run {program}"
        if "--help" in arguments:
            with pytest.raises(SystemExit, match=r"^0$"):
                run_command(*arguments, cwd=folder)
            continue
        told = done(folder, *arguments)
        if to:
            Path(folder, to).write_text(told, encoding="utf-8")


def run_python(folder: str, text: str) -> str:
    """What the code prints."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as told:
        exec(compile(text, "<docs>", "exec"), {"__name__": "docs"})
    return told.getvalue()


def run_notebook(folder: str, file: str, sizes: str) -> list[tuple[str, str]]:
    """What the cells show: (type, the HTML of a result, else nothing).

    :param sizes: the code in the place of the first cell, which says how large all of it is
    """
    cells = json.loads(Path(file).read_text(encoding="utf-8"))["cells"]
    _, *codes = ("".join(one["source"]) for one in cells if one["cell_type"] == "code")
    scope: dict[str, Any] = {"__name__": "notebook"}
    shown = []
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), FEW_POINTS:
        for code in (sizes, *codes):
            *body, last = ast.parse(code).body
            value = isinstance(last, ast.Expr) and not code.endswith(";")
            exec(compile(ast.Module(body if value else [*body, last], []), file, "exec"), scope)
            if value and isinstance(last, ast.Expr):
                found = eval(compile(ast.Expression(last.value), file, "eval"), scope)
                html = found._repr_html_() if isinstance(found, SearchResult) else ""
                shown.append((type(found).__name__, html))
    return shown


def check_yaml(folder: str, content: dict[str, Any], search: dict[str, Any]) -> None:
    """That a search with ``content`` would run.

    :param content: a search file, some of its keys, or sections of a training config
    :param search: the search file that lends the other keys
    """
    with contextlib.chdir(folder), FEW_POINTS:
        sections = {name: value for name, value in content.items() if name[0].isupper()}
        keys = {name: value for name, value in content.items() if name not in sections}
        lent = {key: value for key, value in search.items()
                if TAKES_THE_PLACE_OF.get(key) not in keys}
        base = load_yaml("my_config.yaml")
        for path, value in [("Transfer.pretrained", "imagenet"), *leaves(sections)]:
            dotpath.set_(base, path, value, create=True)
        estimate({**lent, "base_config_file": base, **keys})


def leaves(section: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """(dotted path, value) of what is no mapping."""
    found: list[tuple[str, Any]] = []
    for name, value in section.items():
        inner = isinstance(value, dict) and "name" not in value
        found += leaves(value, f"{prefix}{name}.") if inner else [(f"{prefix}{name}", value)]
    return found
