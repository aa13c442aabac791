"""One part of each kind as a third party would write it; the strategy is in toy_strategy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from paddle_transfer.config.validation import Options
from paddle_transfer.datasets.base import Dataset, Layout, PrepareOptions, Recipe
from paddle_transfer.executors.base import Executor, ExecutorContext, Job, RegisteredExecutor
from paddle_transfer.executors.local import LocalExecutor
from paddle_transfer.executors.local_options import LocalOptions
from paddle_transfer.pruners.base import RegisteredPruner
from paddle_transfer.report.base import Report
from paddle_transfer.samplers.base import Observation, RegisteredSampler, SamplerContext
from paddle_transfer.space.entry import Entry, number
from paddle_transfer.space.space import Point, Space
from paddle_transfer.study.records import TrialRecord
from tools.digits import write_digits


class LastFirstOptions(Options):
    skip: int = Field(0, ge=0)


class LastFirst(RegisteredSampler):
    """Proposes a finite space's points from the last to the first, ``skip`` of them left out."""

    name = "last_first"
    options = LastFirstOptions
    needs_finite_space = True
    uses_results = False

    def __init__(self, skip: int):
        self.skip = skip

    @classmethod
    def build(cls, options: Options, _context: SamplerContext) -> LastFirst:
        assert isinstance(options, LastFirstOptions)
        return cls(options.skip)

    def suggest(self, space: Space, finished: Sequence[Observation], running: Sequence[Point], *,
                seed: int) -> Point | None:
        assert seed >= 0
        size = space.size
        assert size is not None
        place = size - 1 - self.skip - len(finished) - len(running)
        return space.point(place) if place >= 0 else None


class ImpatientOptions(Options):
    epochs: int = Field(1, ge=1)


class Impatient(RegisteredPruner):
    """Ends every trial but the first after ``epochs`` epochs."""

    name = "impatient"
    options = ImpatientOptions

    def __init__(self, epochs: int):
        self.epochs = epochs

    @classmethod
    def build(cls, options: Options, *, epochs: int) -> Impatient:
        assert isinstance(options, ImpatientOptions)
        return cls(min(epochs, options.epochs))

    def should_stop(self, _space: Space, trial: Observation, finished: Sequence[Observation],
                    **_: int) -> bool:
        return bool(finished) and trial.curve[-1][0] >= self.epochs


class CountingOptions(LocalOptions):
    file: str


class Counting(RegisteredExecutor):
    """Workers of this machine; every submitted job is a line of ``file``."""

    name = "counting"
    options = CountingOptions

    @classmethod
    def build(cls, options: Options, context: ExecutorContext) -> Executor:
        assert isinstance(options, CountingOptions)
        file = Path(options.file)

        class Counted(LocalExecutor):
            def submit(self, job: Job) -> str:
                with file.open("a", encoding="utf-8") as stream:
                    stream.write(f"{job.number}\n")
                return super().submit(job)

        return Counted(context)


class LinesOptions(Options):
    file: str


class Lines(Report):
    """Writes a line for each trial that ends, and one for the end of the search."""

    name = "lines"
    options = LinesOptions

    def _write(self, line: str) -> None:
        assert isinstance(self.given, LinesOptions)
        with Path(self.given.file).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")

    def trial_ended(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        self._write(f"trial {record.number} of {len(records)}: {record.state.value}")

    def search_ended(self, records: Sequence[TrialRecord], reason: str) -> None:
        self._write(f"end: {reason} ({len(records)})")


def _set_momentum(config: dict[str, Any], value: float) -> None:
    config["Transfer"]["strategy"]["momentum"] = float(value)


MOMENTUM = Entry(
    name="momentum", meaning="the momentum that the toy strategy sets", values=(0.9, 0.5),
    check=number("must be a number from 0 up to but not including 1", lambda x: 0 <= x < 1),
    apply=_set_momentum, edits=("Transfer.strategy.momentum",), source="Polyak 1964")


def _read_digits(root: Path, _options: PrepareOptions) -> Layout:
    write_digits(root, classes=(0, 1), per_class_train=8, per_class_val=4)
    splits: dict[str, list[tuple[str, int]]] = {}
    for split in ("train", "val"):
        lines = (root / f"{split}_list.txt").read_text(encoding="utf-8").splitlines()
        splits[split] = [(path, int(label)) for path, label in map(str.split, lines)]
    return Layout(("zero", "one"), splits)


TWO_DIGITS = Dataset("two_digits", "the digits 0 and 1", _read_digits,
                     recipe=Recipe(arch="MobileNetV3_small_x0_35", epochs=2, batch_size=8))
