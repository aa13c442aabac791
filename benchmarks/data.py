"""How fast data is checked: 20,000 small images with one process, with two, and a second time
unchanged; and how fast a search knows unchanged data again."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from paddle_transfer.checks.listfile import write_list
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml

CLASSES = 20
_CHECK = """
import json, resource, sys, time
from pathlib import Path
from paddle_transfer.config.load import load_yaml
from paddle_transfer.checks.checker import check_config
began = time.perf_counter()
report = check_config(load_yaml(sys.argv[1]), processes=int(sys.argv[2]),
                      cache_folder=Path(sys.argv[3]))
print(json.dumps({"check": time.perf_counter() - began,
                  "scanned": report.scanned, "cached": report.cached,
                  "errors": len(report.errors), "warnings": len(report.warnings),
                  "cpu": [sum(resource.getrusage(who)[:2])
                          for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]}))
"""

_IDENTIFY = """
import json, sys, time
from pathlib import Path
from paddle_transfer.config.load import load_yaml
from paddle_transfer.checks.fingerprints import fingerprint_list
began = time.perf_counter()
sections = load_yaml(sys.argv[1])["DataLoader"].values()
lists = [fingerprint_list(section["dataset"], section["dataset"]["cls_label_path"], in_order=True,
                          cache_folder=Path(sys.argv[2])) for section in sections]
hashed = sum(not row.startswith(b"-") for one in lists for row in one.rows.splitlines())
print(json.dumps({"identify": time.perf_counter() - began, "images": hashed}))
"""


def make(folder: Path, *, images: int, side: int) -> Path:
    """``images`` JPEG files of ``side`` px, each another picture, in three lists; returns the
    config's file."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    entries = []
    for i in range(images):
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        # fine texture, so that a file is about as large as a photograph of this size
        picture = np.clip(picture + rng.integers(-12, 13, picture.shape, dtype=np.int16), 0,
                          255).astype(np.uint8)
        path = folder / "images" / f"{i // 1000:03d}" / f"{i:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
        entries.append((path.relative_to(folder).as_posix(), i % CLASSES))
    cuts = {"train": entries[:images * 7 // 10], "val": entries[images * 7 // 10:images * 8 // 10],
            "test": entries[images * 8 // 10:]}
    loader = {}
    for section, split in (("Train", "train"), ("Eval", "val"), ("Test", "test")):
        write_list(folder / f"{split}_list.txt", cuts[split])
        loader[section] = {"dataset": {"name": "ImageNetDataset", "image_root": str(folder),
                                       "cls_label_path": str(folder / f"{split}_list.txt")}}
    config = folder / "config.yaml"
    dump_yaml({"Arch": {"name": "ResNet18", "class_num": CLASSES}, "DataLoader": loader},
              str(config))
    return config


def check(config: Path, *, processes: int, cache: Path) -> dict:
    """One check in a fresh Python: seconds. ``wall`` is with starting it, ``check`` without;
    ``cpu`` is the processor time of this Python, its start included, and of the processes that it
    started."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _CHECK,
         str(config), str(processes),
         str(cache)], capture_output=True, text=True, check=True)
    return {"processes": processes, "wall": time.perf_counter() - began, **json.loads(done.stdout)}


def identify(config: Path, *, cache: Path) -> dict:
    """The lists and images of a config by content, in a fresh Python: seconds, as of ``check``."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _IDENTIFY, str(config), str(cache)],
                          capture_output=True, text=True, check=True)
    return {"wall": time.perf_counter() - began, **json.loads(done.stdout)}


def main(argv=None) -> int:
    parser = OptionParser(prog="benchmark.py data", description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=128, help="px (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3,
                        help="the fastest of these counts (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = make(folder, images=arguments.images, side=arguments.side)
        best: dict[int, dict] = {}
        cpu: dict[int, list[float]] = {}
        for repeat in range(
                arguments.repeats):  # in turns, so that a busy spell of the machine hits both
            for processes in (1, 2):
                run = check(config, processes=processes,
                            cache=folder / f"cache-{repeat}-{processes}")
                if processes not in best or run["wall"] < best[processes]["wall"]:
                    best[processes] = run
                cpu[processes] = min(cpu.get(processes, run["cpu"]), run["cpu"], key=sum)
        again = min((check(config, processes=2, cache=folder / "cache-0-2")
                     for _ in range(arguments.repeats)), key=lambda run: run["wall"])
        known = min((identify(config, cache=folder / "cache-0-2")
                     for _ in range(arguments.repeats)), key=lambda run: run["wall"])
        unknown = identify(config, cache=folder / "cache-none")
    assert again["cached"] == arguments.images, again
    assert not again["errors"], again
    assert known["images"] == unknown["images"] == arguments.images, (known, unknown)
    result = {
        "images": arguments.images, "side": arguments.side, "one": best[1], "two": best[2],
        "again": again, "known": known, "unknown": unknown,
        "speedup": best[1]["wall"] / best[2]["wall"], "cpu": cpu,
        "serial": cpu[2][0] / sum(cpu[1])
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print(
            f"{arguments.images} images of {arguments.side} px: "
            f"one process {best[1]['wall']:.2f} s, two {best[2]['wall']:.2f} s "
            f"({result['speedup']:.2f} times as fast), unchanged {again['wall']:.2f} s"
        )
        print(
            f"processor time: one process {sum(cpu[1]):.2f} s; two, {cpu[2][1]:.2f} s and "
            f"{cpu[2][0]:.2f} s in the one that hands out and gathers: "
            f"at most {100 * result['serial']:.0f} % of the work is serial"
        )
        print(
            f"identity of a search's data: unchanged {known['wall']:.2f} s "
            f"({known['identify']:.2f} s without the start of Python), never seen "
            f"{unknown['wall']:.2f} s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
