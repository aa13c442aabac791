"""One epoch of every shipped training config, scaled down (pixels, images, batch), on data made
from archives with the official layouts: through the bridge on the installed wheel, and on stock
PaddleClas when PADDLECLAS_HOME names a checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_transfer.config.load import apply_overrides, dump_yaml, load_yaml
from paddle_transfer.datasets.base import PrepareOptions
from paddle_transfer.datasets.prepare import prepare
from paddle_transfer.datasets.registry import public_datasets
from tests.helpers.bridge import environment, train
from tests.helpers.datasets import build
from tests.helpers.small_vgg import with_small_vgg

CONFIGS = Path(__file__).resolve().parents[2] / "ppcls_configs" / "transfer"
PUBLIC = public_datasets()
NAMES = [*PUBLIC, "voc2012_two_layers"]
FIRST = next(name for name in PUBLIC if PUBLIC[name].recipe.arch == "ResNet50_vd")
CHECKOUT = os.environ.get("PADDLECLAS_HOME")

_STOCK = """
import contextlib, sys
with contextlib.suppress(ImportError):
    import sklearn.utils  # Paddle 2.6's symbols of zlib break what scikit-learn loads after it
from ppcls.utils import config
from ppcls.engine import engine
engine.save_load.save_model = lambda *_, **__: None  # gigabytes of weights that nobody looks at
for path in sys.argv[1:]:
    read = config.get_config(path, show=False)
    read.profiler_options = None  # as its tools/train.py does
    engine.Engine(read, mode="train").train()
    print("trained", path, flush=True)
"""


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    """name -> the shipped config, scaled down, on data made from the archives."""
    folder = tmp_path_factory.mktemp("datasets")
    made = set()

    def config_of(name, *, large=False):
        data = name.removesuffix("_two_layers")
        if data not in made:
            root = folder / "dataset" / data
            build(data, root)
            prepare(data, root, PrepareOptions(unverified=True, processes=1),
                    cache_folder=folder / "cache")
            for split in ("train", "val"):
                file = root / f"{split}_list.txt"
                file.write_text("".join(file.read_text().splitlines(keepends=True)[:12]))
            made.add(data)
        return _scaled(folder, name, side=224 if large else 32)

    return config_of


def _scaled(folder, name, *, side):
    arch = PUBLIC[name.removesuffix("_two_layers")].recipe.arch
    path = folder / f"{name}.yaml"
    path.write_text((CONFIGS / arch / f"{name}.yaml").read_text().replace(
        "./dataset/", f"{folder}/dataset/"))
    config = load_yaml(str(path))
    network = "Arch.Backbone" if "Backbone" in config["Arch"] else "Arch"
    return apply_overrides(
        config,
        [
            # one of the two configs with VGG16 is trained with it; the other shows that the two
            # new layers work. One of those with ResNet50_vd is: it is slow
            *([f"{network}.name=PPLCNet_x0_25"] if network == "Arch.Backbone" or (
                arch == "ResNet50_vd" and name != FIRST) else []),
            "Global.epochs=1",
            "Global.device=cpu",
            "Global.seed=0",
            f"Global.output_dir={folder}/out/{name}",
            f"Global.image_shape=[3, {side}, {side}]",
            f"{network}.pretrained=False",
            f"DataLoader.Train.dataset.transform_ops.1.RandCropImage.size={side}",
            f"DataLoader.Eval.dataset.transform_ops.1.ResizeImage.resize_short={side}",
            f"DataLoader.Eval.dataset.transform_ops.2.CropImage.size={side}",
            *(f"DataLoader.{part}.sampler.batch_size=6" for part in ("Train", "Eval")),
            *(f"DataLoader.{part}.loader.num_workers=0" for part in ("Train", "Eval"))
        ])


@pytest.mark.parametrize("name", NAMES)
def test_one_epoch_on_the_wheel(name, scaled, trainings, tmp_path):
    if trainings.paddleclas:
        pytest.skip("the test below trains with the checkout")
    # VGG16 takes only 224 px, is slow, and 138 million numbers
    result = trainings(with_small_vgg, train, str(tmp_path), scaled(name), keep_weights=False)
    assert [epoch for epoch, _ in result["curve"]] == [1]
    assert 0 <= result["value"] <= 1
    log = (tmp_path / "train.log").read_text()
    assert "Exception occured" not in log, "PaddleClas took another image in place of a broken one"


@pytest.mark.skipif(not CHECKOUT, reason="PADDLECLAS_HOME names no checkout of PaddleClas")
def test_one_epoch_of_each_on_stock_paddleclas(scaled, tmp_path):
    files = []
    for name in NAMES:
        files.append(str(tmp_path / f"{name}.yaml"))
        dump_yaml(scaled(name, large=name == "voc2012"), files[-1])
    done = subprocess.run(
        [sys.executable, "-c", _STOCK, *files], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, **environment(CHECKOUT), "PYTHONPATH": CHECKOUT}, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert [f"trained {file}" for file in files] == [line for line in done.stdout.splitlines()
                                                     if line.startswith("trained")]
