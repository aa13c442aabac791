"""Turn the official archives of a data set, a folder per class, or a table into PaddleClas's list files.

  python tools/prepare_data.py --dataset oxford_iiit_pets --root ./dataset/oxford_iiit_pets --download
  python tools/prepare_data.py --dataset folder --root ./dataset/custom --test 0.2
  python tools/prepare_data.py --dataset csv --root ./dataset/custom --csv labels.csv
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.datasets.catalogue import DATASETS
from paddle_transfer.errors import PaddleTransferError


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"a share from 0 to below 1, but got {text}")
    return value


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, choices=[*DATASETS, "folder", "csv"],
                        metavar="NAME", help=f"one of {', '.join(DATASETS)}, folder, csv")
    parser.add_argument(
        "--root", required=True, help="the data set's folder: archives are looked for, and lists "
        "written, there")
    parser.add_argument("--download", action="store_true", help="fetch archives that are missing")
    parser.add_argument("--unverified", action="store_true",
                        help="take archives whose md5 is not the published one")
    parser.add_argument("--seed", type=int, default=0, help="of the splits (default: 0)")
    parser.add_argument(
        "--val", type=share, help="share of train for validation where there is no official split "
        "(default: the protocol's; 0.2 for folder and csv)")
    parser.add_argument("--test", type=share, default=0.0,
                        help="folder and csv: share for the test list (default: 0)")
    parser.add_argument("--processes", type=int,
                        help="for looking at the images (default: one per core)")
    parser.add_argument("--csv", help="csv: the table (default: ROOT/labels.csv)")
    for column in ("image", "label", "split"):
        parser.add_argument(f"--{column}-column", help=f"csv: the column of {column}s")
    arguments = parser.parse_args(argv)
    if (arguments.val or 0) + arguments.test >= 1:  # what can be said before anything is looked at
        parser.error("--val and --test together must leave something for training")
    return arguments


def main(argv=None) -> int:
    arguments = vars(parse(argv))
    name, root = arguments.pop("dataset"), arguments.pop("root")
    from paddle_transfer.cli.prepare import run
    from paddle_transfer.datasets.prepare import Wishes

    try:
        return run(name, root, Wishes(**arguments))
    except PaddleTransferError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
