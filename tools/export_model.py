#!/usr/bin/env python
"""Exports weights for inference: python tools/export_model.py -c config.yaml -o Global.pretrained_model=...

Writes Global.save_inference_dir/inference.*, for paddle.inference and paddle.jit.load.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli import engine_tools


def export(engine) -> int:
    from paddle_transfer.worker.engine import is_main_process

    engine.export()
    if is_main_process():
        print(
            f"exported: {os.path.join(engine.config['Global']['save_inference_dir'], 'inference')}")
    return 0


def main() -> int:
    return engine_tools.run(
        engine_tools.parser(__doc__).parse_args(), export, mode="export", log_file=False)


if __name__ == "__main__":
    sys.exit(main())
