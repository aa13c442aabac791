"""``final: {soup: greedy}``: the mean of the best trials' weights, where it is the better network.

Wortsman et al. 2022, Model soups (https://arxiv.org/abs/2203.05482): the candidates, best metric
first; each joins the mean unless that makes it worse on the validation list. Every mean is a job
for the search's executor in ``output_dir/final/soup/NNNN`` (the trial that would join). What is
evaluated there already, of the same weights and lists, is not evaluated again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.load import dump_yaml, write_atomic
from paddle_transfer.config.portable import for_trial
from paddle_transfer.errors import SearchFailed
from paddle_transfer.executors.base import Ended, Executor, Job, Verdict
from paddle_transfer.loop.callbacks import CallbackList
from paddle_transfer.loop.driver import TURN
from paddle_transfer.loop.final import MADE_OF, digest
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.retries import Retries
from paddle_transfer.loop.soup_candidates import candidates
from paddle_transfer.loop.trial_folder import TrialFolder, TrialFolders
from paddle_transfer.settings.final import test_section
from paddle_transfer.settings.groups import BaseTraining
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.study.records import TrialRecord

#: The evaluations on the test list by their numbers as jobs: of the best single trial, of the soup.
TESTS = {-1: "test_single", -2: "test_soup"}

#: A result.json.
Result = dict[str, Any]


class Interrupted(Exception):
    """The search was asked to stop; caught in ``SoupRuns.run``."""


@dataclass(frozen=True)
class SoupStep:
    """A candidate that was tried.

    :param value: the metric of the mean with it; None: that is no result, for ``reason``
    :param taken: whether it joined
    """

    trial: int
    value: float | None
    taken: bool
    reason: str = ""


class _SoupFolders(TrialFolders):
    def folder(self, number: int) -> TrialFolder:
        return TrialFolder(self.root / "final" / "soup" / TESTS.get(number, f"{number:04}"))


class SoupRuns:
    """The soup of a search.

    :param leaderboard: of the search, which has a winner: its config evaluates every mean
    :param payload: goes to the runner, as for every trial
    :param callbacks: of the search; the events of ``SoupCallback`` are called
    :param interrupted: asked at every turn; True ends the runs, which the same command resumes
    """

    def __init__(self, leaderboard: Leaderboard, records: Sequence[TrialRecord], *,
                 base: BaseTraining, stages: SearchStages, device: str, output_dir: str,
                 payload: dict[str, Any], callbacks: Sequence[object] = (),
                 interrupted: Callable[[], bool] = lambda: False):
        assert leaderboard.winner is not None, "a search without a winner has no config"
        self._root, self._base, self._device = Path(output_dir), base.config, device
        self._callbacks, self._interrupted = CallbackList(callbacks), interrupted
        self._winner, self._metric = leaderboard.winner, payload["metric"]
        self._candidates, self._left_out = candidates(leaderboard, records, stages=stages,
                                                      output_dir=output_dir)
        self._config = stages.config(self._winner.proposal)
        self._folders = _SoupFolders(output_dir, write_config=self._write, payload={
            key: value for key, value in payload.items() if key != "also_measure"})
        self._retries, self._marks = Retries(), dict[str, str]()

    def run(self, executor: Executor) -> dict[str, Any] | None:
        """Evaluate what is not evaluated yet; what came of it, for ``search_results.json``, or None
        when interrupted.

        Raises SearchFailed, with the end of the log, when a mean cannot be evaluated.
        """
        outcome = None
        try:
            outcome = self._run(executor)
        except Interrupted:
            pass
        finally:
            self._callbacks.call("soup_ended", outcome)
        return outcome

    def _run(self, executor: Executor) -> dict[str, Any]:
        left_out = [{"trial": number, "reason": why} for number, why in self._left_out.items()]
        made: dict[str, Any] = {"accepted": False, "metric": self._metric, "left_out": left_out}
        if len(self._candidates) < 2:
            return {**made, "reason": "fewer than two trials have kept weights that go together"}
        self._callbacks.call("soup_started", [one.number for one in self._candidates],
                             self._left_out)
        members, steps = self._greedy(executor)
        single, value = steps[0], [step.value for step in steps if step.taken][-1]
        made |= {"single": {"trial": single.trial, "value": single.value}, "value": value,
                 "trials": [one.number for one in members], "steps": list(map(asdict, steps))}
        last = self._folders.folder(members[-1].number)
        self._delete_weights(None if value == single.value else members[-1])
        if value == single.value:
            return {**made, "reason": "no mean is better than the best single trial",
                    **self._test(executor, members[0], None)}
        if not last.weights.exists():
            last.result.unlink(missing_ok=True)  # so that they are made again
        result = self._evaluate(executor, members[-1].number, self._files(members))
        return {**made, "accepted": True, "reason": "better than the best single trial",
                "images": result.get("images"), "statistics": result.get("statistics", 0),
                "weights": str(last.weights.relative_to(self._root)),
                **self._test(executor, members[0], members[-1])}

    def _greedy(self, executor: Executor) -> tuple[list[TrialRecord], list[SoupStep]]:
        """(the members of the soup, all steps)."""
        members, steps, best = list[TrialRecord](), list[SoupStep](), float("-inf")
        for record in self._candidates:
            result = self._evaluate(executor, record.number, self._files([*members, record]))
            works = result["verdict"] == Verdict.COMPLETE
            if not works and not members:
                raise self._failed(record.number, result)
            value: float | None = result["value"] if works else None
            taken = value is not None and value >= best
            for one in members[-1:] if taken else [record]:
                self._folders.folder(one.number).weights.unlink(missing_ok=True)
            if value is not None and taken:
                members, best = [*members, record], value
            steps.append(SoupStep(record.number, value, taken,
                                  "" if works else str(result.get("message", ""))))
            self._callbacks.call("soup_step_ended", steps[-1].trial, value, taken)
        return members, steps

    def _test(self, executor: Executor, single: TrialRecord, member: TrialRecord | None
              ) -> dict[str, Any]:
        """The metrics on the test list, which has chosen nothing, of the best single trial and of
        the soup, if one was accepted; {} where there is no such list.

        :param member: the last of the soup
        """
        if not dotpath.exists(self._base, "DataLoader.Test.dataset"):
            return {}
        measured: dict[str, Any] = {}
        soup = [str(self._folders.folder(member.number).weights)] if member else []
        for number, files in ((-1, self._files([single])), (-2, soup)):
            if not files:
                continue
            result = self._evaluate(executor, number, files)
            self._delete_weights(member)
            if result["verdict"] != Verdict.COMPLETE:
                raise self._failed(number, result)
            measured |= {TESTS[number].removeprefix("test_"): result["value"],
                         "images": result.get("images")}
        return {"test": measured}

    def _evaluate(self, executor: Executor, number: int, files: list[str]) -> Result:
        """The result of the job ``number``, which evaluates the mean of ``files``, now or earlier.
        One that can never have a metric has the verdict that says so. Raises SearchFailed,
        Interrupted."""
        folder, made_of = self._folders.folder(number), self._made_of(number, files)
        result = folder.read_result(number, None)
        try:
            known = (folder.path / MADE_OF).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):  # none, or half of one
            known = ""
        if result is not None and known == made_of:
            return result
        while True:
            ended = self._wait(executor, self._prepare(number, files, made_of))
            if ended.result is not None:
                return ended.result
            if ended.verdict is Verdict.CRASHED:
                self._folders.check_room()
            if not self._retries.again(ended):
                raise self._failed(number, {"message": ended.message})

    def _failed(self, number: int, result: Result) -> SearchFailed:
        """What to raise when a job that is needed has no metric; it will be tried again."""
        folder = self._folders.folder(number)
        folder.result.unlink(missing_ok=True)
        what = (TESTS[number].replace("_", " of the ") if number in TESTS
                else f"mean with trial {number}")
        return SearchFailed(f"the search is done, but its soup is not: the {what} cannot be "
                            f"evaluated: {result.get('message')} (log: {folder.log}). The same "
                            "command tries it again")

    def _prepare(self, number: int, files: list[str], made_of: str) -> Job:
        folder = self._folders.folder(number)
        attempt = 1 + len(folder.old_logs()) + folder.log.exists()
        job = self._folders.prepare(TrialRecord(number, 0, self._winner.point,
                                                self._winner.best.seed, attempts=attempt))
        write_atomic(str(folder.path / MADE_OF), made_of + "\n")
        return replace(job, payload={**job.payload, "mean_of": files})

    def _wait(self, executor: Executor, job: Job) -> Ended:
        executor.submit(job)
        while not self._interrupted():
            for event in executor.poll(TURN):
                if isinstance(event, Ended) and (event.number, event.attempt) == (
                        job.number, job.attempt):
                    return event
        raise Interrupted

    def _delete_weights(self, member: TrialRecord | None) -> None:
        """Delete all weights that were evaluated but those of the mean with ``member``."""
        kept = member and self._folders.folder(member.number).weights
        for file in self._folders.folder(0).path.parent.glob(f"*/{TrialFolder('').weights.name}"):
            if file != kept:
                file.unlink(missing_ok=True)

    def _files(self, records: Sequence[TrialRecord]) -> list[str]:
        return [str(TrialFolder.of(self._root, one.number).weights) for one in records]

    def _config_of(self, number: int) -> dict[str, Any]:
        """The winner's config, which evaluates; for a test with the test list."""
        if number not in TESTS:
            return self._config
        loaders = {**self._config["DataLoader"], "Eval": test_section(self._config, self._base)}
        loaders.pop("Test", None)
        return {**self._config, "DataLoader": loaders}

    def _write(self, record: TrialRecord, path: Path) -> None:
        dump_yaml(for_trial(self._config_of(record.number), output_dir=str(path.parent),
                            seed=record.seed, device=self._device), str(path))

    def _made_of(self, number: int, files: list[str]) -> str:
        """A hash of all that determines the result of a job."""
        part = "test" if number in TESTS else "steps"
        if part not in self._marks:
            self._marks[part] = digest(self._config_of(number), self._metric)
        return dotpath.stable_text([self._marks[part], list(map(self._mark_of, files))])

    def _mark_of(self, file: str) -> str:
        if file not in self._marks:
            found = hashlib.sha256()
            with open(file, "rb") as stream:
                while block := stream.read(1 << 20):
                    found.update(block)
            self._marks[file] = found.hexdigest()
        return self._marks[file]
