"""The options of ``tools/benchmark.py`` for what it does with recorded tables."""

from __future__ import annotations

import argparse

from paddle_transfer.cli.parser import OptionParser


def parser(text: str = "") -> argparse.ArgumentParser:
    """The parser; ``text``: of the tool, its first line is shown."""
    top = OptionParser(description=text.split("\n")[0])
    commands = top.add_subparsers(dest="command", required=True)
    replay = commands.add_parser("replay", help="replay searches on recorded tables")
    replay.add_argument("--table", nargs="+", required=True, help="recorded grids (.csv, .csv.gz)")
    replay.add_argument("--method", nargs="+", default=[],
                        help="default: all but gp_optuna, botorch and hebo, which need a package, "
                        "and bayes_range, which needs a range test of the task")
    replay.add_argument("--repeats", type=int, default=50)
    replay.add_argument("--trials", type=int, default=20)
    replay.add_argument("--fixed", help="k=v,...: the point tried first; default: the published "
                        "one; 'none': no such")
    replay.add_argument("--workers", type=int, nargs="+", default=[1],
                        help="trials at once; each of several numbers is replayed")
    replay.add_argument("--acquisition", default="kg")
    replay.add_argument("--prior", help="a prior file for bayes_prior instead of the shipped one")
    replay.add_argument(
        "--leave-one-out", action="store_true",
        help="ours learn from those of the tables given that share neither weights nor data with "
        "the one that is searched, instead of from what ships")
    replay.add_argument("--plot", metavar="FOLDER", help="write a picture of regrets per table")
    replay.add_argument("--json", action="store_true", help="one JSON object per table and method")
    means = commands.add_parser("means", help="means over tables, verdicts and costs")
    means.add_argument("file", nargs="+", help="what replay --json printed")
    distil = commands.add_parser("distil", help="make a prior of recorded tables")
    distil.add_argument("--table", nargs="+", required=True)
    distil.add_argument("--output", required=True)
    distil.add_argument("--turned", action="store_true",
                        help="with the sign of all values turned: a misleading prior")
    distil.add_argument("--source", required=True,
                        help="where the tables come from, kept in the file")
    return top
