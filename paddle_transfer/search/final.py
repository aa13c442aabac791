"""After the search: the point found, and the fixed point beside it, trained again and tested, each once.

Further jobs for the same executor and workers, in ``output_dir/final/{best,fixed}``. What is finished is not trained
again unless the point, the lists or the base config have changed; ``final.json`` is written when all is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.config.base import comparable, for_trial
from paddle_transfer.config.load import dump_yaml, write_atomic
from paddle_transfer.errors import SearchFailed, StudyError
from paddle_transfer.executors.base import Ended, Executor
from paddle_transfer.executors.verdict import LOG_NAME, RESULT_NAME, read_result
from paddle_transfer.search.callbacks import CallbackList, FinalCallback
from paddle_transfer.search.driver import CRASHES, KILLS
from paddle_transfer.search.ranking import Ranker
from paddle_transfer.search.results import PointResult
from paddle_transfer.search.trial_folder import TrialFolders
from paddle_transfer.settings.final import final_config, joined
from paddle_transfer.stages.distillation import point_config
from paddle_transfer.study.records import TrialRecord

#: The two trainings by their number as jobs.
NAMES = ("best", "fixed")
#: What the two are called in messages.
TITLES = {"best": "point found", "fixed": "fixed point"}
JOINED = "train_val_list.txt"
#: What a finished training was made from.
MADE_OF = "made_of.txt"
#: Longer lists and one evaluation less an epoch: a training may take this much more than ``trial_timeout``.
SLOWNESS = 3.0
#: Seconds between two looks at whether the search was asked to stop.
_TURN = 0.5


class _FinalWorkspace(TrialFolders):
    def directory(self, number: int) -> Path:
        return self.root / "final" / NAMES[number]


class FinalRuns:
    """
    :param records: of the search, which has a winner
    :param payload: goes to the runner, as for every trial
    :param ranker: of the search, which knows the winner; one of its own by default
    :param callbacks: of the search; those that are ``FinalCallback`` are told
    :param interrupted: asked at every turn; True ends the runs, which the same command takes up again
    """

    def __init__(self, settings: Any, records: Sequence[TrialRecord], *, payload: dict[str, Any],
                 ranker: Ranker | None = None, callbacks: Sequence[Any] = (),
                 interrupted: Callable[[], bool] = lambda: False):
        self._settings, self._interrupted = settings, interrupted
        self._callbacks = CallbackList(
            [callback for callback in callbacks if isinstance(callback, FinalCallback)])
        leaderboard = (ranker or Ranker(settings)).leaderboard(records)
        self._root = Path(settings.output_dir) / "final"
        self._best = leaderboard.winner
        self._fixed = leaderboard.of(settings.fixed)
        assert self._best is not None, "a search without a winner has nothing to be trained again"
        self._points = [self._best.point]
        if settings.fixed is not None and settings.space.key(settings.fixed) != settings.space.key(
                self._best.point):
            self._points.append(settings.fixed)
        self._trial_folders = _FinalWorkspace(settings.output_dir, write_config=self._write_config,
                                          payload={**payload, "keep_weights": True})
        self._tries: dict[int, list[str]] = {}

    def run(self, make_executor: Callable[[float], Executor]) -> dict[str, Any] | None:
        """Train what is not trained yet; what ``final.json`` holds, or None when interrupted.

        :param make_executor: called, when there is something to train, with how much longer it may take than a trial
        Raises SearchFailed, with the end of its log, when a training failed for good; the others are finished first.
        """
        self._join()
        results = {number: result for number in range(len(self._points))
                   if (result := self._finished(number)) is not None}
        waiting = [number for number in range(len(self._points)) if number not in results]
        failures = []
        if waiting:
            self._root.with_suffix(".json").unlink(
                missing_ok=True)  # it would tell of another training
            self._callbacks.tell("final_started", [NAMES[number] for number in waiting])
            failures = self._train(make_executor(SLOWNESS), waiting, results)
        told = None if failures or self._interrupted() else self._told(results)
        if told is not None:
            write_atomic(str(self._root.with_suffix(".json")), json.dumps(told, indent=2) + "\n")
        self._callbacks.tell("final_ended", told)
        if failures and not self._interrupted():
            raise SearchFailed("\n".join(failures))
        return told

    def _train(self, executor: Executor, waiting: list[int],
               results: dict[int, dict[str, Any]]) -> list[str]:
        """Adds to ``results``; what failed for good, as texts. Returns early when interrupted."""
        attempts: dict[int, int] = {}
        failures: list[str] = []
        while (waiting or executor.running()) and not self._interrupted():
            while waiting and executor.free() > 0:
                self._submit(executor, waiting.pop(0), attempts)
            for event in executor.poll(_TURN):
                if attempts.get(event.number) != event.attempt:
                    continue
                if not isinstance(event, Ended):
                    self._callbacks.tell("final_epoch_reported", NAMES[event.number], event)
                elif event.verdict == "complete":
                    results[event.number] = event.result
                elif self._again(event):
                    waiting.append(event.number)
                else:
                    failures.append(self._failure(event))
        return failures

    def _submit(self, executor: Executor, number: int, attempts: dict[int, int]) -> None:
        folder = self._trial_folders.directory(number)
        attempts[number] = 1 + len(list(folder.glob(f"{LOG_NAME}*")))
        job = self._trial_folders.prepare(
            TrialRecord(number, number, self._points[number], self._settings.seed,
                        attempts=attempts[number]))
        write_atomic(str(folder / MADE_OF), self._made_of(number) + "\n")
        executor.submit(job)
        self._callbacks.tell("final_training_started", NAMES[number], self._points[number])

    def _again(self, ended: Ended) -> bool:
        if ended.verdict == "crashed":
            self._trial_folders.check_room()
        tries = self._tries.setdefault(ended.number, [])
        tries.append(ended.verdict)
        allowed = {"crashed": CRASHES, "killed": KILLS + 1}.get(ended.verdict, 0)
        return tries.count(ended.verdict) < allowed

    def _failure(self, ended: Ended) -> str:
        tail = ended.log_tail.strip()
        what = TITLES[NAMES[ended.number]]
        return (
            f"the search is done, but the final training of the {what} failed ({ended.verdict}): "
            f"{ended.message}. The same command tries it again" +
            (f"\nThe end of its log:\n{tail}" if tail else ""))

    # -- configs and what is there already -----------------------------------------------------------------------

    def _join(self) -> None:
        if not self._settings.final.joins:
            return
        loaders = self._settings.base_config["DataLoader"]
        train, val = (loaders[part]["dataset"]["cls_label_path"] for part in ("Train", "Eval"))
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            text = joined(train, val)
        except (FileNotFoundError, UnicodeDecodeError) as error:
            raise StudyError(f"the lists {train} and {val} cannot be joined: {error}") from error
        write_atomic(str(self._root / JOINED), text)

    def _config(self, number: int) -> dict:
        config = point_config(self._settings, self._points[number])
        train_list = str(self._root / JOINED) if self._settings.final.joins else None
        return final_config(config, self._settings.base_config, train_list=train_list)

    def _write_config(self, record: TrialRecord, path: Path) -> None:
        device = "gpu" if self._settings.gpus else "cpu"
        config = for_trial(self._config(record.number), output_dir=str(path.parent),
                           seed=record.seed, device=device)
        dump_yaml(config, str(path))

    def _made_of(self, number: int) -> str:
        """A text that is the same as long as the training would be."""
        config = self._config(number)
        files = [
            config["DataLoader"][part]["dataset"]["cls_label_path"] for part in ("Train", "Eval")
        ]
        try:
            lists = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files]
        except OSError as error:
            raise StudyError(
                f"{error.filename}: the list for the final training cannot be read ({error.strerror}). Put it "
                "back; the same command goes on") from error
        parts = [comparable(config), lists, self._settings.seed, self._settings.metric]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def _finished(self, number: int) -> dict[str, Any] | None:
        """The result of an earlier run, when it is whole and of the same training."""
        folder = self._trial_folders.directory(number)
        try:
            attempt = json.loads((folder / RESULT_NAME).read_text(encoding="utf-8")).get("attempt")
            result = read_result(folder, number=number, attempt=attempt)
            made_of = (folder / MADE_OF).read_text(encoding="utf-8").strip()
        except (OSError, ValueError, AttributeError):  # none, or half of one
            return None
        whole = result is not None and result["verdict"] == "complete"
        return result if whole and made_of == self._made_of(number) else None

    # -- what is told --------------------------------------------------------------------------------------------

    def _told(self, results: dict[int, dict[str, Any]]) -> dict[str, Any]:
        settings = self._settings
        told = {
            "metric": settings.metric, "retrain_on": settings.final.retrain_on,
            "seed": settings.seed, "best": _one(self._best.point, self._best, results[0])
        }
        if settings.fixed is not None:
            told["fixed"] = told["best"] if len(self._points) == 1 else _one(
                settings.fixed, self._fixed, results[1])
        return told


def _one(point: dict[str, Any], searched: PointResult | None, result: dict[str,
                                                                           Any]) -> dict[str, Any]:
    # the last value, not the best: nothing is chosen on the test list
    return {
        "point": dict(point), "validation": searched.value if searched else None,
        "test": result["curve"][-1][1], "epoch": result["curve"][-1][0],
        "seconds": result.get("seconds")
    }
