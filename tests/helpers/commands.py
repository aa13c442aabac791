"""``paddle-transfer`` in this process, or in that of ``bridge.Trainings``: a process of its own
would import Paddle again, which takes longer than most trainings."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from unittest import mock

from paddle_transfer.cli.main import main


def run_command(*arguments: object, cwd: str | os.PathLike[str],
                variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """(exit code, output and errors) of ``paddle-transfer ARGUMENTS`` in the folder ``cwd``.

    :param variables: of the environment, meanwhile
    """
    told, before = io.StringIO(), os.getcwd()
    os.chdir(cwd)
    try:
        with (contextlib.redirect_stdout(told), contextlib.redirect_stderr(told),
              mock.patch.dict(os.environ, variables or {})):
            return main([str(argument) for argument in arguments]), told.getvalue()
    finally:
        os.chdir(before)
