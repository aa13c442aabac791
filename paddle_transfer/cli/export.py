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
    """Export; print where to."""
    engine.export()
    if engine.is_main_process:
        folder = engine.config["Global"]["save_inference_dir"]
        print(f"exported: {os.path.join(folder, 'inference')}")
    return 0


COMMAND = engine_command(__doc__, export, mode="export", log_file=False)
