"""The result of a search, finished or running, read from its output folder."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_transfer import errors
from paddle_transfer.config.generated import GeneratedFiles
from paddle_transfer.config.load import load_yaml
from paddle_transfer.loop.saved_ranking import RankedPoint, as_told, ranking, read_json
from paddle_transfer.loop.saved_search import read_saved_search
from paddle_transfer.report.notebook import search_html
from paddle_transfer.space.hyperparameter import Value
from paddle_transfer.space.space import Point
from paddle_transfer.study.leftover import read_rows
from paddle_transfer.study.records import Stage, TrialRecord

if TYPE_CHECKING:
    import pandas as pd

    from paddle_transfer.report.html.plots import Figure

#: One evaluated epoch: (epoch, metric), epochs from 1.
Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True, repr=False)
class SearchResult:
    """What a search found.

    :param output_dir: the folder of the search
    :param metric: what was maximised
    :param reason: why the search ended, ``interrupted`` among them; None while it runs, and when it
        was killed
    :param trials: all trials by number, running ones too
    :param ranking: the points with a complete trial, best first
    """

    output_dir: Path
    metric: str
    reason: str | None
    trials: tuple[TrialRecord, ...]
    ranking: tuple[RankedPoint, ...]

    @property
    def best(self) -> RankedPoint | None:
        """The winner; None while no trial is complete."""
        return self.ranking[0] if self.ranking else None

    @property
    def best_point(self) -> Point | None:
        return self.best.point if self.best else None

    @property
    def best_value(self) -> float | None:
        return self.best.value if self.best else None

    @property
    def baseline(self) -> RankedPoint | None:
        """The fixed point of the search file; None without one, and while it has no result."""
        return next((row for row in self.ranking if row.is_baseline), None)

    @property
    def gain(self) -> float | None:
        """How much better the winner is than the baseline, in units of the metric."""
        return self.best.value - self.baseline.value if self.best and self.baseline else None

    @property
    def best_config_path(self) -> Path | None:
        """``best_config.yaml``: the PaddleClas config that trains the winner again."""
        path = GeneratedFiles(self.output_dir).current("best_config.yaml")
        return path if path.is_file() else None

    @property
    def best_config(self) -> dict[str, Any] | None:
        path = self.best_config_path
        return load_yaml(str(path)) if path else None

    @property
    def best_model_path(self) -> Path | None:
        """``best_model.pdparams``: the winner's weights, or the soup's where one was accepted; None
        when they are not kept."""
        return self._file("best_model.pdparams")

    @property
    def final(self) -> dict[str, Any] | None:
        """The test metrics of the final trainings (``final.json``); None without them."""
        path = self._file("final.json")
        return read_json(path) if path else None

    @property
    def soup(self) -> dict[str, Any] | None:
        """What ``final: {soup: greedy}`` gave: whether it was accepted, its trials, the metric of
        each step, of the best single trial and on the test list; None without it."""
        found = read_json(self.output_dir / "search_results.json").get("soup")
        return found if isinstance(found, dict) else None

    @property
    def curves(self) -> dict[int, Curve]:
        """The evaluated epochs of every trained trial, by number."""
        return {trial.number: trial.curve for trial in self.trials if trial.reused is None}

    def rows(self) -> list[dict[str, Value]]:
        """The leaderboard as plain rows: rank, the metric, the images that it was measured on, its
        error, estimate, trials, the best trial and its best epoch, the hyperparameters, whether it
        is the baseline; the stage in a search that distils."""
        distils = any(row.best_trial.stage is not Stage.SEARCH for row in self.ranking)
        return [{"rank": row.rank, self.metric: row.value, "images": row.images,
                 "error": row.error, "estimate": row.estimate, "trials": len(row.trials),
                 "trial": row.best_trial.number, "epoch": row.best_trial.info.get("best_epoch"),
                 **row.point, "baseline": row.is_baseline,
                 **({"stage": str(row.best_trial.stage)} if distils else {})}
                for row in self.ranking]

    def leaderboard(self) -> pd.DataFrame | list[dict[str, Value]]:
        """``rows()``, as a pandas DataFrame where pandas is installed."""
        if importlib.util.find_spec("pandas") is None:
            return self.rows()
        import pandas as pd  # optional, and slow to import

        table: pd.DataFrame = pd.DataFrame(self.rows())
        return table

    def plots(self, *, language: str = "en") -> dict[str, Figure]:
        """The plots of ``report.html`` that have something to show, as Plotly figures by name:
        ``best_so_far``, ``curves``, ``devices``, ``importance``, ``effect0``, ``pair``,
        ``parallel``, ``strategies``, ``confusion``, ``per_class``, ``reliability``,
        ``class_counts``.

        :param language: of their words, ``en`` or ``zh``
        """
        from paddle_transfer.report.html.plots import make_plots  # late: Plotly

        return make_plots(self.output_dir, language=language)

    def plot(self, name: str, *, language: str = "en") -> Figure:
        """One of ``plots``. Raises DataError when there is none of this name."""
        from paddle_transfer.report.html.plots import make_plot  # late: Plotly

        return make_plot(self.output_dir, name, language=language)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return search_html(str(self.output_dir), self.metric, self.reason, self.ranking)

    def __repr__(self) -> str:
        best = f"best {self.metric} {self.best.value:.4f}" if self.best else "no complete trial"
        done = sum(trial.finished for trial in self.trials)
        return f"<SearchResult {str(self.output_dir)!r}: {best} of {done} trials, {self.reason}>"

    def _file(self, name: str) -> Path | None:
        path = self.output_dir / name
        return path if path.exists() else None


def load_search(output_dir: str | os.PathLike[str]) -> SearchResult:
    """The result of the search in ``output_dir``, finished or running. Runs and changes nothing.

    Raises StudyError when no search has been there, or it cannot be read.
    """
    with errors.reading(output_dir, error=errors.StudyError):
        return _load_search(output_dir)


def _load_search(output_dir: str | os.PathLike[str]) -> SearchResult:
    saved, root = read_saved_search(output_dir), Path(output_dir)
    rows = read_rows(root / "search_results.csv")
    records = tuple(as_told(record, rows.get(record.number)) for record in saved.records())
    return SearchResult(root, str(saved.content.get("metric")),
                        read_json(root / "search_results.json").get("ended"), records,
                        tuple(ranking(saved, records, rows)))
