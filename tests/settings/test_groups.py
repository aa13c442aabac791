import dataclasses

from paddle_transfer.settings.search_file import load_search_file
from tests.helpers.configs import write_search


def test_one_slot_per_worker_or_per_listed_gpu(tmp_path):
    settings = load_search_file(write_search(tmp_path))
    assert settings.devices.slots == ("cpu:0",)
    settings = load_search_file(write_search(tmp_path, workers=3))
    assert settings.devices.slots == ("cpu:0", "cpu:1", "cpu:2")
    assert dataclasses.replace(settings.devices, gpus=("3", "0")).slots == ("gpu:3", "gpu:0")
