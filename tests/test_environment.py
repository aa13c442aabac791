"""The places that are needed are looked at before anything is trained, one line each."""

import dataclasses
import math

import pytest

from paddle_transfer import environment
from paddle_transfer.cli import train
from paddle_transfer.environment import Machine, check_machine, preview_machine
from paddle_transfer.errors import SetupError
from paddle_transfer.executors import ray_cluster
from paddle_transfer.hardware import SharedMemory
from paddle_transfer.registry import Component
from paddle_transfer.report.preview import preview
from paddle_transfer.settings.groups import Devices
from tests.helpers.configs import base_config, write_search
from tests.helpers.tiny_search import tiny_settings

GOOD = Machine(free_bytes=lambda _: math.inf, shared_memory=lambda: SharedMemory(math.inf),
               home_fault=lambda: "", temp_folder=lambda: "/tmp", paddle_is_cpu_only=lambda: True)


def no_temp_folder():
    raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp']")


def machine(**changes):
    return dataclasses.replace(GOOD, **changes)


@pytest.fixture
def settings(tmp_path):
    return tiny_settings(str(tmp_path / "out"), workers=2)


def test_a_good_machine_is_not_spoken_of(settings):
    assert check_machine(settings, GOOD) == preview_machine(settings, GOOD) == settings


def test_all_that_is_lacking_is_told_at_once_a_line_each(settings):
    poor = machine(free_bytes=lambda _: 5 << 20, temp_folder=no_temp_folder)
    with pytest.raises(SetupError) as caught:
        check_machine(settings, poor)
    assert str(caught.value).splitlines() == [
        "no temporary folder can be written: No usable temporary directory found in ['/tmp', "
        "'/var/tmp']. Set TMPDIR to one that can",
        f"output_dir: {settings.output.output_dir} has room for 5 MB only. Make room, or choose "
        "another folder"]
    dry = preview_machine(settings, poor)
    assert len(dry.warnings) == 2
    assert "a real run stops here: no temporary folder" in preview(dry)


def test_an_executor_that_lacks_something(settings, monkeypatch):
    made = dataclasses.replace(settings, devices=Devices(executor=Component("ray")))
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match=r"executor: ray needs Ray, .* pip install 'ray>=2\.9'"):
        check_machine(made, GOOD)
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: object())
    assert check_machine(made, GOOD) == made


def test_a_paddle_for_cpus_trains_on_no_gpu(settings):
    made = dataclasses.replace(settings, devices=Devices(gpus=("2", "3")))
    with pytest.raises(SetupError) as caught:
        check_machine(made, GOOD)
    assert str(caught.value) == (
        "gpu:2: the Paddle that is installed is the one for CPUs. Install paddlepaddle-gpu, or "
        "train on the CPU: -o gpus=none")
    assert check_machine(made, machine(paddle_is_cpu_only=lambda: False)) == made


@pytest.mark.parametrize(("changes", "line"), [
    ({"free_bytes": lambda _: 300 << 20}, "out has room for 300 MB only; the weights of 3 trials "
     "are kept (keep_models)."),
    ({"home_fault": lambda: "/home/x: Permission denied"}, "The home folder cannot be written "
     "(/home/x: Permission denied); libraries that want to are given a temporary one."),
])
def test_what_a_search_can_do_without_is_one_remark(settings, changes, line):
    (note,) = check_machine(settings, machine(**changes)).notes
    assert note.endswith(line)
    assert preview_machine(settings, machine(**changes)).notes == (note,)


@pytest.mark.parametrize(("weights", "told"), [
    ("imagenet", True), ("https://host/a.pdparams", True), ("w.pdparams", False), ("none", False)])
def test_a_folder_for_weights_that_cannot_be_made_is_told_when_it_is_needed(
        settings, tmp_path, monkeypatch, weights, told):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "file"))
    base = {**base_config(tmp_path), "Transfer": {"pretrained": weights}}
    made = dataclasses.replace(settings, base=dataclasses.replace(settings.base, config=base),
                               search_space=dataclasses.replace(settings.search_space, keys=()))
    line = (f"the folder for pretrained weights, {tmp_path}/file/weights, cannot be made: "
            f"{tmp_path}/file is not a folder. PADDLE_TRANSFER_HOME sets another")
    assert preview_machine(made, GOOD).warnings == ((line,) if told else ())


def test_shared_memory_is_that_of_all_trials_that_run_at_once(settings, tmp_path):
    base = {**base_config(tmp_path), **settings.base.config, "Global": {"epochs": 3}}
    base["DataLoader"]["Train"]["loader"] = {"num_workers": 1}
    made = dataclasses.replace(settings, base=dataclasses.replace(settings.base, config=base))
    (note,) = check_machine(made, machine(shared_memory=lambda: SharedMemory(600e3))).notes
    assert note.startswith("use_shared_memory is False here: the data workers need about 4")
    assert "has only 293 KB for them" in note
    assert base["DataLoader"]["Train"]["loader"] == {"num_workers": 1}, "the base config stays"
    assert check_machine(made, machine(shared_memory=lambda: SharedMemory(2e6))).notes == ()
    base["DataLoader"]["Unlabeled"] = {**base["DataLoader"]["Train"], "sampler": {
        "name": "DistributedBatchSampler", "batch_size": 512}}
    assert len(check_machine(made, machine(shared_memory=lambda: SharedMemory(2e6))).notes) == 1


def test_the_commands_look_first(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    config = write_search(tmp_path).replace("search.yaml", "base.yaml")
    assert train.COMMAND.main(["-c", config, "-o", f"Global.output_dir={tmp_path}/file/out"]) == 2
    assert capsys.readouterr().err.splitlines()[1] == (
        f"  - Global.output_dir: must be a folder that can be written; found '{tmp_path}/file/out':"
        f" {tmp_path}/file is not a folder. Choose another, for example -o "
        "Global.output_dir=output/run.")
    monkeypatch.setattr(environment, "Machine", lambda: machine(temp_folder=no_temp_folder))
    assert train.COMMAND.main(["-c", config, "-o", f"Global.output_dir={tmp_path}/out"]) == 2
    assert capsys.readouterr().err.startswith("error: no temporary folder can be written: ")
