"""Images as training sees them, for the contact sheet.

``python -m paddle_transfer.worker.augment`` reads a job (JSON) from stdin: ``images`` (paths),
``labels``, ``dataset`` (the config's section), ``class_num``, ``size`` (px of an image), ``seed``,
``paddleclas``, ``out``. It writes an array (n, size, size, 3) of uint8 in RGB to ``out`` (.npy).
"""

from __future__ import annotations

import json
import sys

import numpy as np

from paddle_transfer.errors import PaddleTransferError
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate


def main() -> int:
    job = json.load(sys.stdin)
    try:
        transforms = import_with_ppcls("transforms", locate(job.get("paddleclas")))
        images = transforms.augmented(job)
    except PaddleTransferError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    np.save(job["out"], images)
    return 0


if __name__ == "__main__":
    sys.exit(main())
