"""What must hold of a real search that was killed, by its study, files and logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path

from paddle_transfer.api import make_sampler_and_ranker
from paddle_transfer.report.results import results_csv
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.store import read_store
from paddle_transfer.study.trial_folder import TrialFolder

#: What a trial's log says of an epoch that was trained (1), saved (2), or left out (3).
_EPOCH = re.compile(r"\[Train\]\[Epoch (\d+)/\d+\]\[Avg\]|checkpoint after epoch (\d+)"
                    r"|goes on after epoch (\d+)")


class Search:
    """A search on disk.

    :ivar finished: the attempt and value of each trial when it was first seen with a result
    """

    def __init__(self, file: Path, output_dir: Path):
        self.file, self.output_dir = file, output_dir
        self.finished: dict[int, tuple[int, float]] = {}

    @cached_property
    def settings(self) -> SearchSettings:
        return load_search_file(str(self.file), [f"output_dir={self.output_dir}"])

    def logs(self) -> Iterator[tuple[str, list[str]]]:
        """(trial, the lines of its attempts about epochs, in order)."""
        for folder in sorted(self.output_dir.glob("trials/*")):
            attempts = sorted(folder.glob("train.log.*"), key=lambda path: int(path.suffix[1:]))
            lines: list[str] = []
            for path in (*attempts, folder / "train.log"):
                with suppress(FileNotFoundError):  # a search that runs renames it just now
                    text = path.read_text(errors="replace")
                    lines += [match[0] for match in _EPOCH.finditer(text)]
            yield folder.name, lines

    def progress(self) -> int:
        """How many lines about epochs its trials have logged."""
        return sum(len(lines) for _, lines in self.logs())

    def trained(self) -> int:
        """How many epochs were trained, those of attempts that were killed among them."""
        return sum("[Train]" in line for _, lines in self.logs() for line in lines)

    def resumed(self) -> int:
        return sum("goes on" in line for _, lines in self.logs() for line in lines)

    def note_finished(self) -> None:
        for folder in self.output_dir.glob("trials/*"):
            number = int(folder.name)
            result = TrialFolder(folder).read_result(number, None)
            if result is not None:
                self.finished.setdefault(number, (result["attempt"], result["value"]))


def records_of(search: Search) -> list[TrialRecord]:
    with closing(read_store(output_dir=search.output_dir,
                            space=search.settings.search_space.space)) as store:
        return store.records()


def broken(search: Search, undisturbed: Search) -> list[str]:
    """The rules that ``search`` breaks."""
    return [*_trials(search, undisturbed), *_finished(search), *_saved(search), *_files(search)]


def _trials(search: Search, undisturbed: Search) -> Iterator[str]:
    """Trials, metrics and curves are those of a search that was not killed."""
    mine, other = ({record.number: (json.dumps(record.point), record.seed, str(record.state),
                                    record.value, record.curve) for record in records_of(one)}
                   for one in (search, undisturbed))
    yield from (f"trial {number} is {mine.get(number)}, undisturbed {other.get(number)}"
                for number in sorted({*mine, *other}) if mine.get(number) != other.get(number))


def _finished(search: Search) -> Iterator[str]:
    """What was finished at a kill was neither lost nor trained again."""
    records = records_of(search)
    yield from (f"trial {number} had {was} (attempt, value), and has {now}"
                for number, was in search.finished.items()
                if was != (now := (records[number].attempts, records[number].value)))


def _saved(search: Search) -> Iterator[str]:
    """No epoch that a checkpoint had is trained again."""
    for trial, lines in search.logs():
        saved = 0
        for line in lines:
            epoch = int(re.sub(r"/.*|\D", "", line) or 0)
            if line.startswith("checkpoint"):
                saved = epoch
            elif line.startswith("[Train]") and epoch <= saved:
                yield f"trial {trial} trained epoch {epoch} again, after {saved} was saved: {lines}"


def _files(search: Search) -> Iterator[str]:
    """The result files are those of the study."""
    records, settings = records_of(search), search.settings
    _, ranker = make_sampler_and_ranker(settings)
    leaderboard = ranker.leaderboard(records)
    text = (search.output_dir / "search_results.csv").read_text()
    if text != results_csv(settings, records, leaderboard):
        yield "search_results.csv is another one than the study's"
    told = json.loads((search.output_dir / "search_results.json").read_text())
    assert leaderboard.winner is not None, "trials have completed"
    if told["winner"]["value"] != leaderboard.winner.value:
        yield "search_results.json has another winner than the study"
    for record in records:
        result = TrialFolder.of(search.output_dir, record.number).read_result(
            record.number, record.attempts)
        if result is None or result["value"] != record.value:
            yield f"result.json of trial {record.number} is another one than the study's"
