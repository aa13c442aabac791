"""PaddleClas's sources as syntax trees: what is at the top of a module, and where it is defined.

Nothing is imported, which would need Paddle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

#: Modules of ``ppcls`` that a chain of imports may lead through.
DEEPEST = 5

Definition = ast.FunctionDef | ast.ClassDef


@lru_cache(maxsize=256)
def module(file: Path) -> ast.Module | None:
    """The module in ``file``; None where it is not there, or cannot be parsed."""
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def top_level(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in a module, but not inside of its functions and classes."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from top_level(child)


def imported_file(node: ast.ImportFrom, file: Path, ppcls: Path) -> Path | None:
    """The module that ``from ... import`` in ``file`` reads; None for one outside of ``ppcls``."""
    parts = (node.module or "").split(".") if node.module else []
    if node.level:
        place = file.parents[node.level - 1]
    elif parts[:1] == ["ppcls"]:
        place, parts = ppcls, parts[1:]
    else:
        return None
    target = place.joinpath(*parts)
    return target / "__init__.py" if target.is_dir() else target.with_suffix(".py")


def definition(name: str, file: Path, ppcls: Path, depth: int = DEEPEST
               ) -> tuple[Definition, Path] | None:
    """The function or class that ``name`` is in the module ``file``, and the file that defines it;
    None where that cannot be told."""
    tree, found = module(file), None
    for node in top_level(tree) if tree is not None else ():
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            found = node, file
        elif isinstance(node, ast.Assign) and any(
                isinstance(one, ast.Name) and one.id == name for one in node.targets):
            other = node.value.id if isinstance(node.value, ast.Name) else ""
            found = definition(other, file, ppcls, depth - 1) if other and depth else None
        elif isinstance(node, ast.ImportFrom):
            target = imported_file(node, file, ppcls)
            meant = [alias.name if alias.name != "*" else name for alias in node.names
                     if alias.name == "*" or (alias.asname or alias.name) == name]
            if target is not None and meant and depth:
                found = definition(meant[-1], target, ppcls, depth - 1) or found
    return found
