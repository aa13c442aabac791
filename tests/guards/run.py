"""Switch the guards off, one by one, and see that a test fails for each:

    python tests/guards/run.py [NAME ...] [--match TEXT]

``NAME.yaml`` beside this file lists guards: ``file`` and the text to ``find`` in it, the text to
``replace`` it with (the guard switched off), and the ``tests`` that must fail then. It works
on a copy of the checkout. The exit code is 1 when a guard is not held by its tests.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COPIED = ("paddle_transfer", "ppcls_configs", "benchmarks", "tests", "tools", "docs",
          "mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md",
          "pyproject.toml", "setup.py", "README.md", "README_ch.md")


@dataclass(frozen=True)
class Guard:
    """A check of the product, and how to switch it off.

    :param guard: what it protects from
    :param file: relative to the checkout
    :param find: a text that stands in ``file`` once; the indentation of its further lines is that
        of the file, whatever it is here
    :param replace: the text with the guard switched off; further lines are indented as the first
    :param tests: node ids, separated by spaces; at least one of them fails without the guard
    """

    guard: str
    file: str
    find: str
    replace: str
    tests: str

    def found(self, text: str) -> list[re.Match[str]]:
        """The places of ``find`` in ``text``."""
        lines = [re.escape(line.strip()) for line in self.find.strip().splitlines()]
        return list(re.finditer("\n *".join(lines), text))

    def without(self, text: str) -> str:
        """``text``, of ``file``, with the guard switched off."""
        place, = self.found(text)
        begin = text.rfind("\n", 0, place.start()) + 1
        indent = re.match(" *", text[begin:])
        assert indent is not None, "no spaces match as well"
        lines = textwrap.dedent(self.replace).strip().splitlines()
        new = f"\n{indent.group()}".join(lines)
        return text[:place.start()] + new + text[place.end():]

    def switch_off(self, root: Path) -> str:
        """Change ``file`` below ``root``; its text before."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        path.write_text(self.without(before), encoding="utf-8")
        return before


def read_guards(names: list[str] | None = None) -> list[Guard]:
    """The guards of the files ``names`` (without .yaml); by default of all."""
    files = [HERE / f"{name}.yaml" for name in names] if names else sorted(HERE.glob("*.yaml"))
    return [Guard(**entry) for file in files
            for entry in yaml.safe_load(file.read_text(encoding="utf-8"))]


def held(guard: Guard, root: Path) -> bool:
    """Whether a test fails without ``guard``; an error in collecting them is no failure."""
    before = guard.switch_off(root)
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "--durations=0",
                   *guard.tests.split()]
        ended = subprocess.run(command, cwd=root, capture_output=True, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)})
    finally:
        (root / guard.file).write_text(before, encoding="utf-8")
    return ended.returncode == 1 and "FAILED" in ended.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="lists of guards; default: all")
    parser.add_argument("--match", default="", help="only guards whose text contains this")
    arguments = parser.parse_args()
    guards = [guard for guard in read_guards(arguments.names) if arguments.match in guard.guard]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy(source, root / name)
        for guard in guards:
            good = held(guard, root)
            missed += not good
            print(f"{'held  ' if good else 'MISSED'}  {guard.file}: {guard.guard}", flush=True)
    print(f"{len(guards) - missed} of {len(guards)} guards are held by a test")
    return 1 if missed or not guards else 0


if __name__ == "__main__":
    sys.exit(main())
