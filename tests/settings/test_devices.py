"""Where trials run: what the search file says, else what the base config asks for."""

import pytest

from paddle_transfer.errors import ConfigError
from paddle_transfer.settings import devices
from paddle_transfer.settings.search_file import SearchSettings, load_search_file
from tests.helpers.configs import base_config, write_search


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
