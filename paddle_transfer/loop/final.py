"""After the search: the point found, and the baseline, trained again and tested, each once.

Further jobs for the same executor, in ``output_dir/final/{best,fixed}``. A finished training is not
repeated unless the point, the lists or the base config have changed; ``final.json`` comes last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config.base import comparable
from paddle_transfer.config.load import dump_yaml, write_atomic
from paddle_transfer.config.portable import handed_back
from paddle_transfer.errors import SearchFailed, StudyError
from paddle_transfer.executors.base import Ended, Executor, Verdict
from paddle_transfer.executors.reliable import ReliableExecutor
from paddle_transfer.loop.callbacks import CallbackList
from paddle_transfer.loop.driver import TURN
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.results import PointResult
from paddle_transfer.loop.retries import Retries
from paddle_transfer.loop.trial_folder import TrialFolder, TrialFolders
from paddle_transfer.rules.accumulation import accumulated
from paddle_transfer.settings.final import Final, final_config, joined
from paddle_transfer.settings.groups import BaseTraining, Devices, Objective, Repeats, SearchSpace
from paddle_transfer.space.space import Point
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.study.records import Proposal, TrialRecord

#: The two trainings by their number as jobs, and what messages call them.
NAMES = ("best", "fixed")
TITLES = {"best": "point found", "fixed": "fixed point"}
JOINED = "train_val_list.txt"
#: Holds a digest of what a finished training was made from.
MADE_OF = "made_of.txt"
#: Longer lists, fewer evaluations: a training may take this many times ``trial_timeout``.
SLOWNESS = 3.0

#: A result.json.
Result = dict[str, Any]


class FinalConfigs:
    """The configs of the final trainings.

    :param root: ``output_dir/final``
    :param accumulate: of a point, as its best trial was trained (``TrialRecord.accumulate``)
    """

    def __init__(self, final: Final, root: Path, *, base: BaseTraining, stages: SearchStages,
                 device: str, metric: str, accumulate: Callable[[Point], int] = lambda _: 1):
        self._root, self._base, self._stages = root, base.config, stages
        self._device, self._metric, self._accumulate = device, metric, accumulate
        self._joined = root / JOINED if final.joins else None

    def join_lists(self) -> None:
        """Write the joined list where the validation list is trained on too. Raises StudyError."""
        if self._joined is None:
            return
        train, val = _lists(self._base)
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            write_atomic(str(self._joined), joined(train, val))
        except (FileNotFoundError, UnicodeDecodeError) as error:
            raise StudyError(f"the lists {train} and {val} cannot be joined: {error}") from error

    def config(self, point: Point) -> dict[str, Any]:
        """The config that trains ``point`` a last time."""
        config = accumulated(self._stages.config(Proposal(point)), self._accumulate(point))
        return final_config(config, self._base,
                            train_list=str(self._joined) if self._joined else None)

    def write(self, record: TrialRecord, path: Path) -> None:
        """Write the config of a training, as ``TrialFolders`` asks for it."""
        dump_yaml(handed_back(self.config(record.point), output_dir=str(path.parent),
                              seed=record.seed, device=self._device, metric=self._metric),
                  str(path))

    def digest(self, point: Point, *parts: object) -> str:
        """``digest`` of the training of ``point``."""
        return digest(self.config(point), *parts)


def digest(config: dict[str, Any], *parts: object) -> str:
    """A hash of all that determines a training by ``config``, images included, and of ``parts``.
    Raises StudyError when a list cannot be read."""
    from paddle_transfer.checks.fingerprints import fingerprint_list  # numpy

    sections = [section for part in ("Train", "Eval") if isinstance(
        section := dotpath.find(config, f"DataLoader.{part}.dataset"), dict)]
    try:
        lists = [fingerprint_list(section, section["cls_label_path"], in_order=True).token
                 for section in sections if section.get("cls_label_path")]
    except OSError as error:
        raise StudyError(f"{error.filename}: a list for the end of the search cannot be read "
                         f"({error.strerror}). Put it back; the same command goes on") from error
    text = dotpath.stable_text([comparable(config), lists, *parts])
    return hashlib.sha256(text.encode()).hexdigest()


def _lists(config: dict[str, Any]) -> list[str]:
    """The files with the training and the validation list."""
    loaders = config["DataLoader"]
    return [loaders[part]["dataset"]["cls_label_path"] for part in ("Train", "Eval")]


class _FinalFolders(TrialFolders):
    def folder(self, number: int) -> TrialFolder:
        return TrialFolder(self.root / "final" / NAMES[number])


class FinalRuns:
    """The final trainings of a search.

    :param leaderboard: of the search, which has a winner
    :param payload: goes to the runner, as for every trial
    :param callbacks: of the search; the events of ``FinalCallback`` are called
    :param interrupted: asked at every turn; True ends the runs, which the same command resumes
    """

    def __init__(self, final: Final, leaderboard: Leaderboard, *, base: BaseTraining,
                 search_space: SearchSpace, objective: Objective, repeats: Repeats,
                 devices: Devices, output_dir: str, stages: SearchStages, payload: dict[str, Any],
                 callbacks: Sequence[object] = (), interrupted: Callable[[], bool] = lambda: False):
        assert leaderboard.winner is not None, "a search without a winner has no point to train"
        self._final, self._metric, self._seed = final, objective.metric, repeats.seed
        self._interrupted, self._root = interrupted, Path(output_dir) / "final"
        self._callbacks = CallbackList(callbacks)
        self._best, self._baseline = leaderboard.winner, search_space.baseline
        self._searched = leaderboard.of(self._baseline)
        self._points, key = [self._best.point], search_space.space.key
        if self._baseline is not None and key(self._baseline) != key(self._best.point):
            self._points.append(self._baseline)
        self._configs = FinalConfigs(final, self._root, base=base, stages=stages,
                                     device=devices.kind, metric=objective.metric,
                                     accumulate=self._accumulate)
        self._folders = _FinalFolders(output_dir, write_config=self._configs.write,
                                      payload={**payload, "keep_weights": True,
                                               "also_measure": []})
        self._retries = Retries()

    def run(self, make_executor: Callable[[float], Executor]) -> dict[str, Any] | None:
        """Train what is not trained yet; returns ``final.json``, or None when interrupted.

        :param make_executor: called, when there is something to train, with how much longer it may
            take than a trial

        Raises SearchFailed, with the ends of the logs, once all have ended and some have failed.
        """
        self._configs.join_lists()
        numbers, path = range(len(self._points)), self._root.with_suffix(".json")
        results = {number: result for number in numbers
                   if (result := self._finished(number)) is not None}
        waiting = [number for number in numbers if number not in results]
        failures = []
        if waiting:
            path.unlink(missing_ok=True)  # it describes another training
            self._callbacks.call("final_started", [NAMES[number] for number in waiting])
            failures = self._train(ReliableExecutor(make_executor(SLOWNESS)), waiting, results)
        outcome = None if failures or self._interrupted() else self._outcome(results)
        if outcome is not None:
            write_atomic(str(path), json.dumps(outcome, indent=2) + "\n")
        self._callbacks.call("final_ended", outcome)
        if failures and not self._interrupted():
            raise SearchFailed("\n".join(failures))
        return outcome

    def _train(self, executor: Executor, waiting: list[int],
               results: dict[int, Result]) -> list[str]:
        """Add to ``results``; returns what failed for good. Ends early when interrupted."""
        failures: list[str] = []
        while (waiting or executor.running()) and not self._interrupted():
            while waiting and executor.free() > 0:
                self._submit(executor, waiting.pop(0))
            for event in executor.poll(TURN):
                if not isinstance(event, Ended):
                    self._callbacks.call("final_epoch_reported", NAMES[event.number], event)
                elif event.verdict is Verdict.COMPLETE and event.result is not None:
                    results[event.number] = event.result
                elif self._again(event):
                    waiting.append(event.number)
                else:
                    failures.append(_failure(event, self._folders.folder(event.number).log))
        return failures

    def _submit(self, executor: Executor, number: int) -> None:
        folder, point = self._folders.folder(number), self._points[number]
        attempt = 1 + len(folder.old_logs()) + folder.log.exists()
        job = self._folders.prepare(
            TrialRecord(number, number, point, self._seed, attempts=attempt))
        write_atomic(str(folder.path / MADE_OF), self._digest(number) + "\n")
        executor.submit(job)
        self._callbacks.call("final_training_started", NAMES[number], point)

    def _accumulate(self, point: Point) -> int:
        searched = self._best if point is self._points[0] else self._searched
        return 1 if searched is None or searched.value is None else searched.best.accumulate

    def _again(self, ended: Ended) -> bool:
        if ended.verdict is Verdict.CRASHED:
            self._folders.check_room()
        return self._retries.again(ended)

    def _digest(self, number: int) -> str:
        return self._configs.digest(self._points[number], self._seed, self._metric)

    def _finished(self, number: int) -> Result | None:
        """The result of an earlier run, when it is whole and of the same training."""
        folder = self._folders.folder(number)
        result = folder.read_result(number, None)
        try:
            made_of = (folder.path / MADE_OF).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):  # none, or half of one
            return None
        whole = result is not None and result["verdict"] == "complete"
        return result if whole and made_of == self._digest(number) else None

    def _outcome(self, results: dict[int, Result]) -> dict[str, Any]:
        images = sorted({str(result.get("images")) for result in results.values()})
        if len(images) > 1:
            raise StudyError(f"the final trainings were tested on {' and on '.join(images)} "
                             "images: the test list has changed in between. The same command "
                             "trains again what was trained before that")
        outcome = {"metric": self._metric, "retrain_on": self._final.retrain_on,
                   "seed": self._seed, "best": _one(self._best.point, self._best, results[0])}
        if self._baseline is not None:
            outcome["fixed"] = outcome["best"] if len(self._points) == 1 else _one(
                self._baseline, self._searched, results[1])
        return outcome


def _failure(ended: Ended, log: Path) -> str:
    return (f"the search is done, but the final training of the {TITLES[NAMES[ended.number]]} "
            f"failed ({ended.verdict}): {ended.message} (log: {log}). The same command tries it "
            "again")


def _one(point: Point, searched: PointResult | None, result: Result) -> dict[str, Any]:
    # the last value, not the best: nothing is chosen on the test list
    epoch, value = result["curve"][-1]
    return {"point": dict(point), "validation": searched.value if searched else None,
            "validation_images": searched.images if searched else None, "test": value,
            "images": result.get("images"), "epoch": epoch, "seconds": result.get("seconds")}
