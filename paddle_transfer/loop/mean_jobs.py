"""The jobs of a soup: means of weights that a worker evaluates, in ``output_dir/final/soup``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.load import dump_yaml, write_atomic
from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import SearchFailed
from paddle_transfer.executors.base import Ended, Executor, Job, Verdict
from paddle_transfer.executors.reliable import ReliableExecutor
from paddle_transfer.loop.driver import TURN
from paddle_transfer.loop.final import MADE_OF, digest
from paddle_transfer.loop.retries import Retries
from paddle_transfer.loop.trial_folder import TrialFolder, TrialFolders
from paddle_transfer.settings.final import test_section
from paddle_transfer.study.records import TrialRecord

#: The evaluations on the test list by their numbers as jobs: of the best single trial, of the soup.
TESTS = {-1: "test_single", -2: "test_soup"}

#: A result.json.
Result = dict[str, Any]


class Interrupted(Exception):
    """The search was asked to stop."""


class _Folders(TrialFolders):
    def folder(self, number: int) -> TrialFolder:
        return TrialFolder(self.root / "final" / "soup" / TESTS.get(number, f"{number:04}"))


class MeanJobs:
    """Evaluates means one after the other. What is evaluated already, of the same weights and
    lists, is not evaluated again.

    :param config: evaluates every mean; the jobs in ``TESTS`` read the test list of ``base``
    :param payload: goes to the runner, as for every trial
    :param interrupted: asked at every turn; True raises Interrupted
    """

    def __init__(self, executor: Executor, config: dict[str, Any], base: dict[str, Any], *,
                 seed: int, device: str, output_dir: str | Path, payload: dict[str, Any],
                 interrupted: Callable[[], bool]):
        self._executor, self._interrupted = ReliableExecutor(executor), interrupted
        self._config, self._base, self._seed, self._device = config, base, seed, device
        self._folders = _Folders(output_dir, write_config=self._write, payload={
            key: value for key, value in payload.items() if key != "also_measure"})
        self._retries, self._marks = Retries(), dict[str, str]()

    def weights(self, number: int) -> Path:
        """Where the job ``number`` writes its mean."""
        return self._folders.folder(number).weights

    def keep_weights(self, number: int | None) -> None:
        """Delete the means of all jobs but ``number``."""
        kept = None if number is None else self.weights(number)
        for file in self.weights(0).parents[1].glob(f"*/{self.weights(0).name}"):
            if file != kept:
                file.unlink(missing_ok=True)

    def evaluate(self, number: int, files: list[str], *, keep: bool = False) -> Result:
        """The result of the job ``number``, which evaluates the mean of ``files``, now or earlier.
        One that can never have a metric has the verdict that says so.

        :param keep: whether its weights are needed
        Raises SearchFailed, Interrupted.
        """
        folder, made_of = self._folders.folder(number), self._made_of(number, files)
        result = folder.read_result(number, None)
        try:
            known = (folder.path / MADE_OF).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):  # none, or half of one
            known = ""
        if result is not None and known == made_of and (folder.weights.exists() or not keep):
            return result
        while True:
            ended = self._wait(self._prepare(number, files, made_of))
            if ended.result is not None:
                return ended.result
            if ended.verdict is Verdict.CRASHED:
                self._folders.check_room()
            if not self._retries.again(ended):
                raise self.failed(number, ended.message)

    def failed(self, number: int, message: object) -> SearchFailed:
        """What to raise when a job that is needed has no metric; it will be tried again."""
        folder = self._folders.folder(number)
        folder.result.unlink(missing_ok=True)
        what = (TESTS[number].replace("_", " of the ") if number in TESTS
                else f"mean with trial {number}")
        return SearchFailed(f"the search is done, but its soup is not: the {what} cannot be "
                            f"evaluated: {message} (log: {folder.log}). The same command tries it "
                            "again")

    def _prepare(self, number: int, files: list[str], made_of: str) -> Job:
        folder = self._folders.folder(number)
        attempt = 1 + len(folder.old_logs()) + folder.log.exists()
        job = self._folders.prepare(TrialRecord(number, 0, {}, self._seed, attempts=attempt))
        write_atomic(str(folder.path / MADE_OF), made_of + "\n")
        return replace(job, payload={**job.payload, "mean_of": files})

    def _wait(self, job: Job) -> Ended:
        self._executor.submit(job)
        while not self._interrupted():
            for event in self._executor.poll(TURN):
                if isinstance(event, Ended):
                    return event
        raise Interrupted

    def _config_of(self, number: int) -> dict[str, Any]:
        if number not in TESTS:
            return self._config
        loaders = {**self._config["DataLoader"], "Eval": test_section(self._config, self._base)}
        loaders.pop("Test", None)
        return {**self._config, "DataLoader": loaders}

    def _write(self, record: TrialRecord, path: Path) -> None:
        dump_yaml(for_trial(self._config_of(record.number), output_dir=str(path.parent),
                            seed=record.seed, device=self._device), str(path))

    def _made_of(self, number: int, files: list[str]) -> str:
        """A text with hashes of all that determines the result of a job."""
        part = "test" if number in TESTS else "steps"
        if part not in self._marks:
            self._marks[part] = digest(self._config_of(number),
                                       self._folders.payload.get("metric"))
        return dotpath.stable_text([self._marks[part], list(map(self._mark_of, files))])

    def _mark_of(self, file: str) -> str:
        if file not in self._marks:
            found = hashlib.sha256()
            with open(file, "rb") as stream:
                while block := stream.read(1 << 20):
                    found.update(block)
            self._marks[file] = found.hexdigest()
        return self._marks[file]
