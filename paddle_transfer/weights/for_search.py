"""The pretrained weights of a search: fetched, read and compared with the networks once, before its first trial.

Twenty trials then never fail twenty times; they load a file in ``output_dir/pretrained`` that we wrote.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.config import pretrained
from paddle_transfer.config.load import write_atomic
from paddle_transfer.errors import DiskFull, SetupError
from paddle_transfer.executors.process import worker_environment
from paddle_transfer.study.trial_folder import log_tail
from paddle_transfer.weights.errors import WeightsError
from paddle_transfer.weights.requests import Need, needs

#: Seconds between two looks at whether the search was asked to stop.
_TURN = 0.2


class SearchWeights:
    """:param paddleclas: the checkout for the workers, if one is named
    :param ppcls: gives PaddleClas's ``ppcls`` folder, for the addresses of networks outside our catalogue
    :param pause: sleeps some seconds; may raise KeyboardInterrupt
    """

    def __init__(self, settings: Any, *, paddleclas: str | None = None,
                 ppcls: Callable[[], Path | None] = lambda: None,
                 pause: Callable[[float], None] = time.sleep):
        self._settings, self._paddleclas, self._ppcls, self._pause = settings, paddleclas, ppcls, pause
        self._needs = needs(settings)
        self._found: dict[str, Any] = {
        }  # spec -> pretrained.resolve.Resolved, with the architecture for names

    def resolve(self) -> None:
        """Have every file here, read through once.

        :raises WeightsError: it cannot be had, or is no weights
        """
        for need in self._needs.values():
            if self._key(need) not in self._found:
                self._found[self._key(need)] = self._resolved(need)

    def _key(self, need: Need) -> tuple[str, Any]:
        return need.wanted.spec, need.config["Arch"].get(
            "name") if need.wanted.spec in pretrained.NAMES else None

    def _resolved(self, need: Need):
        from paddle_transfer.weights.download import Network
        from paddle_transfer.progress import ProgressBar
        from paddle_transfer.weights.resolve import resolve

        bar = ProgressBar(os.path.basename(need.wanted.spec), unit="bytes", lines=True)

        def progress(there: int, total: int | None) -> None:
            bar(there, total)
            self._pause(0)

        network = Network(sleep=self._pause, progress=progress,
                          say=lambda line: print(line, file=sys.stderr))
        try:
            return resolve(need.wanted.spec, arch=need.config["Arch"].get("name"),
                           ppcls=self._ppcls(), network=network)
        except WeightsError as error:
            raise type(error)(f"{need.wanted.where}: {error}", **_more(error)) from error
        finally:
            bar.close()

    def identity(self) -> dict[str, Any]:
        """The settings' identity with the content of weights in the place of where they lie."""
        content = {spec: f"sha256:{found.sha256}" for (spec, _), found in self._found.items()
                   if spec not in pretrained.NAMES}
        return _replaced(self._settings.identity(), content)

    def prepare(self) -> dict[str, dict[str, Any]]:
        """Write the file of every need, unless an earlier run of this search has; what to tell the workers, by stem.

        :raises WeightsError: the weights do not fit the network
        :raises SetupError: the networks cannot be built on this machine
        """
        ready = {
            stem: _ready(stem, self._found[self._key(need)].sha256)
            for stem, need in self._needs.items()
        }
        missing = [need for need in self._needs.values() if ready[need.stem] is None]
        if missing:
            for stem, origin in self._fit(missing).items():
                write_atomic(f"{stem}.json", json.dumps(origin, indent=1) + "\n")
                ready[stem] = origin
                print(origin["line"], flush=True)
        return ready

    def _fit(self, missing: Sequence[Need]) -> dict[str, dict[str, Any]]:
        root = Path(self._settings.output_dir)
        log = root / "logs" / "pretrained.log"
        for folder in (root / "pretrained", log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        jobs = [{"config": need.config, "stem": need.stem, "head": need.wanted.head,
                 **self._found[self._key(need)].to_dict()} for need in missing]
        answer = ask_child(
            {
                "paddleclas": self._paddleclas, "jobs": [{**job, "file": job.pop("path")}
                                                         for job in jobs]
            }, log=log, pause=self._pause)
        if "prepared" in answer:
            return answer["prepared"]
        if answer.get("kind") == "disk_full":
            raise DiskFull(answer["error"])
        raise (WeightsError if answer.get("kind") == "weights" else SetupError)(answer["error"])


def ask_child(request: dict[str, Any], *, log: Path, pause: Callable[[float],
                                                                     None]) -> dict[str, Any]:
    """What ``worker.fit`` answers. Networks are built over there: this process never imports Paddle."""
    reading, writing = os.pipe()
    with open(log, "wb") as output, os.fdopen(reading, "rb") as answers:
        try:
            child = subprocess.Popen([
                sys.executable, "-m", "paddle_transfer.worker.prepare_weights", "--report-fd",
                str(writing), "--parent",
                str(os.getpid())
            ], stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
                                     pass_fds=(writing, ), env=worker_environment("cpu:0"))
        finally:
            os.close(writing)
        try:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(request).encode())
                child.stdin.close()
            while not select.select([answers], [], [], _TURN)[0]:
                pause(0)
            text = answers.read()
        finally:
            child.kill()
            child.wait()
    if not text:
        return {
            "kind": "setup", "error": "the process that compares weights with the network ended. "
            f"Its log, {log}, ends with:\n{log_tail(log) or '(nothing)'}"
        }
    return json.loads(text)


def _ready(stem: str, sha256: str) -> dict[str, Any] | None:
    """What an earlier run noted of the file ``stem``, when file and note are whole and made from the same weights."""
    try:
        origin = json.loads(Path(f"{stem}.json").read_text(encoding="utf-8"))
        content = hashlib.sha256(Path(f"{stem}.pdparams").read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
    return origin if (origin.get("sha256"), origin.get("prepared_sha256")) == (sha256,
                                                                               content) else None


def _more(error: WeightsError) -> dict[str, Any]:
    """The arguments that ``error``'s class takes beside its text."""
    return {name: getattr(error, name) for name in ("asked", "report") if hasattr(error, name)}


def _replaced(data: Any, content: dict[str, str]) -> Any:
    """A copy of plain ``data`` with every text that ``content`` has replaced."""
    if isinstance(data, dict):
        return {key: _replaced(value, content) for key, value in data.items()}
    if isinstance(data, list):
        return [_replaced(value, content) for value in data]
    return content.get(data, data) if isinstance(data, str) else data
