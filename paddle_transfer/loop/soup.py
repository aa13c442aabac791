"""``final: {soup: greedy}``: the mean of the best trials' weights, where it is the better network.

Wortsman et al. 2022, Model soups (https://arxiv.org/abs/2203.05482): the candidates, best metric
first; each joins the mean unless that makes it worse on the validation list. Every mean is a job
for the search's executor, whose result is found again after a kill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.executors.base import Executor, Verdict
from paddle_transfer.loop.callbacks import CallbackList
from paddle_transfer.loop.mean_jobs import TESTS, Interrupted, MeanJobs
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.loop.soup_candidates import candidates
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder


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


class SoupRuns:
    """The soup of a search.

    :param leaderboard: of the search, which has a winner: its config evaluates every mean
    :param payload: goes to the runner, as for every trial
    :param callbacks: of the search; the events of ``SoupCallback`` are called
    :param interrupted: asked at every turn; True ends the runs, which the same command resumes
    """

    def __init__(self, executor: Executor, leaderboard: Leaderboard,
                 records: Sequence[TrialRecord], *, stages: SearchStages, device: str,
                 output_dir: str, payload: dict[str, Any], callbacks: Sequence[object] = (),
                 interrupted: Callable[[], bool] = lambda: False):
        winner = leaderboard.winner
        assert winner is not None, "a search without a winner has no config"
        self._out, self._callbacks = output_dir, CallbackList(callbacks)
        self._metric = payload["metric"]
        self._tested = dotpath.exists(stages.base, "DataLoader.Test.dataset")
        self._candidates, self._left_out = candidates(leaderboard, records, stages=stages,
                                                      output_dir=output_dir)
        self._jobs = MeanJobs(executor, stages.config(winner.proposal), stages.base,
                              seed=winner.best.seed, device=device, output_dir=output_dir,
                              payload=payload, interrupted=interrupted)

    def run(self) -> dict[str, Any] | None:
        """Evaluate what is not evaluated yet; what came of it, for ``search_results.json``, or None
        when interrupted.

        Raises SearchFailed, with the place of the log, when a mean cannot be evaluated.
        """
        outcome = None
        try:
            outcome = self._run()
        except Interrupted:
            pass
        finally:
            self._callbacks.call("soup_ended", outcome)
        return outcome

    def _run(self) -> dict[str, Any]:
        left_out = [{"trial": number, "reason": why} for number, why in self._left_out.items()]
        made: dict[str, Any] = {"accepted": False, "metric": self._metric, "left_out": left_out}
        if len(self._candidates) < 2:
            return {**made, "reason": "fewer than two trials have kept weights that go together"}
        self._callbacks.call("soup_started", [one.number for one in self._candidates],
                             self._left_out)
        members, steps = self._greedy()
        single, value = steps[0], [step.value for step in steps if step.taken][-1]
        made |= {"single": {"trial": single.trial, "value": single.value}, "value": value,
                 "trials": [one.number for one in members], "steps": list(map(asdict, steps))}
        if value == single.value:
            self._jobs.keep_weights(None)
            return {**made, "reason": "no mean is better than the best single trial",
                    **self._test(members[0])}
        last = members[-1].number
        result = self._jobs.evaluate(last, self._files(members), keep=True)
        self._jobs.keep_weights(last)
        weights = self._jobs.weights(last)
        return {**made, "accepted": True, "reason": "better than the best single trial",
                "images": result.get("images"), "statistics": result.get("statistics", 0),
                "weights": str(weights.relative_to(self._out)), **self._test(members[0], last)}

    def _greedy(self) -> tuple[list[TrialRecord], list[SoupStep]]:
        """(the members of the soup, all steps). Of all means evaluated now the last one that is
        kept has its weights."""
        members, steps, best = list[TrialRecord](), list[SoupStep](), float("-inf")
        for record in self._candidates:
            result = self._jobs.evaluate(record.number, self._files([*members, record]))
            works = result["verdict"] == Verdict.COMPLETE
            if not works and not members:
                raise self._jobs.failed(record.number, result.get("message"))
            value: float | None = result["value"] if works else None
            taken = value is not None and value >= best
            for one in members[-1:] if taken else [record]:
                self._jobs.weights(one.number).unlink(missing_ok=True)
            if value is not None and taken:
                members, best = [*members, record], value
            steps.append(SoupStep(record.number, value, taken,
                                  "" if works else str(result.get("message", ""))))
            self._callbacks.call("soup_step_ended", record.number, value, taken)
        return members, steps

    def _test(self, single: TrialRecord, last: int | None = None) -> dict[str, Any]:
        """The metrics on the test list, which has chosen nothing, of the best single trial and of a
        soup that was accepted; {} where there is no such list.

        :param last: the job with the soup's weights
        """
        if not self._tested:
            return {}
        measured: dict[str, Any] = {}
        soup = [] if last is None else [str(self._jobs.weights(last))]
        for number, files in zip(TESTS, (self._files([single]), soup), strict=True):
            if not files:
                continue
            result = self._jobs.evaluate(number, files)
            self._jobs.keep_weights(last)
            if result["verdict"] != Verdict.COMPLETE:
                raise self._jobs.failed(number, result.get("message"))
            measured |= {TESTS[number].removeprefix("test_"): result["value"],
                         "images": result.get("images")}
        return {"test": measured}

    def _files(self, records: Sequence[TrialRecord]) -> list[str]:
        return [str(TrialFolder.of(self._out, one.number).weights) for one in records]
