"""The wheel in a fresh environment and an empty folder: no checkout, no test helper, no network."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.helpers.datasets import picture

ROOT = Path(__file__).resolve().parents[2]
SEARCH = """\
base_config_file: images/custom.yaml
output_dir: output
search_mode: grid
search_dict:
  - search_key: lr
    search_values: [0.05, 0.01]
"""
#: A network and sizes for two processor cores.
TINY = ("Arch.name=PPLCNet_x0_25", "Arch.pretrained=False", "Global.epochs=1", "Global.device=cpu",
        "DataLoader.Train.dataset.transform_ops.1.RandCropImage.size=32",
        "DataLoader.Eval.dataset.transform_ops.1.ResizeImage.resize_short=32",
        "DataLoader.Eval.dataset.transform_ops.2.CropImage.size=32",
        "DataLoader.Train.loader.num_workers=0", "DataLoader.Eval.loader.num_workers=0")


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is left in the checkout and nothing old gets in."""
    source, dist = tmp_path_factory.mktemp("copy") / "source", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(
        ".*", "__pycache__", "*.egg-info", "build", "dist", "docs", "output", "tables"))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, source)
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def command(wheel, tmp_path_factory):
    """``paddle-transfer`` of a fresh environment that has our libraries, but not this checkout."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python = home / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index",
        "--disable-pip-version-check", wheel)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout
    # a line of a .pth file adds the folder alone, without the links to checkouts that are in it
    Path(site.strip(), "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    found = run(python, "-c", "import paddle_transfer; print(paddle_transfer.__file__)", cwd=home)
    assert found.stdout.startswith(str(home))
    variables = {name: value for name, value in os.environ.items()
                 if name not in ("PYTHONPATH", "PADDLECLAS_HOME")}

    def call(*arguments, cwd):
        return run(home / "venv" / "bin" / "paddle-transfer", *arguments, cwd=cwd, env={
            **variables, "PADDLE_TRANSFER_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1"})

    return call


@pytest.fixture
def folder(tmp_path):
    """An empty folder but for 24 small images of two classes."""
    for i in range(24):
        file = tmp_path / "images" / ("cat", "dog")[i % 2] / f"{i}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(i, side=40))
    return tmp_path


def test_what_is_in_the_wheel(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"paddle_transfer"}
    assert not [name for name in names if "test" in name.lower() or "benchmark" in name]
    shipped = {name.removeprefix("paddle_transfer/") for name in names if "ppcls_configs" in name}
    assert shipped == {path.relative_to(ROOT).as_posix()
                       for path in (ROOT / "ppcls_configs").rglob("*.*")}
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "paddle_transfer").rglob("*.*")
               if path.is_file() and path.suffix != ".pyc"}
    assert package <= set(names)
    assert "paddle_transfer/py.typed" in package


def test_shipped_configs_are_found_by_name_and_by_the_path_that_prepare_prints(command, tmp_path):
    assert "paddle-transfer COMMAND --help" in command("--help", cwd=tmp_path).stdout
    for name in ("oxford_iiit_pets_bayes", "ppcls_configs/search/oxford_iiit_pets_bayes.yaml"):
        out = command("search", "-c", name, "--dry-run", cwd=tmp_path).stdout
        assert "class_num: 37" in out
    assert os.listdir(tmp_path) == []


def test_prepare_check_and_search(command, folder):
    prepared = command("prepare", "--dataset", "folder", "--root", "images", "--val", "0.25",
                       "--processes", "1", cwd=folder).stdout
    assert "next: paddle-transfer check -c images/custom.yaml" in prepared
    assert "paddle-transfer search -c images/custom_bayes.yaml" in prepared
    report = json.loads(command("check", "-c", "images/custom.yaml", "--json", cwd=folder).stdout)
    assert (report["errors"], report["counts"]["train"]["images"]) == (0, 18)
    (folder / "search.yaml").write_text(SEARCH)
    overrides = [part for override in TINY for part in ("-o", override)]
    command("search", "-c", "search.yaml", *overrides, cwd=folder)
    rows = (folder / "output" / "search_results.csv").read_text().splitlines()
    assert len(rows) == 3
    assert (folder / "output" / "best_config.yaml").exists()
