"""Where trials run: what the search file says, else what the base config asks for."""

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.settings import devices
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from paddle_transfer.study.records import Proposal
from tests.helpers.configs import PUBLISHED_FIXED, base_config, write_search

POINT = PUBLISHED_FIXED


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Reads a search on a machine with GPUs."""
    def read(device, *overrides, present=("0", "1"), **fields):
        monkeypatch.setattr(devices, "find_gpus", lambda: list(present))
        base = base_config(tmp_path)
        base["Global"]["device"] = device
        return load_search_file(write_search(tmp_path, base=base, **fields), overrides)
    return read


@pytest.mark.parametrize(("present", "each"), [
    (("0", "1"), "the GPUs 0, 1, one on each"), (("3", ), "GPU 3")])
def test_a_base_config_for_the_gpu_is_searched_on_the_gpus_that_are_there(load, present, each):
    settings = load("gpu", present=present)
    assert settings.devices.gpus == present
    assert settings.notes == (f"Global.device is gpu: trials run on {each}. -o gpus={present[0]} "
                              "chooses, -o gpus=none trains on the CPU.",)
    again = SearchSettings.from_dict(settings.to_dict())
    assert again.devices.gpus == present


@pytest.mark.parametrize(("overrides", "fields"), [
    (["gpus=none"], {}), (["gpus="], {}), (["gpus=None"], {}), ([], {"workers": 1}),
    ([], {"gpus": None}), ([], {"gpus": []}), ([], {"gpus": ""})])
def test_unless_the_search_file_says_otherwise(load, overrides, fields):
    settings = load("gpu", *overrides, **fields)
    assert settings.devices.slots == ("cpu:0",)
    assert settings.notes == ("Trials run on the CPU. GPUs are there: -o gpus=0,1 uses them.",)
    assert SearchSettings.from_dict(settings.to_dict()).devices.gpus == ()


def test_a_gpu_that_is_named_is_the_only_one(load):
    assert load("gpu", "gpus=1").devices.gpus == ("1",)
    assert load("cpu", "gpus=1").devices.gpus == ("1",)


def test_a_base_config_for_the_cpu_stays_there(load):
    assert load("cpu").devices.slots == ("cpu:0",)
    assert load("gpu", "Global.device=cpu").devices.slots == ("cpu:0",)


def test_where_there_is_no_gpu_the_cpu_is_used_and_one_line_says_so(load):
    settings = load("gpu", present=())
    assert settings.devices.slots == ("cpu:0",)
    (note,) = settings.notes
    assert note == "Global.device is gpu, but no GPU is visible: trials run on the CPU."


@pytest.mark.parametrize("device", ["npu", "xpu", "mlu:0"])
def test_other_devices_are_told_to_be_left_for_the_cpu(load, device):
    kind = device.partition(":")[0]
    assert load(device, present=()).notes == (
        f"Global.device is {kind}, but a search trains on NVIDIA GPUs and CPUs only: trials run "
        "on the CPU.",)


@pytest.mark.parametrize(("device", "hint"), [("cuda", "For CUDA write gpu."),
                                              ("gpuu", "Did you mean 'gpu'?"), (0, "Known: cpu, ")])
def test_a_device_that_there_is_not_is_a_mistake(load, device, hint):
    with pytest.raises(ConfigError) as caught:
        load(device)
    assert "Global.device: must be a device that PaddleClas knows" in str(caught.value)
    assert hint in str(caught.value)


# --- an executor that finds the devices itself ----------------------------------------------------

def test_ray_takes_workers_and_asks_for_gpus_itself(load):
    ray = {"name": "ray", "gpus_per_trial": 0.5, "resources": {"disk": 1}}
    settings = load("gpu", executor=ray, workers=500, present=())
    assert (settings.devices.kind, len(settings.devices.slots)) == ("gpu", 500)
    assert settings.notes == ()
    again = SearchSettings.from_dict(settings.to_dict())
    assert again.devices == settings.devices


def test_ray_without_gpus_is_the_cpu_and_one_line_says_so(load):
    settings = load("gpu", "executor=ray")
    assert settings.devices.kind == "cpu"
    assert settings.notes == (
        "Global.device is gpu, but the executor is asked for none: trials run on the CPU. "
        "executor: {name: ray, gpus_per_trial: 1} asks.",)
    assert load("cpu", "executor=ray").notes == ()


@pytest.mark.parametrize(("changes", "text"), [
    ({"gpus_per_trial": 2}, "gpus_per_trial: must be a number from 0 to 1; found 2 (an integer). A "
     "trial trains on one GPU; 0.5 puts two"),
    ({"cpus_per_trial": -1}, "cpus_per_trial: must be a number from 0; found -1"),
    ({"resources": {"GPU": 1}}, "resources: must be a mapping of Ray's custom resources to numbers "
     "above 0; found {'GPU': 1} (a mapping). For example {big_disk: 1}; CPU and GPU are cpus_per"),
    ({"resources": {"disk": 0}}, "to numbers above 0; found {'disk': 0}"),
    ({"ship": "dataset"}, "ship: must be a list of files and folders; found 'dataset' (a string). "
     "For example [dataset/flowers]"),
    ({"ship": ["/", "no/such", "gone.txt"]}, "ship: must be files and folders that are there; "
     "found no/such, gone.txt. Paths are relative to the folder that the search is started in."),
    ({"address": 1}, "address: must be HOST:PORT, auto or null; found 1 (an integer). For example"),
    ({"address": "ray://10.0.0.1:10001"}, "address: must be HOST:PORT, auto or null; found 'ray:"),
    ({"adress": "auto"}, "Did you mean 'address'?")])
def test_mistakes_in_what_ray_is_told(load, changes, text):
    with pytest.raises(ConfigError) as caught:
        load("cpu", executor={"name": "ray", **changes})
    assert text in str(caught.value)


def test_gpus_are_not_for_ray(load):
    with pytest.raises(ConfigError, match="gpus: must be left out with executor: ray; found 0,1"):
        load("cpu", executor="ray", gpus="0,1")


def local(**options):
    return {"name": "local", **options}


def test_groups_of_gpus_train_a_trial_together(load):
    settings = load("gpu", "gpus=0,1,2,3,4", present=tuple("01234"),
                    executor=local(gpus_per_trial=2))
    assert settings.devices.slots == ("gpu:0,1", "gpu:2,3")
    assert (settings.devices.processes, settings.devices.kind) == (2, "gpu")
    assert "Not used, for 2 GPUs train each trial: GPU 4." in settings.notes
    assert ("2 devices train each trial together, with the config's batch on each: learning rates "
            "are multiplied by 2 (-o executor.scale_learning_rate=False keeps them).") in (
                settings.notes)
    assert settings.stages.raw_config(Proposal(POINT))["Optimizer"]["lr"]["learning_rate"] == (
        2 * POINT["lr"]), "a searched rate is that for one device's batch"
    again = SearchSettings.from_dict(settings.to_dict())
    assert again.devices == settings.devices
    assert again.identity() == settings.identity()


def test_the_rate_may_stay(load):
    settings = load("cpu", present=(), executor=local(
        processes_per_trial=2, scale_learning_rate=False), workers=2)
    assert settings.devices.slots == ("cpu:0", "cpu:1")
    assert settings.devices.processes == 2
    assert settings.stages.raw_config(Proposal(POINT))["Optimizer"]["lr"]["learning_rate"] == (
        POINT["lr"])
    assert any("on each: learning rates stay." in note for note in settings.notes)


def test_a_search_on_other_numbers_of_devices_is_another_one(load):
    alone, two, kept = (load("cpu", present=(), executor=local(**options)).identity()
                        for options in ({}, {"processes_per_trial": 2},
                                        {"processes_per_trial": 2, "scale_learning_rate": False}))
    assert alone == load("cpu", present=()).identity()
    assert alone != two != kept


def test_several_trials_share_a_gpu(load):
    settings = load("gpu", executor=local(trials_per_gpu=2))
    assert settings.devices.slots == ("gpu:0", "gpu:1", "gpu:0#2", "gpu:1#2")
    assert settings.devices.processes == 1
    assert SearchSettings.from_dict(settings.to_dict()).devices == settings.devices


@pytest.mark.parametrize(("device", "options", "texts"), [
    ("cpu", {"gpus_per_trial": 2}, ["executor.gpus_per_trial", "is for trials on GPUs", "no gpus",
                                    "processes_per_trial"]),
    ("cpu", {"trials_per_gpu": 2}, ["executor.trials_per_gpu", "is for trials on GPUs"]),
    ("gpu", {"processes_per_trial": 2}, ["executor.processes_per_trial", "is for trials on a CPU",
                                         "Write gpus_per_trial."]),
    ("gpu", {"gpus_per_trial": 3}, ["executor.gpus_per_trial", "must not be more than there are "
                                    "gpus", "3 and gpus 0,1"]),
    ("gpu", {"gpus_per_trial": 2, "trials_per_gpu": 2}, [
        "executor.trials_per_gpu", "must be 1 where several GPUs train a trial"]),
    ("gpu", {"gpus_per_trial": 0}, ["executor.gpus_per_trial", "must be a whole number, 1 to 64"])])
def test_devices_that_cannot_be_shared_out_so(load, device, options, texts):
    with pytest.raises(ConfigError) as caught:
        load(device, present=("0", "1") if device == "gpu" else (), executor=local(**options))
    for text in texts:
        assert text in str(caught.value)


def test_the_gpus_that_are_taken_by_default_are_not_said_to_have_a_trial_each(load):
    notes = load("gpu", executor=local(gpus_per_trial=2)).notes
    assert any(note.startswith("Global.device is gpu: trials run on the GPUs 0, 1. -o gpus=0")
               for note in notes)
