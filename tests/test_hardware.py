import os
from types import SimpleNamespace

import pytest

from paddle_transfer import hardware

LISTING = """GPU 0: NVIDIA A (UUID: GPU-aaaa-0000)
GPU 1: NVIDIA B (UUID: GPU-bbbb-1111)
GPU 2: NVIDIA C (UUID: GPU-cccc-2222)
"""


@pytest.fixture
def three_gpus(tmp_path, monkeypatch):
    """A stand-in for nvidia-smi that lists three GPUs."""
    script = tmp_path / "nvidia-smi"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTING}END\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return script


@pytest.mark.usefixtures("three_gpus")
def test_gpus_come_from_nvidia_smi():
    assert hardware.find_gpus() == ["0", "1", "2"]


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(("visible", "expected"), [("1", ["1"]), ("2,0", ["2", "0"]), ("", []),
                                                   ("-1", []), ("0,9,1", ["0"]),
                                                   ("GPU-bbbb-1111", ["GPU-bbbb-1111"]),
                                                   ("GPU-bb", ["GPU-bb"])])
def test_cuda_visible_devices_is_respected(monkeypatch, visible, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert hardware.find_gpus() == expected


def test_a_failing_nvidia_smi_means_none(three_gpus):
    three_gpus.write_text("#!/bin/sh\necho 'GPU 0: X (UUID: GPU-x)'\nexit 9\n")
    assert hardware.find_gpus() == []


def test_without_nvidia_smi_the_driver_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware.os, "listdir", lambda _: ["0000:01:00.0", "0000:02:00.0"])
    assert hardware.find_gpus() == ["0", "1"]

    def nothing(folder):
        raise FileNotFoundError(folder)
    monkeypatch.setattr(hardware.os, "listdir", nothing)
    assert hardware.find_gpus() == []


def test_a_folder_to_be_made_is_writable_and_nothing_is_left(tmp_path):
    assert hardware.why_not_writable(str(tmp_path / "a" / "b")) == ""
    assert os.listdir(tmp_path) == []


def test_below_a_file_nothing_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    for path in ("file", "file/out"):
        assert hardware.why_not_writable(str(tmp_path / path)) == f"{tmp_path}/file is not a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; runs as an ordinary user")
def test_a_protected_folder(tmp_path):
    (tmp_path / "shut").mkdir(mode=0o555)
    assert hardware.why_not_writable(str(
        tmp_path / "shut" / "out")) == f"{tmp_path}/shut: Permission denied"


def test_what_the_system_refuses_counts(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(30, "Read-only file system")
    monkeypatch.setattr(hardware.tempfile, "mkdtemp", refuse)
    assert hardware.why_not_writable(str(tmp_path)) == f"{tmp_path}: Read-only file system"


@pytest.mark.parametrize(("installed", "expected"), [
    ({"paddlepaddle"}, True), ({"paddlepaddle-gpu"}, False), (set(), False),
    ({"paddlepaddle", "paddlepaddle-gpu"}, False)])
def test_the_kind_of_paddle_is_known_by_its_name(monkeypatch, installed, expected):
    monkeypatch.setattr(hardware, "distributions", lambda name: iter({name} & installed))
    assert hardware.paddle_is_cpu_only() is expected


def test_shared_memory_that_is_not_there_is_a_fault_on_linux(tmp_path, monkeypatch):
    assert hardware.shared_memory(str(tmp_path)).free == hardware.free_bytes(str(tmp_path)) > 0
    nowhere = str(tmp_path / "nowhere")
    monkeypatch.setattr(hardware.sys, "platform", "linux")
    assert hardware.shared_memory(nowhere).fault == f"there is no {nowhere}"
    monkeypatch.setattr(hardware.sys, "platform", "darwin")
    assert hardware.shared_memory(nowhere).fault == ""
    monkeypatch.setattr(hardware, "why_not_writable", lambda _: "Read-only file system")
    assert hardware.shared_memory(str(tmp_path)).fault == "Read-only file system"


def test_a_disk_without_inodes_has_no_room(tmp_path, monkeypatch):
    room = {"f_bavail": 10, "f_frsize": 4096, "f_files": 100}
    monkeypatch.setattr(hardware.os, "statvfs", lambda _: SimpleNamespace(**room, f_favail=0))
    assert hardware.free_bytes(str(tmp_path / "new" / "folder")) == 0
    monkeypatch.setattr(hardware.os, "statvfs", lambda _: SimpleNamespace(**room, f_favail=5))
    assert hardware.free_bytes(str(tmp_path / "new" / "folder")) == 40960


@pytest.mark.parametrize("home", ["/dev/null", "~"])
def test_libraries_get_another_home_where_theirs_cannot_be_written(monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    assert hardware.why_no_library_folders()
    with hardware.writable_home():
        assert not hardware.why_no_library_folders()
        made = os.environ["HOME"]
    assert os.environ["HOME"] == home
    assert not os.path.exists(made)


def test_a_home_that_can_be_written_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with hardware.writable_home():
        assert os.environ["HOME"] == str(tmp_path)


def test_the_memory_of_the_fullest_gpu(three_gpus):
    three_gpus.write_text("#!/bin/sh\n[ \"$2\" = --id=0,2 ] || exit 1\n"
                          "printf '512, 24576\\n6144, 24576\\n'\n")
    assert hardware.gpu_memory("0,2") == hardware.GpuMemory(6144 * 2**20, 24576 * 2**20)
    assert hardware.gpu_memory("7") is None
    three_gpus.write_text("#!/bin/sh\necho '[N/A], [N/A]'\n")
    assert hardware.gpu_memory("0") is None
    three_gpus.unlink()


def test_without_nvidia_smi_no_memory_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.gpu_memory("0") is None


def test_the_kernel_counts_what_it_ended():
    assert hardware.out_of_memory_kills() >= 0
