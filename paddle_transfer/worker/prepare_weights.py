"""Whether weights fit a network, found out once before a search; and the file from which all its trials then load.

``python -m paddle_transfer.worker.prepare_weights --report-fd N --parent PID`` reads one JSON object from stdin, {"paddleclas",
"jobs": [{"config" (Arch, ...), "file", "sha256", "source", "head", "stem"}, ...]}, and writes one to N: {"prepared":
{stem: origin}} or {"error", "kind"}.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from paddle_transfer.errors import PaddleTransferError, SetupError, is_disk_full
from paddle_transfer.worker.main import die_with_parent


def fit(request: dict[str, Any]) -> dict[str, dict]:
    """Prepares every job's file; by stem, what ``worker.weights.Source.origin`` needs to know of it.

    :raises WeightsError: with every tensor that does not fit
    :raises TrialError: the network cannot be built
    """
    from paddle_transfer.worker.engine import load_ppcls
    from paddle_transfer.worker.locate import locate

    load_ppcls(locate(request["paddleclas"]))
    return {job["stem"]: _prepare(job) for job in request["jobs"]}


def _prepare(job: dict[str, Any]) -> dict[str, Any]:
    from paddle_transfer.weights.read import read
    from paddle_transfer.worker.load_weights import write_prepared
    from paddle_transfer.worker.weights import plan_for

    network = build_network(job["config"])
    weights = read(job["file"], sha256=job["sha256"])
    made = plan_for(network, weights, arch=job["config"]["Arch"], file=job["file"],
                    source=job["source"], head=job["head"])
    path = write_prepared(f"{job['stem']}.pdparams", weights, made)
    print(made.report.line(), flush=True)
    return {
        "source": job["source"], "file": job["file"], "sha256": job["sha256"],
        "head": dict(made.report.head), "line": made.report.line(), "prepared_sha256": read(
            path, digest=True).sha256
    }


def build_network(config: dict[str, Any]):
    """The network of a config's ``Arch``, as the engine builds it, without any weights. Raises TrialError."""
    import ppcls.arch
    from ppcls.utils import logger
    from ppcls.utils.config import AttrDict, create_attr_dict

    from paddle_transfer.errors import TrialError
    from paddle_transfer.worker.load_weights import without_weights

    if getattr(logger, "_logger", "") is None:  # some networks of 2.6 log while they are built
        logger.init_logger()
    attributes = AttrDict({"Global": {"device": "cpu"}, **without_weights(config)})
    attributes["Arch"].pop("use_sync_bn", None)
    create_attr_dict(attributes)
    try:
        return ppcls.arch.build_model(attributes)
    except (AssertionError, AttributeError, KeyError, IndexError, TypeError, ValueError,
            NotImplementedError) as error:
        raise TrialError(
            f"PaddleClas cannot build Arch: {type(error).__name__}: {error}") from error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report-fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    arguments = parser.parse_args()
    die_with_parent(arguments.parent)
    try:
        answer: dict[str, Any] = {"prepared": fit(json.load(sys.stdin))}
    except PaddleTransferError as error:
        answer = {
            "error": str(error), "kind": "setup" if isinstance(error, SetupError) else "weights"
        }
    except OSError as error:
        if not is_disk_full(error):
            raise
        answer = {"error": error.filename or "pretrained", "kind": "disk_full"}
    with os.fdopen(arguments.report_fd, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # no waiting for threads that a library left behind
