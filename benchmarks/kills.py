"""Real searches that are killed again and again: nothing is lost, nothing is trained twice.

    python tools/benchmark.py kills --kills 60

Searches of tiny real trainings that save a checkpoint after every epoch. SIGKILL, at moments drawn
from ``--seed``, ends the search (``parent``), one of its processes (``worker``), both at once
(``all``, as when a machine fails), or on a Ray cluster of two nodes a node (``node``). The same
command begins it again, at once or when nothing of it runs any more. A line for each kill, then
what the rules say (``kill_rules.py``); exit code 1 when one is broken.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.driver import CONFIG
from benchmarks.kill_rules import Search, broken, records_of
from paddle_transfer.cli.parser import OptionParser
from paddle_transfer.config.load import dump_yaml, load_yaml
from tools.digits import write_digits

EPOCHS = 4
#: So many trials of a round of kills: its search may not end before the last kill.
VALUES = {"lr": [0.1, 0.03, 0.01, 0.003], "label_smoothing": [False, True], "mixup": [False, True]}
#: Seconds for anything to happen at all.
LIMIT = 300.0
#: Begins with PADDLE, so that workers on other nodes get it, too.
MARK = "PADDLE_TRANSFER_KILLS"
_TOOL = Path(__file__).parent.parent / "tools/search.py"
_QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300,
          "health_check_failure_threshold": 3}


def write_search(folder: Path) -> Path:
    """The search file of a grid of tiny trainings on digits, with its data, in ``folder``."""
    write_digits(folder / "data", classes=(0, 1), per_class_train=8, per_class_val=10, size=32)
    config = load_yaml(str(CONFIG))
    config["Global"].update(pretrained_model=None, epochs=EPOCHS, eval_interval=1)
    config["Arch"] = {"name": "PPLCNet_x0_25", "class_num": 2}
    for part, split in (("Train", "train"), ("Eval", "val")):
        config["DataLoader"][part]["dataset"].update(
            image_root=str(folder / "data"),
            cls_label_path=str(folder / "data" / f"{split}_list.txt"))
        config["DataLoader"][part]["sampler"]["batch_size"] = 8
    config["Metric"] = {"Eval": [{"TopkAcc": {"topk": [1]}}]}
    config.pop("Infer", None)
    dump_yaml(config, str(folder / "base.yaml"))
    file = folder / "search.yaml"
    dump_yaml({"base_config_file": str(folder / "base.yaml"), "output_dir": "unused",
               "search_mode": "grid", "workers": 2, "checkpoint_every": 0, "search_dict": [
                   {"search_key": name, "search_values": values}
                   for name, values in VALUES.items()]}, str(file))
    return file


class Process:
    """The command of a search in ``output_dir``, and all processes that it has begun."""

    def __init__(self, search: Search, *options: str):
        self.search, self._options = search, options
        self._mark = f"{MARK}={search.output_dir}"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = Path(f"{search.output_dir}.log")

    def start(self) -> None:
        name, _, value = self._mark.partition("=")
        command = [sys.executable, str(_TOOL), "-c", str(self.search.file)]
        for option in (f"output_dir={self.search.output_dir}", *self._options):
            command += ["-o", option]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={
                **os.environ, name: value, "OMP_NUM_THREADS": "1"})

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait(self) -> int:
        assert self.process is not None, "it was started"
        return self.process.wait(LIMIT)

    def others(self) -> list[int]:
        """Its workers and their children: what carries its mark, but for itself and Ray's."""
        found, mark = [], self._mark.encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                own = self.process is not None and int(process.name) == self.process.pid
                if not own and mark in (process / "environ").read_bytes().split(b"\0") and (
                        b"ray::" not in (process / "cmdline").read_bytes()):
                    found.append(int(process.name))
        return found

    def wait_for_orphans(self) -> list[int]:
        """Those that still run after half a minute without their parent."""
        until = time.monotonic() + 30
        while (left := self.others()) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def wait_for_progress(self, lines: int) -> None:
        """Until its trials have logged so many more lines, or it has ended."""
        wanted, until = self.search.progress() + lines, time.monotonic() + LIMIT
        while self.alive and self.search.progress() < wanted:
            assert time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.01)


class Nodes:
    """A Ray cluster on this machine: a head without room for trials, and two nodes."""

    def __init__(self, stack: ExitStack):
        from ray.cluster_utils import Cluster
        folder = stack.enter_context(tempfile.TemporaryDirectory(  # paths of sockets are short
            prefix="r", dir="/tmp", ignore_cleanup_errors=True))
        os.environ.update(RAY_TMPDIR=folder, RAY_USAGE_STATS_ENABLED="0")
        self._cluster = Cluster(initialize_head=True, connect=False, head_node_args={
            **self._size(0), "_system_config": _QUICK})
        stack.callback(self._cluster.shutdown)
        self._nodes: list[Any] = [self._cluster.add_node(**self._size(1)) for _ in range(2)]
        self.options = ("executor.name=ray", f"executor.address={self._cluster.address}")

    @staticmethod
    def _size(cpus: int) -> dict[str, Any]:
        return {"num_cpus": cpus, "object_store_memory": 80_000_000, "include_dashboard": False}

    def kill(self, rng: random.Random) -> None:
        """Kill one, and put another in its place."""
        node = self._nodes.pop(rng.randrange(len(self._nodes)))
        self._cluster.remove_node(node, allow_graceful=False)
        self._nodes.append(self._cluster.add_node(**self._size(1)))


def kill(process: Process, what: str, nodes: Nodes | None, rng: random.Random) -> bool:
    """Whether there was anything to kill."""
    assert process.process is not None, "it was started"
    if what == "node":
        assert nodes is not None, "only a cluster has some"
        nodes.kill(rng)
        return True
    workers = process.others()
    victims = {"parent": [process.process.pid], "worker": workers and [rng.choice(workers)],
               "all": [process.process.pid, *workers]}[what]
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    if what != "worker":
        process.wait()
    return bool(victims)


def one_round(process: Process, kinds: Sequence[str], count: int, nodes: Nodes | None,
              rng: random.Random) -> Counter[str]:
    """Kill the search up to ``count`` times, until it has come to its end; the kills by kind."""
    done, in_a_row = Counter[str](), 0
    while sum(done.values()) < count:
        if not process.alive:
            process.start()
            in_a_row = 0
        process.wait_for_progress(rng.choice([0, 1, 2, 3, 4, 6]))
        time.sleep(rng.uniform(0, 4 if rng.random() < 0.15 else 0.3))
        if not process.alive:
            break
        # three kills of one trial by one driver are forgiven, a fourth is not
        what = rng.choice([kind for kind in kinds if in_a_row < 3 or kind in ("parent", "all")])
        if not kill(process, what, nodes, rng):
            continue
        in_a_row += what in ("worker", "node")
        done[what] += 1
        began, waits = time.monotonic(), what != "worker" and rng.random() < 0.5
        if waits and what != "node":
            left = process.wait_for_orphans()
            assert not left, f"still there after half a minute: {left}"
        process.search.note_finished()
        print(f"  kill {sum(done.values())}: {what}, {process.search.progress()} lines, "
              f"{len(process.search.finished)} trials finished"
              + (f", alone after {time.monotonic() - began:.1f} s" if waits else ""), flush=True)
    if process.process is None or process.alive or process.process.returncode != 0:
        if not process.alive:
            process.start()
        assert process.wait() == 0, process.log.read_text()[-3000:]
    return done


def main(argv: Sequence[str] | None = None) -> int:
    parser = OptionParser(prog="benchmark.py kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="in all (default: %(default)s)")
    parser.add_argument("--nodes", type=int, default=20,
                        help="of these on a Ray cluster (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    rng, total, failures = random.Random(arguments.seed), Counter[str](), 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        root, cluster = Path(name), None
        file = write_search(root)
        whole = Process(Search(file, root / "undisturbed"))
        whole.start()
        assert whole.wait() == 0, whole.log.read_text()[-3000:]
        while sum(total.values()) < arguments.kills:
            on_ray = sum(total.values()) >= arguments.kills - arguments.nodes
            if on_ray and cluster is None:
                cluster = Nodes(stack)
            nodes = cluster if on_ray else None
            process = Process(Search(file, root / f"round{sum(total.values())}"),
                              *(nodes.options if nodes else ()))
            left = arguments.kills - sum(total.values()) - arguments.nodes * (not on_ray)
            kinds = ("parent", "worker", "node", "node") if on_ray else ("parent", "worker", "all")
            print("on a Ray cluster" if on_ray else "on this machine", flush=True)
            total += one_round(process, kinds, left, nodes, rng)
            found = broken(process.search, whole.search)
            found += [f"process {one} still runs" for one in process.wait_for_orphans()]
            failures += len(found)
            print(*(f"  BROKEN {one}" for one in found), f"  {describe(process.search)}", sep="\n",
                  flush=True)
    kinds_text = ", ".join(f"{count} {kind}" for kind, count in total.most_common())
    print(f"{sum(total.values())} kills ({kinds_text}), {failures} rules broken, "
          f"{time.monotonic() - began:.0f} s")
    return int(failures > 0)


def describe(search: Search) -> str:
    """What the kills of a round did."""
    records = records_of(search)
    attempts = sum(record.attempts for record in records)
    return (f"{len(records)} trials in {attempts} attempts, {search.resumed()} of which went on "
            f"from a checkpoint; {search.trained()} epochs trained for {len(records) * EPOCHS}")
