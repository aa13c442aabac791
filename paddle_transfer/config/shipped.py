"""The configs and commands of this installation, which is a checkout or a wheel."""

import os
import shlex
from pathlib import Path

from paddle_transfer.errors import ConfigError, ValidationIssue, did_you_mean

FOLDER = "ppcls_configs"
#: JSON Schema of search files, in that folder.
SCHEMA = "search.schema.json"
_PACKAGE = Path(__file__).resolve().parents[1]
#: Scripts of a checkout whose name is not that of the command.
_SCRIPTS = {"check": "check_data", "export": "export_model", "prepare": "prepare_data",
            "weights": "pretrained"}


def shipped_configs() -> Path:
    """The folder ``ppcls_configs``: a wheel has it in the package, a checkout beside it."""
    inside = _PACKAGE / FOLDER
    return inside if inside.is_dir() else _PACKAGE.parent / FOLDER


def shipped_file(name: str) -> str | None:
    """The shipped config that ``name`` means, by its path (``ppcls_configs/search/dtd_bayes.yaml``)
    or its stem (``dtd_bayes``); None if there is none."""
    folder = shipped_configs()
    if Path(name).parts[:1] == (FOLDER,):
        file = folder.parent / name
        return str(file) if os.path.isfile(file) else None
    return next((str(file) for file in sorted(folder.rglob("*.yaml")) if file.stem == name), None)


def find_config(name: str) -> str:
    """The path of a config: ``name`` itself, or else the shipped config that it means.

    Raises ConfigError if ``name`` looks like the stem of a shipped config, but is none.
    """
    file = None if os.path.isfile(name) else shipped_file(name)
    if file is None and not os.path.exists(name) and Path(name).stem == name:
        stems = [path.stem for path in sorted(shipped_configs().rglob("*.yaml"))]
        raise ConfigError(name, [ValidationIssue(
            "", "must be a file, or the name of a shipped config", "neither",
            did_you_mean(name, stems))])
    return file or name


def schema_path(folder: str) -> str:
    """The path of the JSON Schema, for the first line of a search file in ``folder``: relative to
    it inside a checkout."""
    schema = shipped_configs().resolve() / SCHEMA
    inside = Path(os.path.realpath(folder)).is_relative_to(schema.parents[1])
    return Path(os.path.relpath(schema, os.path.realpath(folder)) if inside else schema).as_posix()


def command(name: str, *arguments: str) -> str:
    """How to call a command: the script in the folder of a checkout, else the console script; the
    arguments are quoted for a shell."""
    script = Path("tools", f"{_SCRIPTS.get(name, name)}.py")
    if Path.cwd() == _PACKAGE.parent and script.is_file():
        return shlex.join(["python", script.as_posix(), *arguments])
    return shlex.join(["paddle-transfer", name, *arguments])


def path_argument(path: str | os.PathLike[str]) -> str:
    """``path`` as an argument that is not taken for an option."""
    text = os.fspath(path)
    return f"./{text}" if text.startswith("-") else text
