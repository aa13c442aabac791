"""Calls one function of this room in a process of its own, for callers that keep Paddle out.

``python -m paddle_transfer.worker.call --function MODULE:NAME --report-fd N --parent PID`` reads
the function's argument (a JSON object with ``paddleclas``) from stdin, and writes one object to N:
{"result"} or {"error", "kind"}, where ``kind`` is ``setup``, ``disk_full`` or ``refused``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from paddle_transfer.errors import PaddleTransferError, SetupError, is_disk_full
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate
from paddle_transfer.worker.process import exit_now, worker_arguments


def call(function: str, argument: dict[str, Any]) -> dict[str, Any]:
    """The answer; errors that are meant for the user are part of it."""
    module, _, name = function.partition(":")
    try:
        imported = import_with_ppcls(module, locate(argument["paddleclas"]))
        return {"result": getattr(imported, name)(argument)}
    except PaddleTransferError as error:
        kind = "setup" if isinstance(error, SetupError) else "refused"
        return {"error": str(error), "kind": kind}
    except OSError as error:
        if not is_disk_full(error):
            raise
        return {"error": error.filename or "the disk", "kind": "disk_full"}


if __name__ == "__main__":
    arguments = worker_arguments(str(__doc__), "--function")
    answer = call(arguments.function, json.load(sys.stdin))
    sys.stdout.flush()
    with os.fdopen(arguments.report_fd, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    exit_now(0)
