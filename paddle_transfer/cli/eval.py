"""Evaluate weights: %(prog)s -c config.yaml -o Global.pretrained_model=output/best_model"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddle_transfer.cli.engine import engine_command

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine


def evaluate(engine: TransferEngine) -> int:
    """Evaluate; print losses and metrics, and how many images these are over."""
    engine.eval()
    if engine.is_main_process:
        metrics, losses = engine.last_eval
        for name, value in {**losses, **metrics}.items():
            print(f"{name}: {float(value)!r}")
        print(f"images: {engine.images}")
    return 0


COMMAND = engine_command(__doc__, evaluate, mode="eval")
