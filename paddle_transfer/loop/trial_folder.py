"""The trials' folders, ``output_dir/trials/NNNN``: prepared for an attempt, and read after one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paddle_transfer.config.load import write_alone
from paddle_transfer.errors import DiskFull, is_disk_full
from paddle_transfer.executors.base import Ended, Job
from paddle_transfer.executors.verdict import ended_by
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder

__all__ = ["TrialFolder", "TrialFolders", "WriteConfig"]

#: Makes ``config.yaml`` of a trial: called with the record and the file to write.
WriteConfig = Callable[[TrialRecord, Path], None]


class TrialFolders:
    """
    :param output_dir: the search's
    :param write_config: writes a trial's config
    :param payload: goes to the runner of every trial, beside its seed
    """

    def __init__(self, output_dir: str | os.PathLike[str], *, write_config: WriteConfig,
                 payload: dict[str, Any] | None = None):
        self.root = Path(output_dir)
        self._write_config, self.payload = write_config, dict(payload or {})

    def folder(self, number: int) -> TrialFolder:
        """The folder of trial ``number``."""
        return TrialFolder.of(self.root, number)

    def ended(self, record: TrialRecord) -> Ended | None:
        """The end of the record's present attempt by its result.json; None when there is none."""
        result = self.folder(record.number).read_result(record.number, record.attempts)
        return None if result is None else ended_by(record.number, record.attempts, result)

    def prepare(self, record: TrialRecord) -> Job:
        """The job of the record's present attempt, in a folder with its config and nothing of
        earlier attempts but their logs (``train.log.1`` is the first attempt's) and the last
        checkpoint."""
        folder = self.folder(record.number)
        try:
            folder.path.mkdir(parents=True)
        except FileExistsError:
            _clear(folder, record.attempts)
        self.keep(record)  # first: without it, and without the study, the config may say too little
        self._write_config(record, folder.config)
        return Job(record.number, record.attempts, str(folder.path),
                   {**self.payload, "seed": record.seed})

    def saved_epoch(self, record: TrialRecord) -> int:
        """The epoch after which a new attempt goes on; 0: it begins anew."""
        return self.folder(record.number).saved_epoch() if record.attempts else 0

    def drop_checkpoint(self, number: int) -> None:
        """Delete what trial ``number``, which has ended, would go on from."""
        shutil.rmtree(self.folder(number).checkpoint, ignore_errors=True)

    def keep(self, record: TrialRecord) -> None:
        """Write ``record`` into its folder, from which the study can be rebuilt."""
        folder = self.folder(record.number)
        if not folder.path.is_dir():
            folder.path.mkdir(parents=True, exist_ok=True)
        write_alone(folder.record, json.dumps(record.to_plain()) + "\n")

    def check_room(self) -> None:
        """Raises DiskFull when not even a small file can be written, which explains a crash."""
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


def _clear(folder: TrialFolder, attempt: int) -> None:
    """Delete what attempts before ``attempt`` left, but their logs and their last checkpoint."""
    if folder.log.exists():
        folder.log.rename(f"{folder.log}.{attempt - 1}")
    for path in set(folder.path.iterdir()) - {*folder.old_logs(), folder.checkpoint}:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
