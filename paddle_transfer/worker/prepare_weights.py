"""Compares weights with networks before a search, and writes the files that its trials load.

``python -m paddle_transfer.worker.prepare_weights --report-fd N --parent PID`` reads one JSON
object from stdin, {"paddleclas", "jobs": [a job of ``run_weights.prepare_file``, ...]}, and writes
one to N: {"prepared": {stem: origin}} or {"error", "kind"}.
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


def prepare_all(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; errors that are meant for the user are part of it."""
    try:
        run_weights = import_with_ppcls("run_weights", locate(request["paddleclas"]))
        return {"prepared": {job["stem"]: run_weights.prepare_file(job)
                             for job in request["jobs"]}}
    except PaddleTransferError as error:
        kind = "setup" if isinstance(error, SetupError) else "weights"
        return {"error": str(error), "kind": kind}
    except OSError as error:
        if not is_disk_full(error):
            raise
        return {"error": error.filename or "pretrained", "kind": "disk_full"}


def main() -> int:
    arguments = worker_arguments(str(__doc__))
    answer = prepare_all(json.load(sys.stdin))
    with os.fdopen(arguments.report_fd, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    return 0


if __name__ == "__main__":
    exit_now(main())
