"""The trials' folders, ``output_dir/trials/NNNN``: made ready for an attempt, and read after one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paddle_transfer.errors import DiskFull, is_disk_full
from paddle_transfer.executors.base import Job
from paddle_transfer.executors.verdict import LOG_NAME, read_result
from paddle_transfer.study.records import TrialRecord

#: Makes ``config.yaml`` of a trial: called with the record and the file to write.
WriteConfig = Callable[[TrialRecord, Path], None]


class TrialFolders:
    """
    :param output_dir: the search's
    :param write_config: writes a trial's config
    :param payload: goes to the runner of every trial, beside its seed
    """

    def __init__(self, output_dir: str | os.PathLike, *, write_config: WriteConfig,
                 payload: dict[str, Any] | None = None):
        self.root = Path(output_dir)
        self._write_config, self.payload = write_config, dict(payload or {})

    def directory(self, number: int) -> Path:
        return self.root / "trials" / f"{number:04d}"

    def result(self, record: TrialRecord) -> dict[str, Any] | None:
        """What the record's present attempt left behind, when it came to its end; None otherwise."""
        return read_result(self.directory(record.number), number=record.number,
                           attempt=record.attempts)

    def prepare(self, record: TrialRecord) -> Job:
        """The job of the record's present attempt, in a folder with its config and nothing of earlier attempts but
        their logs (``train.log.1`` is the first attempt's)."""
        directory = self.directory(record.number)
        directory.mkdir(parents=True, exist_ok=True)
        log = directory / LOG_NAME
        if log.exists():
            log.rename(directory / f"{LOG_NAME}.{record.attempts - 1}")
        for path in directory.iterdir():
            if not path.name.startswith(f"{LOG_NAME}."):
                _remove(path)
        self._write_config(record, directory / "config.yaml")
        return Job(record.number, record.attempts, str(directory),
                   {**self.payload, "seed": record.seed})

    def check_room(self) -> None:
        """Raises DiskFull when not even a small file can be written: then a crash was the disk's fault."""
        probe = self.root / f".room{os.getpid()}"
        try:
            with open(probe, "wb") as file:
                file.write(b"\0" * 65536)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if is_disk_full(error):
                raise DiskFull(self.root) from error
            raise
        finally:
            probe.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
