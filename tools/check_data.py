"""Find what is wrong with the lists and images of a training config before a GPU is touched.

  python tools/check_data.py -c ppcls_configs/transfer/ResNet50_vd/dtd.yaml -o Arch.class_num=47

Exit code 0: no errors (warnings are shown), 1: errors, 2: the config cannot be read.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from paddle_transfer.errors import PaddleTransferError


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--config", required=True, help="a PaddleClas training config")
    parser.add_argument("-o", "--override", action="append", default=[], metavar="KEY=VALUE",
                        help="override an option of the config, e.g. -o Arch.class_num=5")
    parser.add_argument("--processes", type=int,
                        help="for looking at the images (default: one per core)")
    parser.add_argument("--cache",
                        help="folder for verdicts (default: ~/.cache/paddle_transfer/checks)")
    parser.add_argument(
        "--max-leak", type=float, default=0.01, metavar="SHARE", help="leaks are errors above this "
        "share of a validation or test list, warnings below (default: %(default)s)")
    parser.add_argument("--all", action="store_true",
                        help="show every finding, not just the first 20 of a kind")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument(
        "--sheet", metavar="PNG",
        help="write a contact sheet: samples of each class, augmented as in "
        "training (takes some seconds more)")
    parser.add_argument("--paddleclas", help="a PaddleClas checkout for the sheet's augmentation")
    return parser.parse_args(argv)


def main(argv=None) -> int:
    arguments = parse(argv)
    from paddle_transfer.cli.check import run

    try:
        return run(arguments)
    except PaddleTransferError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
