"""A change of anything that features follow from gives another key; other changes give none."""

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from paddle_transfer import dotpath
from paddle_transfer.errors import TrialError
from paddle_transfer.weights.write import write
from paddle_transfer.worker.features import key as key_module
from paddle_transfer.worker.features.key import features_key
from paddle_transfer.worker.locate import locate
from tests.helpers.digits import tiny_config
from tools.digits import write_digits

HOME = locate()


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    write_digits(tmp_path / "data", classes=(0, 1), per_class_train=3, per_class_val=2)
    weights = write(tmp_path / "mine.pdparams", {"fc.weight": np.zeros((2, 2), np.float32)})
    config = tiny_config(str(tmp_path / "data"), "out")
    config["Transfer"] = {"pretrained": str(weights)}
    return config


def key(config, split="Train", **arguments):
    return features_key(config, split, home=HOME, **arguments)


def edited(config, path, value):
    made = dotpath.clone(config)
    dotpath.set_(made, path, value, create=True)
    return made


@pytest.mark.parametrize(("path", "value"), [
    ("Arch.name", "MobileNetV3_small_x0_5"), ("Arch.class_num", 3), ("Arch.dropout_prob", 0.5),
    ("Slim", {"quant": {"name": "pact"}}),
    ("Global.device", "gpu"), ("DataLoader.Train.dataset.delimiter", "\t"),
    ("DataLoader.Train.dataset.name", "MultiLabelDataset"),
    ("DataLoader.Eval.dataset.transform_ops.1.NormalizeImage.scale", 0.5),
    ("DataLoader.Eval.dataset.transform_ops.1.NormalizeImage.mean", [0.4, 0.5, 0.5]),
    ("DataLoader.Eval.dataset.transform_ops.0.DecodeImage.to_rgb", False),
    ("DataLoader.Eval.dataset.transform_ops", [])])
def test_the_config_is_in_it(config, path, value):
    assert key(edited(config, path, value)) != key(config)


@pytest.mark.parametrize(("path", "value"), [
    ("Optimizer.lr.learning_rate", 0.5), ("Global.epochs", 9), ("Global.seed", 1),
    ("Global.output_dir", "elsewhere"), ("DataLoader.Train.sampler.batch_size", 4),
    ("DataLoader.Train.dataset.transform_ops", []), ("Transfer.strategy", "head"),
    ("DataLoader.Train.dataset.batch_transform_ops", [{"MixupOperator": {"alpha": 0.2}}])])
def test_what_changes_no_feature_is_not_in_it(config, path, value):
    assert key(edited(config, path, value)) == key(config)


def test_the_transforms_are_those_of_the_split_that_is_named(config):
    other = edited(config, "DataLoader.Train.dataset.transform_ops.1.RandCropImage.size", 20)
    assert key(config, transforms="Train") != key(config)
    assert key(other, transforms="Train") != key(config, transforms="Train")
    assert key(config, "Eval") != key(config, "Train")
    assert key(config, layer="blocks.0") != key(config)


def test_the_content_of_the_weights_is_in_it(config, tmp_path):
    before = key(config)
    os.rename(tmp_path / "mine.pdparams", tmp_path / "moved.pdparams")
    assert key(edited(config, "Transfer.pretrained", str(tmp_path / "moved.pdparams"))) == before
    status = os.stat(tmp_path / "moved.pdparams")
    write(tmp_path / "mine.pdparams", {"fc.weight": np.ones((2, 2), np.float32)})
    os.utime(tmp_path / "mine.pdparams", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert os.stat(tmp_path / "mine.pdparams").st_size == status.st_size
    assert key(config) != before


def test_a_prepared_file_has_the_key_of_its_original(config, tmp_path):
    from paddle_transfer.weights.cache import make_record
    sha256 = make_record(tmp_path / "mine.pdparams").sha256
    prepared = {"pretrained/mine": {"sha256": sha256, "prepared_sha256": "0" * 64}}
    trial = edited(config, "Transfer", {})
    trial = edited(trial, "Global.pretrained_model", "pretrained/mine")
    assert key(trial, prepared=prepared) == key(config)


def image(tmp_path):
    return sorted((tmp_path / "data/images").glob("train_*.png"))[0]


def test_the_content_of_an_image_is_in_it_also_when_size_and_time_stay(config, tmp_path):
    before, file = key(config), image(tmp_path)
    data, status = bytearray(file.read_bytes()), os.stat(file)
    data[-1] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert os.stat(file).st_mtime_ns == status.st_mtime_ns
    changed = key(config)
    assert changed != before
    data[-1] ^= 1
    file.write_bytes(data)
    assert key(config) == before, "the content, not the time, counts"


def test_an_image_that_is_swapped_gone_or_new_changes_it(config, tmp_path):
    before, file = key(config), image(tmp_path)
    content = file.read_bytes()
    Image.new("RGB", (28, 28), "red").save(file)
    red = key(config)
    file.unlink()
    gone = key(config)
    assert len({before, red, gone}) == 3
    file.write_bytes(content)
    assert key(config) == before


def test_lines_labels_and_their_order_are_in_it(config, tmp_path):
    file = tmp_path / "data/train_list.txt"
    lines, before = file.read_text().splitlines(), key(config)
    seen = {before}
    for changed in (lines[::-1], lines[:-1], [*lines, lines[0]],
                    [lines[0][:-1] + "1", *lines[1:]]):
        file.write_text("\n".join(changed) + "\n")
        seen.add(key(config))
    assert len(seen) == 5
    (tmp_path / "data").rename(tmp_path / "moved")
    file = tmp_path / "moved/train_list.txt"
    file.write_text("\n".join(lines) + "\n")
    moved = dotpath.replaced(config, {str(tmp_path / "data"): str(tmp_path / "moved"),
                                      str(tmp_path / "data/train_list.txt"): str(file)})
    assert key(moved) == before, "the same images elsewhere"


def test_a_file_that_the_network_names_is_in_it(config, tmp_path):
    (tmp_path / "table.npy").write_bytes(b"1")
    config = edited(config, "Arch.table", str(tmp_path / "table.npy"))
    before = key(config)
    (tmp_path / "table.npy").write_bytes(b"2")
    assert key(config) != before


def test_versions_are_in_it(config, monkeypatch, tmp_path):
    before = key(config)
    assert features_key(config, "Train", home=replace(HOME, version="2.9")) != before
    assert {"numpy", "pillow"} <= set(key_module.versions())
    monkeypatch.setattr(key_module, "versions", lambda: {"paddlepaddle": "9.9"})
    assert key(config) != before
    code = tmp_path / "ppcls/arch/net.py"
    code.parent.mkdir(parents=True)
    code.write_text("a = 1")
    first = key_module.code_digest.__wrapped__(str(tmp_path))
    code.write_text("a = 2")
    assert key_module.code_digest.__wrapped__(str(tmp_path)) != first


def test_what_cannot_have_features_is_refused(config):
    with pytest.raises(TrialError, match=r"need one file of pretrained weights, but the config "
                       r"asks for none\. Write Transfer\.pretrained: imagenet"):
        key(edited(config, "Transfer", {}))
    with pytest.raises(TrialError, match=r"Transfer\.head\.hidden: features would be random"):
        key(edited(config, "Transfer.head", {"hidden": [16]}))
    with pytest.raises(TrialError, match="leaves their choice to PaddleClas"):
        key(edited(config, "Global.use_distillation", True))
    with pytest.raises(TrialError, match=r"Transfer\.pretrained: .*nowhere"):
        key(edited(config, "Transfer.pretrained", "/nowhere.pdparams"))
    with pytest.raises(TrialError, match=r"DataLoader\.Train\.dataset\.name: features are computed "
                       "for ImageNetDataset and MultiLabelDataset; found 'PersonDataset'"):
        key(edited(config, "DataLoader.Train.dataset.name", "PersonDataset"))
    with pytest.raises(TrialError, match=r"DataLoader\.Eval\.dataset: .*gone\.txt: No such file"):
        key(edited(config, "DataLoader.Eval.dataset.cls_label_path", "gone.txt"), "Eval")
