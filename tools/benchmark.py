"""Evidence: replay searches on recorded full grids, and make the shipped prior of such tables.

python tools/benchmark.py COMMAND:

    replay --table FILE... [--method bayes ...] [--repeats 50] [--trials 20] [--json]
    means FILE...                       what replay prints last, of several replays' --json
    distil --table FILE... --output paddle_transfer/samplers/gp/prior.json --source TEXT
    fit-prior --table FILE...           what a search believes before it has results, fitted
    nine_keys TASK...                   nine hyperparameters in 20 trainings against four, live
    record TASK...                      record a table with the product, as in benchmarks/tables/
    miniature [TASK...] --output FOLDER tables of tiny numpy networks, for development
    data [--images 20000]               check images with one process and with two
    strategies --weights FILE --source DIR   the ways to transfer, side by side
    joint --weights FILE --source DIR        strategy and settings searched together
    domains --weights FILE --source DIR      adaptation without labels, two lists trained together
    task_features TASK...               what a search can know before its first trial, recorded
    rate_sweep TASK...                  a task trained once at every learning rate of its grid
    range_test                          how well range tests tell the best rates of tasks
    curves --records DIR                pruners on public records of learning curves
    soup --source DIR --weights FILE --output DIR   a greedy soup beside the best single trial
    pictures                            the pictures of the docs, of the recorded tables
    weights [--arch ResNet50_vd]        load weights, beside Paddle's own loading
    features --source DIR --weights FILE  search classifiers on features, beside whole trainings
    faults [--seeds 200]                searches in which much goes wrong, in virtual time
    ratio --paddleclas CHECKOUT         a search against bare runs of tools/train.py
    kills [--kills 60]                  real searches that are killed and begun again
    driver [--trials N ...] [--workers W ...] [--simulate]   what a search costs beside trainings
"""

from __future__ import annotations

import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from benchmarks import cli
from benchmarks.options import parser
from paddle_transfer.cli.command import guarded

#: Commands that read their own options.
OWN = ("data", "record", "miniature", "weights", "strategies", "joint", "features", "domains",
       "driver", "fit-prior", "nine_keys", "task_features", "rate_sweep", "range_test", "curves",
       "soup", "faults", "pictures", "ratio", "kills")


def main() -> int:
    if sys.argv[1:] and sys.argv[1] in OWN:
        name = sys.argv[1].replace("-", "_")
        return int(importlib.import_module(f"benchmarks.{name}").main(sys.argv[2:]))
    return cli.main(parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(guarded(main))
