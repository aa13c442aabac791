"""Whose weights a soup may average: the candidates of ``final: {soup: greedy}``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paddle_transfer import dotpath
from paddle_transfer.config import resolve
from paddle_transfer.config.pretrained import SHAPING
from paddle_transfer.loop.ranking import Leaderboard
from paddle_transfer.stages.base import SearchStages
from paddle_transfer.strategies.section import read_strategy
from paddle_transfer.study.records import TrialRecord
from paddle_transfer.study.trial_folder import TrialFolder


def candidates(leaderboard: Leaderboard, records: Sequence[TrialRecord], *, stages: SearchStages,
               output_dir: str | Path) -> tuple[list[TrialRecord], dict[int, str]]:
    """(the complete trials whose weights were kept and go with the winner's, best metric first; by
    number why others whose weights were kept do not).

    A mean of weights is a network of use where all began from the same one. So architecture, number
    of classes, strategy and pretrained weights are the winner's; seeds and all else may differ.
    """
    winner = leaderboard.winner
    assert winner is not None, "a search without a winner has nothing to average"
    config = stages.config(winner.proposal)
    wanted, fitting, others = _traits(config), list[TrialRecord](), dict[int, str]()
    for record in records:
        if not record.complete or record.reused is not None or not TrialFolder.of(
                output_dir, record.number).weights.exists():
            continue
        found = _traits(stages.config(record.proposal))
        other = next((name for name, value in wanted.items() if found[name] != value), None)
        if other is None:
            fitting.append(record)
        else:
            others[record.number] = f"its {other} is not the winner's"
    if not read_strategy(config).strategy.trains_network:
        return [], {one.number: "its strategy trains no network" for one in fitting} | others
    return sorted(fitting, key=lambda one: (-(one.value or 0.0), one.number)), others


def _traits(config: dict[str, Any]) -> dict[str, str]:
    """What two trainings must have in common, by what messages call it."""
    arch = resolve.section(config, "Arch")
    shape = {key: arch[key] for key in SHAPING if key in arch and key != "class_num"}
    weights = [dotpath.find(config, path)
               for path in ("Global.pretrained_model", "Arch.pretrained")]
    return {"architecture": dotpath.stable_text([shape, config.get("MLDecoder")]),
            "number of classes": str(resolve.outputs(config)),
            "strategy": read_strategy(config).name,
            "pretrained weights or new head": dotpath.stable_text(weights)}
