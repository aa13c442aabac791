"""A whole transfer search on real images, in a few minutes on two CPU cores, without a download.

Source task: digits 0 to 4 of scikit-learn's handwritten digits. Target task: digits 5 to 9 with
twenty training images per class. A second call goes on where the first one stopped.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.command import guarded
from tools.quickstart_steps import ROOT, link_source, prepare, summary, tasks


def main() -> int:
    os.chdir(ROOT)
    prepare()
    running = [(task, subprocess.Popen(command)) for task, command in tasks() if command]
    for task, process in running:
        if process.wait():
            print(f"quickstart: {task} failed with exit code {process.returncode}", file=sys.stderr)
            return process.returncode
    link_source()
    search = subprocess.Popen(
        [sys.executable, "tools/search.py", "-c", "ppcls_configs/quick_start/digits_search.yaml"])
    try:
        code = search.wait()
    except KeyboardInterrupt:
        search.wait()  # it was interrupted as well, and stops cleanly
        raise
    if code == 0:
        print(summary())
    return code


if __name__ == "__main__":
    sys.exit(guarded(main, error_prefix=""))
