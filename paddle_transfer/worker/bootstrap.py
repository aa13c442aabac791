"""The one place where Paddle and PaddleClas are imported into a process. Imports neither itself.

The process needs preparations before Paddle and after PaddleClas; therefore modules of this room
that import them at their top (session, engine, networks, ...) are imported through here.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from paddle_transfer.errors import SetupError
from paddle_transfer.hardware import writable_home
from paddle_transfer.worker.late_imports import late_imports
from paddle_transfer.worker.locate import EngineHome, require_paddle
from paddle_transfer.worker.options import RunOptions

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine

ROOM = "paddle_transfer.worker"


def load_ppcls(home: EngineHome) -> None:
    """Import PaddleClas's engine from ``home``, with the shims around it.

    :raises SetupError: no Paddle, a missing library, or the process uses another PaddleClas already
    """
    require_paddle()
    importlib.import_module(f"{ROOM}.before_paddle").prepare()
    if home.path not in sys.path:
        sys.path.insert(0, home.path)
    try:
        with writable_home():  # PaddleClas imports both; its own cache stays in the real one
            importlib.import_module("paddle")
            importlib.import_module("visualdl")
        with late_imports():
            module = importlib.import_module("ppcls.engine.engine")
    except ModuleNotFoundError as error:
        raise SetupError(f"{home} cannot be imported: the library {error.name} is missing. "
                         "pip install paddle_transfer installs all that it needs") from error
    loaded = Path(str(module.__file__)).resolve().parents[2]
    if loaded != Path(home.path).resolve():
        raise SetupError(
            f"{home} was asked for, but this process already uses the PaddleClas at {loaded}. "
            "One process can use one PaddleClas only")
    importlib.import_module(f"{ROOM}.shims").install()


def import_with_ppcls(name: str, home: EngineHome) -> ModuleType:
    """Module ``name`` of this room, which imports paddle or ppcls at its top. Raises SetupError."""
    load_ppcls(home)
    return importlib.import_module(f"{ROOM}.{name}")


def open_engine(config: dict[str, Any], *, mode: str, home: EngineHome,
                options: RunOptions | None = None) -> AbstractContextManager[TransferEngine]:
    """An engine for one run, made from a copy of the plain ``config``; leaves nothing behind.

    :param mode: ``train``, ``eval``, ``infer`` or ``export``
    :raises SetupError: PaddleClas, Paddle or the device is not there
    :raises TrialError: PaddleClas cannot build what the config asks for, or the weights do not fit
    """
    session = import_with_ppcls("session", home)
    opened: AbstractContextManager[TransferEngine] = session.open_session(
        config, mode=mode, home=home, options=options or RunOptions())
    return opened
