"""Evidence: replay searches on recorded full grids, and make the shipped prior of such tables.

python tools/benchmark.py COMMAND:

    replay --table FILE... [--method bayes ...] [--repeats 50] [--trials 20] [--json]
    distil --table FILE... --output paddle_transfer/samplers/gp/prior.json --source TEXT
    record TASK...                      record a table with the product, as in benchmarks/tables/
    miniature [TASK...] --output FOLDER tables of tiny numpy networks, for development
    data [--images 20000]               check images with one process and with two
    strategies --weights FILE --source DIR   the ways to transfer, side by side
    joint --weights FILE --source DIR        strategy and settings searched together
    domains --weights FILE --source DIR      adaptation without labels, two lists trained together
    task_features TASK...               what a search can know before its first trial, recorded
    weights [--arch ResNet50_vd]        load weights, beside Paddle's own loading
    features --source DIR --weights FILE  search classifiers on features, beside whole trainings
    driver [--trials N ...] [--workers W ...] [--simulate]   what a search costs beside trainings
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from benchmarks import cli
from paddle_transfer.cli.command import guarded
from paddle_transfer.cli.parser import OptionParser

#: Commands that read their own options.
OWN = ("data", "record", "miniature", "weights", "strategies", "joint", "features", "domains",
       "driver", "task_features")


def parser() -> argparse.ArgumentParser:
    top = OptionParser(description=__doc__.split("\n")[0])
    commands = top.add_subparsers(dest="command", required=True)
    replay = commands.add_parser("replay", help="replay searches on recorded tables")
    replay.add_argument("--table", nargs="+", required=True, help="recorded grids (.csv, .csv.gz)")
    replay.add_argument("--method", nargs="+", default=[],
                        help="default: all of bayes, bayes_prior, random, skopt, ...")
    replay.add_argument("--repeats", type=int, default=50)
    replay.add_argument("--trials", type=int, default=20)
    replay.add_argument("--fixed", help="k=v,...: the point tried first; default: the published "
                        "one; 'none': no such")
    replay.add_argument("--workers", type=int, default=1, help="trials at once")
    replay.add_argument("--acquisition", default="kg")
    replay.add_argument("--prior", help="a prior file for bayes_prior instead of the shipped one")
    replay.add_argument(
        "--leave-one-out", action="store_true",
        help="bayes_prior learns from the other tables given, instead of the shipped prior")
    replay.add_argument("--plot", metavar="FOLDER", help="write a picture of regrets per table")
    replay.add_argument("--json", action="store_true", help="one JSON object per table and method")
    distil = commands.add_parser("distil", help="make a prior of recorded tables")
    distil.add_argument("--table", nargs="+", required=True)
    distil.add_argument("--output", required=True)
    distil.add_argument("--turned", action="store_true",
                        help="with the sign of all values turned: a misleading prior")
    distil.add_argument("--source", required=True,
                        help="where the tables come from, kept in the file")
    return top


def main() -> int:
    if sys.argv[1:] and sys.argv[1] in OWN:
        return int(importlib.import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:]))
    return cli.main(parser().parse_args())


if __name__ == "__main__":
    sys.exit(guarded(main))
