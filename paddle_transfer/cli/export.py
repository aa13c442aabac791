"""Export weights for inference: %(prog)s -c config.yaml -o Global.pretrained_model=...

Writes Global.save_inference_dir/inference.*, for paddle.inference and paddle.jit.load.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from paddle_transfer.cli.engine import engine_command

if TYPE_CHECKING:
    from paddle_transfer.worker.engine import TransferEngine


def export(engine: TransferEngine) -> int:
    """Export; print where to, and whether an earlier export was there."""
    target = os.path.join(engine.config["Global"]["save_inference_dir"], "inference")
    replaces = os.path.exists(f"{target}.pdiparams")
    engine.export()
    if engine.is_main_process:
        print(f"exported: {target}" + (" (replaces the model that was there)" if replaces else ""))
    return 0


COMMAND = engine_command(__doc__, export, mode="export", log_file=False)
