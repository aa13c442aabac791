"""The pretrained weights of a search, made ready before its first trial.

They are fetched, read and compared with the networks once, before any trial can fail on them. The
trials load a checked copy in ``output_dir/pretrained``.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_transfer import dotpath
from paddle_transfer.config.load import write_atomic
from paddle_transfer.config.pretrained import NAMES
from paddle_transfer.errors import DiskFull, PaddleTransferError, SetupError
from paddle_transfer.executors.process import worker_environment
from paddle_transfer.progress import ProgressBar
from paddle_transfer.settings.groups import Output
from paddle_transfer.study.inputs import Input
from paddle_transfer.study.trial_log import told_by
from paddle_transfer.weights.cache import make_record
from paddle_transfer.weights.errors import UnsafeWeights, WeightsError
from paddle_transfer.weights.network import Network
from paddle_transfer.weights.requests import WeightsRequest

if TYPE_CHECKING:
    from paddle_transfer.weights.resolve import ResolvedWeights

#: Seconds between two looks at whether the search was asked to stop.
_POLL_SECONDS = 0.2
#: The errors of the process that compares weights with networks.
_ERRORS: dict[str, type[PaddleTransferError]] = {
    "refused": WeightsError, "setup": SetupError, "disk_full": DiskFull}


class SearchWeights:
    """The weights of one search.

    :param requests: what its trials can ask for, by stem
    :param paddleclas: the checkout for the workers, if one is named
    :param ppcls: gives PaddleClas's ``ppcls`` folder, for networks outside the catalogue
    :param pause: sleeps some seconds; may raise KeyboardInterrupt
    """

    def __init__(self, requests: Mapping[str, WeightsRequest], output: Output, *,
                 paddleclas: str | None = None, ppcls: Callable[[], Path | None] = lambda: None,
                 pause: Callable[[float], None] = time.sleep):
        self._requests, self._root = requests, Path(output.output_dir)
        self._paddleclas, self._ppcls, self._pause = paddleclas, ppcls, pause
        self._resolved: dict[tuple[str, str | None], ResolvedWeights] = {}

    def resolve(self) -> None:
        """Have every file here, read through once.

        :raises WeightsError: it cannot be had, or is no weights
        """
        for request in self._requests.values():
            if _key(request) not in self._resolved:
                self._resolved[_key(request)] = self._resolve(request)

    def _resolve(self, request: WeightsRequest) -> ResolvedWeights:
        from paddle_transfer.weights.resolve import resolve  # late: it imports numpy

        spec, where = request.wanted.spec, request.wanted.where
        bar = ProgressBar(os.path.basename(spec), unit="bytes", lines=True)

        def progress(received: int, total: int | None) -> None:
            bar(received, total)
            self._pause(0)

        network = Network(sleep=self._pause, progress=progress,
                          log=lambda line: print(line, file=sys.stderr))
        try:
            found = resolve(spec, arch=request.arch, ppcls=self._ppcls(), network=network)
        except UnsafeWeights as error:
            raise UnsafeWeights(f"{where}: {error}", asked=error.asked) from error
        except WeightsError as error:
            raise type(error)(f"{where}: {error}") from error
        finally:
            bar.close()
        assert found is not None, "a request for no weights"
        return found

    @property
    def asked(self) -> set[str]:
        """The files and addresses that trials can ask for."""
        return {request.wanted.spec for request in self._requests.values()
                if request.wanted.spec not in NAMES}

    def identity(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """``settings`` (a search's identity) with the checksums of weights in place of paths."""
        content = {spec: f"sha256:{found.sha256}" for (spec, _), found in self._resolved.items()
                   if spec not in NAMES}
        return {key: dotpath.replaced(value, content) for key, value in settings.items()}

    def inputs(self) -> dict[str, Input]:
        """The weights that are asked for by name, by what a study calls them: the file behind a
        name may be another one some day."""
        return {f"weights of {arch}": Input(spec, "", found.sha256)
                for (spec, arch), found in self._resolved.items() if spec in NAMES}

    def prepare(self) -> dict[str, dict[str, Any]]:
        """Write the file of every request, unless an earlier run of this search has.

        :returns: what to tell the workers of each file, by stem
        :raises WeightsError: the weights do not fit the network
        :raises SetupError: the networks cannot be built on this machine
        """
        found = {stem: _read_origin(stem, self._resolved[_key(request)].sha256)
                 for stem, request in self._requests.items()}
        ready = {stem: origin for stem, origin in found.items() if origin is not None}
        missing = [request for stem, request in self._requests.items() if stem not in ready]
        for stem, origin in self._write(missing).items() if missing else ():
            write_atomic(f"{stem}.json", json.dumps(origin, indent=1) + "\n")
            ready[stem] = origin
            print(origin["line"], flush=True)
        return ready

    def _write(self, requests: Sequence[WeightsRequest]) -> dict[str, dict[str, Any]]:
        log = self._root / "logs" / "pretrained.log"
        for folder in (self._root / "pretrained", log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        jobs = []
        for request in requests:
            found = self._resolved[_key(request)]
            jobs.append({"config": request.config, "stem": request.stem, **found.to_dict(),
                         "head": request.wanted.head, "file": str(found.path),
                         "replaced": list(request.wanted.replaced)})
        answer = ask_child({"paddleclas": self._paddleclas, "jobs": jobs}, log=log,
                           pause=self._pause)
        if "error" in answer:
            raise _ERRORS.get(answer["kind"], SetupError)(answer["error"])
        prepared: dict[str, dict[str, Any]] = answer["result"]
        return prepared


def _key(request: WeightsRequest) -> tuple[str, str | None]:
    """What is resolved once: a file or address for all networks, a name for each."""
    return request.wanted.spec, request.arch if request.wanted.spec in NAMES else None


def ask_child(request: dict[str, Any], *, log: Path,
              pause: Callable[[float], None]) -> dict[str, Any]:
    """What ``worker.run_weights.prepare_files`` answers, in a process of its own: this one imports
    no Paddle."""
    reading, writing = os.pipe()
    with open(log, "wb") as output, os.fdopen(reading, "rb") as answers:
        command = [sys.executable, "-m", "paddle_transfer.worker.call", "--function",
                   "run_weights:prepare_files", "--report-fd", str(writing), "--parent",
                   str(os.getpid())]
        try:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output,
                                     start_new_session=True, pass_fds=(writing,),
                                     env=worker_environment("cpu:0"))
        finally:
            os.close(writing)
        try:
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(request).encode())
            while not select.select([answers], [], [], _POLL_SECONDS)[0]:
                pause(0)
            text = answers.read()
        finally:
            child.kill()
            child.wait()
    if not text:
        return {"kind": "setup",
                "error": "the process that compares weights with the network ended. "
                         f"{told_by(log)}"}
    answer: dict[str, Any] = json.loads(text)
    return answer


def _read_origin(stem: str, sha256: str) -> dict[str, Any] | None:
    """What an earlier run noted of the file ``stem``; None unless file and note are whole and were
    made from the weights ``sha256``."""
    try:
        origin: dict[str, Any] = json.loads(Path(f"{stem}.json").read_text(encoding="utf-8"))
        content = make_record(Path(f"{stem}.pdparams")).sha256
        made_of = origin.get("sha256"), origin.get("prepared_sha256")
    except (OSError, ValueError, AttributeError):
        return None
    return origin if made_of == (sha256, content) else None
