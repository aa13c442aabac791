"""Which arguments PaddleClas's parts take, read from its sources without importing them.

Many parts end in ``**kwargs``. What these do not look up is handed on to another part or passed
over without a word, which is followed as far as the sources say it plainly.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from paddle_transfer.rules.names import MODULES
from paddle_transfer.rules.sources import DEEPEST, Definition, definition


@dataclass(frozen=True)
class Signature:
    """
    :param names: the arguments, in their order
    :param needed: those without a default
    :param ignores: any other argument is passed over; otherwise it ends the program
    """

    names: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()
    ignores: bool = False

    def without(self, given: Collection[str], places: int = 0) -> Signature:
        """What is left when ``given``, and the first ``places`` arguments, have a value."""
        left = tuple(name for name in self.names[places:] if name not in given)
        return Signature(left, self.needed & set(left), self.ignores)


@lru_cache(maxsize=512)
def signature(ppcls: Path, kind: str, name: str) -> Signature | None:
    """The arguments of the part ``name``; None where they cannot be told.

    :param kind: one of ``MODULES``
    """
    found = definition(name, ppcls / MODULES[kind], ppcls)
    return found and _of(*found, ppcls, DEEPEST)


def _of(node: Definition, file: Path, ppcls: Path, depth: int) -> Signature | None:
    if node.decorator_list or not depth:
        return None
    if isinstance(node, ast.FunctionDef):
        return _of_function(node, None, file, ppcls, depth)
    return _of_class(node, file, ppcls, depth)


def _of_class(node: ast.ClassDef, file: Path, ppcls: Path, depth: int) -> Signature | None:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name == "__init__":
            made = None if child.decorator_list else _of_function(child, node, file, ppcls, depth)
            return made and made.without((), 1)  # self
    return _of_bases(node, file, ppcls, depth)


def _of_bases(node: ast.ClassDef, file: Path, ppcls: Path, depth: int) -> Signature | None:
    """What the constructor that a class inherits takes; None also for one of another package."""
    bases = [one.id if isinstance(one, ast.Name) else "" for one in node.bases]
    if not bases or bases == ["object"]:
        return Signature()
    found = definition(bases[0], file, ppcls)
    return _of(*found, ppcls, depth - 1) if len(bases) == 1 and found else None


def _of_function(node: ast.FunctionDef, owner: ast.ClassDef | None, file: Path, ppcls: Path,
                 depth: int) -> Signature | None:
    """:param owner: of a method"""
    given = node.args
    plain = [one.arg for one in (*given.posonlyargs, *given.args)]
    needed = {*plain[:len(plain) - len(given.defaults)],
              *(one.arg for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
                if default is None)}
    own = Signature((*plain, *(one.arg for one in given.kwonlyargs)), frozenset(needed))
    if given.kwarg is None:
        return own
    names, passed = list(own.names), list[Signature]()
    for use in _uses(node, given.kwarg.arg):
        if isinstance(use, str):
            names.append(use)
            continue
        target = use and _target(use, owner, file, ppcls, depth)
        if not use or not target:
            return None  # it goes somewhere that is not known
        passed.append(target.without(
            [one.arg for one in use.keywords if one.arg],
            sum(not isinstance(one, ast.Starred) for one in use.args)))  # *args are none here
    names += [name for one in passed for name in one.names]
    return Signature(tuple(dict.fromkeys(names)), own.needed,
                     all(one.ignores for one in passed))


def _uses(node: ast.FunctionDef, mapping: str) -> Iterator[str | ast.Call | None]:
    """What a function does with its ``**mapping``: a name is looked up, all is handed to a call, or
    (None) something else."""
    explained = set[int]()

    def is_mapping(one: ast.AST) -> bool:
        found = isinstance(one, ast.Name) and one.id == mapping
        explained.update([id(one)] if found else [])
        return found

    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            if any(key.arg is None and is_mapping(key.value) for key in one.keywords):
                yield one
            elif isinstance(one.func, ast.Attribute) and one.func.attr in ("get", "pop") and (
                    is_mapping(one.func.value)):
                yield _text(one.args[0]) if one.args else None
        elif isinstance(one, ast.Subscript) and is_mapping(one.value):
            yield _text(one.slice)
        elif isinstance(one, ast.Compare) and isinstance(one.ops[0], (ast.In, ast.NotIn)) and (
                is_mapping(one.comparators[0])):
            yield _text(one.left)
    if any(isinstance(one, ast.Name) and one.id == mapping and id(one) not in explained
           for one in ast.walk(node)):
        yield None


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _target(call: ast.Call, owner: ast.ClassDef | None, file: Path, ppcls: Path, depth: int
            ) -> Signature | None:
    """What a call takes: of a part of PaddleClas, or of the class above ``owner``."""
    if isinstance(call.func, ast.Name):
        found = definition(call.func.id, file, ppcls)
        return _of(*found, ppcls, depth - 1) if found else None
    above = (isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
             and isinstance(call.func.value, ast.Call)
             and isinstance(call.func.value.func, ast.Name)
             and call.func.value.func.id == "super")
    return _of_bases(owner, file, ppcls, depth) if above and owner is not None else None
