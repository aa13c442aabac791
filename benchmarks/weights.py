"""How long loading takes, strict and safe against Paddle's own ``paddle.load`` plus
``set_state_dict``."""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paddle_transfer.cli.parser import OptionParser

#: The ratio that must not be passed (issue 4).
LIMIT = 1.5


def measure(model, path: Path, *, repeats: int = 9) -> dict[str, Any]:
    """Seconds of both ways of loading ``path`` into ``model``, taken in turn so that both see the
    same machine.

    :returns: ``ours`` and ``paddle`` (medians of ``repeats``), ``ratio``, ``numbers`` (in the
        network)
    """
    import paddle

    from paddle_transfer.worker.load_weights import load_file

    def theirs() -> None:
        model.set_state_dict(paddle.load(str(path)))

    def ours() -> None:
        load_file(model, path)

    for way in (ours, theirs):  # the first time of each also imports
        way()
    times: dict[str, list[float]] = {"ours": [], "paddle": []}
    for i in range(repeats):
        for name, way in (("ours", ours), ("paddle", theirs))[::1 if i % 2 else -1]:
            times[name].append(_seconds(way))
    ours_median, paddle_median = (statistics.median(times[name]) for name in ("ours", "paddle"))
    return {
        "ours": ours_median, "paddle": paddle_median, "ratio": ours_median / paddle_median,
        "repeats": repeats, "numbers": int(sum(value.size for value in model.state_dict().values()))
    }


def _seconds(way: Callable[[], None]) -> float:
    gc.collect()
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arch", default="ResNet50_vd",
                        help="a network of PaddleClas (default: ResNet50_vd)")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--paddleclas", help="a PaddleClas checkout (default: as for training)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments) -> int:
    """0 when loading takes at most ``LIMIT`` times Paddle's own, else 1."""
    from paddle_transfer.worker.bootstrap import import_with_ppcls
    from paddle_transfer.worker.locate import locate

    build_network = import_with_ppcls("networks", locate(arguments.paddleclas)).build_network
    import paddle

    model = build_network({"Arch": {"name": arguments.arch, "class_num": 1000}})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pdparams"
        paddle.save(model.state_dict(), str(path))
        result = {
            "arch": arguments.arch,
            **measure(model, path, repeats=arguments.repeats), "limit": LIMIT
        }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{arguments.arch}, {result['numbers'] / 1e6:.1f} M numbers: "
            f"ours {1000 * result['ours']:.0f} ms, "
            f"paddle.load + set_state_dict {1000 * result['paddle']:.0f} ms: "
            f"{result['ratio']:.2f} times (limit {LIMIT})")
    return 0 if result["ratio"] <= LIMIT else 1


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(description=__doc__)
    _arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
