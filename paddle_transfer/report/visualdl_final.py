"""The final trainings in VisualDL: a run ``final`` with what was found, ``final_best`` and
``final_fixed`` with what each reported, under the trials' tags but ``test/`` for ``eval/``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.executors.base import EpochReport
from paddle_transfer.report.visualdl_run import DONE, Run
from paddle_transfer.space.space import Point


class FinalRunPages:
    """The part of the VisualDL report that hears of the final trainings.

    :param root: the folder of all runs
    :param metric: its name, fit for a tag
    """

    def __init__(self, root: Path, metric: str):
        self.root, self.metric = root, metric
        self._trainings: dict[str, Run] = {}

    def final_started(self, names: Sequence[str]) -> None:
        """Each training begins a run of its own."""

    def final_training_started(self, name: str, point: Point) -> None:
        self._end(name)
        self._trainings[name] = self._begin(name, point)

    def final_epoch_reported(self, name: str, report: EpochReport) -> None:
        run = self._trainings.get(name)
        if run is None:
            return
        for tag, value in {f"eval/{self.metric}": report.value, **report.scalars}.items():
            test_tag = f"test/{tag.removeprefix('eval/')}" if tag.startswith("eval/") else tag
            run.scalar(test_tag, value, report.epoch)
        run.flush()

    def final_ended(self, results: dict[str, Any] | None) -> None:
        begun = list(self._trainings)
        for name in begun:
            self._end(name)
        if results is None:
            return
        trained = {name: results[name] for name in ("best", "fixed") if name in results}
        run = Run(self.root / "final")
        for name, result in trained.items():
            run.scalar(f"final/{name}_{self.metric}", result["test"], result["epoch"])
            if name == "best" or result != results["best"]:  # a point that is both trained once
                self._complete(name, result, begun=name in begun)
        run.text("final", "\n".join(
            f"{name}: test {self.metric} {result['test']:.4f}, {json.dumps(result['point'])}"
            for name, result in trained.items()))
        run.close()

    def _begin(self, name: str, point: Point) -> Run:
        run = Run(self._folder(name))
        run.text("point", json.dumps(point))
        return run

    def _end(self, name: str) -> None:
        run = self._trainings.pop(name, None)
        if run is not None:
            run.close()

    def _complete(self, name: str, result: dict[str, Any], *, begun: bool) -> None:
        """Mark a training's run as whole; write it again when an earlier search trained it and was
        killed."""
        done = self._folder(name) / DONE
        if not begun and not done.exists():
            run = self._begin(name, result["point"])
            run.scalar(f"test/{self.metric}", result["test"], result["epoch"])
            run.close()
        done.touch()

    def _folder(self, name: str) -> Path:
        return self.root / f"final_{name}"
