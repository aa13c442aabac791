"""The same promises on a Ray cluster of this machine, and what only several nodes can show."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.kill_rules import Search, broken, records_of
from paddle_transfer.api import run_search
from paddle_transfer.config.load import dump_yaml
from paddle_transfer.errors import DiskFull, SetupError
from paddle_transfer.executors.base import Ended, ExecutorContext
from paddle_transfer.executors.ray import RayExecutor
from paddle_transfer.executors.ray_host import Shared, leave_mark, look
from paddle_transfer.executors.ray_options import RayOptions
from paddle_transfer.executors.ray_ship import pack
from paddle_transfer.registry import Component
from tests.executors.test_local import MISBEHAVE, RUNNER, finish, gone, run, tiny_job
from tests.executors.test_worker_end import audit_line
from tests.helpers.digits import tiny_config
from tests.helpers.executor_suite import ExecutorSuite
from tests.helpers.fakes import FakeClock
from tests.helpers.tiny_runner import AUDIT
from tests.helpers.tiny_search import tiny_settings
from tools.digits import write_digits

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
cluster_utils = pytest.importorskip("ray.cluster_utils")

HOME = Path(__file__).parents[2]
MEMORY = 80_000_000
#: Ray notices within a second that a node is gone.
QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300,
         "health_check_failure_threshold": 3}


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with a CPU each. The paths of Ray's sockets are limited to 107 characters."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(
            prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        patch.setenv("PYTHONPATH", str(HOME))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv(AUDIT, f"{folder}/audit")
        made = cluster_utils.Cluster(initialize_head=True, connect=False, head_node_args={
            "num_cpus": 1, "num_gpus": 1, "object_store_memory": MEMORY,
            "include_dashboard": False, "_system_config": QUICK})
        made.audit = Path(folder) / "audit"
        made.add_node(num_cpus=1, object_store_memory=MEMORY)
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def audit(cluster):
    cluster.audit.write_text("")
    return cluster.audit


def ray_executor(folder, *, slots=1, trial_timeout=None, paths=(), clock=None, **options):
    context = ExecutorContext([f"cpu:{i}" for i in range(slots)], RUNNER, folder / "logs",
                              trial_timeout=trial_timeout, paths=paths)
    return RayExecutor(context, RayOptions(**options), **({"clock": clock} if clock else {}))


@pytest.fixture
def make(audit, tmp_path):  # noqa: ARG001
    """Makes executors that are closed after the test."""
    made = []

    def one(**options):
        made.append(ray_executor(tmp_path, **options))
        return made[-1]

    yield one
    for executor in made:
        executor.close()


@pytest.mark.usefixtures("cluster")
class TestRayExecutor(ExecutorSuite):
    def make(self, folder, *, slots):
        return ray_executor(folder, slots=slots)

    def job(self, folder, number, *, does="complete", attempt=1, epochs=3):
        pause = 0.002 if epochs > 3 else 0  # time for a stop to arrive
        return tiny_job(folder, number, attempt=attempt, epochs=epochs, misbehave=MISBEHAVE[does],
                        pause=pause)

    def test_more_slots_than_the_cluster_holds_all_get_their_turn(self, tmp_path, make, capsys):
        executor = make(slots=3, gpus_per_trial=1, cpus_per_trial=0)
        assert ("workers is 3, but the Ray cluster holds 1 trials at once now (each asks for 1 "
                "GPU)") in capsys.readouterr().err
        events = self.run(executor, [self.job(tmp_path, number) for number in range(5)])
        assert [one.verdict for one in events if isinstance(one, Ended)] == ["complete"] * 5

    def test_two_trials_share_a_gpu(self, tmp_path, make):
        executor = make(slots=2, gpus_per_trial=0.5, cpus_per_trial=0)
        self.run(executor, [self.job(tmp_path, number) for number in range(2)])
        for _ in range(120):  # the second may have run in the first one's place
            if all(slot.placed for slot in executor._slots):
                break
            executor.poll(0.5)
        assert {slot.placed.place.device for slot in executor._slots} == {"gpu:0"}


def test_a_trial_that_takes_too_long_is_ended(tmp_path, make):
    executor = make(trial_timeout=0.5)
    assert run(executor, tiny_job(tmp_path, 0, misbehave="hang")).verdict == "timeout"
    assert run(executor, tiny_job(tmp_path, 1)).verdict == "complete"


@pytest.mark.parametrize(("how", "kind", "text"), [
    ("setup", SetupError, r"node \S+: Paddle is not installed\. pip install paddlepaddle$"),
    ("disk_full", DiskFull, r"^node \S+: the worker on cpu:0: .* No space left on device: disk "
     r"full\. Nothing that was finished is lost; make room and give the same command again$")])
def test_what_no_trial_can_do_without_ends_the_search(tmp_path, make, how, kind, text):
    executor = make()
    executor.submit(tiny_job(tmp_path, 0, misbehave=how))
    with pytest.raises(kind, match=text):
        finish(executor)


def test_a_file_that_a_node_does_not_see_is_told_before_the_first_trial(tmp_path, make):
    with pytest.raises(SetupError, match=re.escape(f"does not see {tmp_path}/no/list.txt. Every "
                                                   "node needs it under the same path")):
        make(paths=[f"{tmp_path}/no/list.txt"])


def test_a_folder_that_no_node_has_is_sent_before_the_first_trial(tmp_path, make):
    """Both nodes of this cluster have one file system; so the folder goes when it was packed."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"one")
    [shipment] = pack([str(folder)], ray.put)
    folder.rename(tmp_path / "elsewhere")
    place = ray.get(ray.remote(look).remote(Shared(
        str(tmp_path), [str(folder / "1.jpg")], "out/logs/.ray", "", {}, [shipment])))
    assert "does not see the search's folder" in place.fault, "the next that it lacks"
    assert (folder / "1.jpg").read_bytes() == b"one"
    executor = make(ship=[str(folder)], paths=[str(folder / "1.jpg")])
    assert run(executor, tiny_job(tmp_path, 0)).verdict == "complete"


def test_resources_that_no_node_has_are_waited_for_until_it_is_late(tmp_path, make, capsys):
    clock = FakeClock()
    executor = make(clock=clock, resources={"disk": 2}, startup_timeout=60)
    assert "holds 0 trials at once now (each asks for 1 CPU, 2 disk)" in capsys.readouterr().err
    executor.submit(tiny_job(tmp_path, 0))
    assert executor.poll(0) == []
    clock.advance(61)
    with pytest.raises(SetupError, match="placed no trial after 60 s"):
        executor.poll(0)


def test_the_death_of_an_actor_ends_its_worker_and_is_told(tmp_path, make, audit):
    executor = make()
    executor.submit(tiny_job(tmp_path, 0, misbehave="hang"))
    while not audit.read_text():
        executor.poll(0.1)
    ray.kill(executor._slots[0].placed.handle)
    ended = finish(executor)
    assert ended.verdict == "killed"
    assert "Ray's process there, died (ActorDiedError)" in ended.message
    assert "trial 0 begins" in ended.log_tail
    assert gone(int(audit_line(audit, "began").split()[-1]))
    leave_mark(tmp_path / "logs" / ".ray", executor._shared.token)  # no worker holds it
    assert run(executor, tiny_job(tmp_path, 0, attempt=2)).verdict == "complete"
    with pytest.raises(SetupError, match="workers of an earlier search still run"):
        leave_mark(tmp_path / "logs" / ".ray", "of another", patience=0.2)


def test_a_result_counts_although_its_actor_died(tmp_path, make, audit):
    executor = make()
    executor.submit(tiny_job(tmp_path, 0, misbehave="hang"))
    while not audit.read_text():
        executor.poll(0.1)
    result = {"number": 0, "attempt": 1, "verdict": "complete", "value": 0.5, "curve": [[1, 0.5]]}
    (tmp_path / "0000" / "result.json").write_text(json.dumps(result))
    ray.kill(executor._slots[0].placed.handle)
    assert finish(executor).result == result


# --- whole searches -------------------------------------------------------------------------------

class Results:
    """What became of every trial."""

    def search_ended(self, records, _reason):
        self.rows = [(one.number, str(one.state), one.point, one.value, one.seed, one.curve)
                     for one in records]
        self.attempts = [one.attempts for one in records]


def search(folder, *callbacks, **options):
    results = Results()
    assert run_search(tiny_settings(str(folder), workers=1, **options), runner=RUNNER,
                      callbacks=[results, *callbacks]) == 0
    return results


@pytest.fixture(scope="module")
def local_rows(tmp_path_factory):
    return search(tmp_path_factory.mktemp("local")).rows


class KillNode:
    """Kills the node on which a trial hangs: the one whose ``place`` is taken."""

    def __init__(self, cluster, nodes):
        self.cluster, self.nodes = cluster, nodes

    def epoch_reported(self, record, report):
        if record.number == 1 and (report.attempt, report.epoch) == (1, 1):
            free = ray._private.state.available_resources_per_node()
            (node,) = (one for one in self.nodes if not free[one.node_id].get("place"))
            self.nodes.remove(node)
            self.cluster.remove_node(node, allow_graceful=False)


def test_a_trial_whose_node_dies_is_trained_elsewhere(tmp_path, cluster, local_rows):
    nodes = [cluster.add_node(num_cpus=1, resources={"place": 1}, object_store_memory=MEMORY)
             for _ in range(2)]
    results = search(tmp_path / "out", KillNode(cluster, nodes), tiny={"hang_in": 1},
                     executor=Component("ray", {"resources": {"place": 1}}))
    assert len(nodes) == 1
    assert results.attempts == [1, 2, 1, 1, 1, 1]
    assert results.rows == local_rows
    cluster.remove_node(nodes[0])


def test_a_search_that_is_killed_leaves_no_process_and_goes_on(tmp_path, cluster, audit,
                                                               local_rows):
    options = {"workers": 1, "tiny": {"hang_in": 2}}
    ray_options = {"name": "ray", "address": cluster.address}
    command = [sys.executable, "-m", "tests.helpers.tiny_search", str(tmp_path / "out"),
               json.dumps({**options, "executor": ray_options})]
    with open(tmp_path / "output", "w") as output, subprocess.Popen(
            command, cwd=HOME, stdout=output, stderr=output) as killed:
        worker = audit_line(audit, "began 2 ").split()[-1]
        audit_line(audit, "epoch 2 1")
        killed.kill()
    assert gone(int(worker))
    results = search(tmp_path / "out", tiny=options["tiny"], executor=Component("ray"))
    assert results.attempts == [1, 1, 2, 1, 1, 1]
    assert results.rows == local_rows
    begun = [line.split()[1] for line in audit.read_text().splitlines()
             if line.startswith("began")]
    assert begun == ["0", "1", "2", "2", "3", "4", "5"]


# --- real trainings -------------------------------------------------------------------------------

def real_search(folder, output, **executor):
    """A search of four tiny trainings, two at once."""
    file = folder / f"{output}.yaml"
    dump_yaml({"base_config_file": str(folder / "base.yaml"), "output_dir": str(folder / output),
               "search_mode": "grid", "workers": 2, "checkpoint_every": 0, "executor": executor,
               "search_dict": [
                   {"search_key": "lr", "search_values": [0.05, 0.01]},
                   {"search_key": "label_smoothing", "search_values": [False, True]}]}, str(file))
    return Search(file, folder / output)


def test_real_trainings_whose_worker_node_and_search_die_end_as_undisturbed_ones_on_one_machine(
        tmp_path, cluster, monkeypatch):
    kills = {0: "worker", 1: "node", 3: "search"}
    write_digits(tmp_path / "data", classes=(0, 1), per_class_train=8, per_class_val=10)
    dump_yaml(tiny_config(str(tmp_path / "data"), "output", Global__epochs=3,
                          Metric__Eval=[{"TopkAcc": {"topk": [1]}}], Infer__PostProcess__topk=1),
              str(tmp_path / "base.yaml"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    undisturbed = real_search(tmp_path, "undisturbed", name="local")
    assert run_search(undisturbed.settings) == 0
    nodes = [cluster.add_node(num_cpus=1, resources={"place": 1}, object_store_memory=MEMORY)
             for _ in range(2)]
    killed = real_search(tmp_path, "killed", name="ray", address=cluster.address,
                         resources={"place": 1})
    ended = subprocess.run([sys.executable, "-m", "tests.helpers.killed_search", str(killed.file),
                            json.dumps(kills)], cwd=HOME, capture_output=True, text=True,
                           check=False, timeout=400)
    assert ended.returncode == -signal.SIGKILL, ended.stdout[-2000:] + ended.stderr[-2000:]
    killed.note_finished()
    assert {0, 1} <= killed.finished.keys() < {0, 1, 2, 3}
    assert run_search(killed.settings) == 0
    assert broken(killed, undisturbed) == []
    records = records_of(killed)
    assert [records[number].info["resumed"] for number in kills] == [[1]] * len(kills)
    assert [one["verdict"] for number in (0, 1) for one in records[number].info["tries"]] == [
        "killed", "killed"]
    for node in nodes:
        cluster.remove_node(node, allow_graceful=False)
