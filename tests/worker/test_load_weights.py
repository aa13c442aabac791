"""Loading into PaddleClas's own networks, on the engine that training would use."""

from __future__ import annotations

import pickle
import random
import struct

import numpy as np
import pytest

from paddle_transfer.errors import TrialError
from paddle_transfer.weights import heads
from paddle_transfer.weights.errors import WeightsMismatch
from paddle_transfer.weights.read import read
from paddle_transfer.weights.write import write
from paddle_transfer.worker import load_weights
from paddle_transfer.worker.bootstrap import import_with_ppcls, load_ppcls
from paddle_transfer.worker.locate import locate
from tests.helpers.weights_server import WeightsServer

HEAD = {"fc.weight", "fc.bias"}


@pytest.fixture(scope="module")
def arch():
    load_ppcls(locate())
    import ppcls.arch
    from ppcls.utils import logger
    if getattr(logger, "_logger", "") is None:  # some networks of 2.6 log while they are built
        logger.init_logger()
    return ppcls.arch


@pytest.fixture(scope="module")
def saved(arch, tmp_path_factory):
    """ResNet50_vd for 1000 classes as paddle.save writes it: (file, name -> array)."""
    import paddle

    paddle.seed(1)
    model = arch.ResNet50_vd(class_num=1000)
    file = tmp_path_factory.mktemp("weights") / "ResNet50_vd.pdparams"
    paddle.save(model.state_dict(), str(file))
    return file, arrays(model)


@pytest.fixture(scope="module")
def network(arch):
    """ResNet50_vd for 102 classes; ``scrambled`` makes it new for every test."""
    return arch.ResNet50_vd(class_num=102)


@pytest.fixture(scope="module")
def networks():
    return import_with_ppcls("networks", locate())


def arrays(model):
    return {name: value.numpy() for name, value in model.state_dict().items()}


def scrambled(model, number=0.25):
    """Every tensor of ``model`` filled with ``number``, so that what was loaded shows."""
    for value in model.state_dict().values():
        value.set_value(np.full(value.shape, number, dtype="float32"))
    return model


def differing(model, wanted):
    return {name for name, array in arrays(model).items()
            if array.shape != wanted[name].shape or not np.array_equal(array, wanted[name])}


def test_1000_to_102_classes_exactly_the_two_head_tensors_differ(saved, network):
    file, wanted = saved
    report = load_weights.load_file(scrambled(network), file)
    assert report.ok
    assert set(report.head) == HEAD
    assert len(report.loaded) == len(wanted) - 2
    assert differing(network, wanted) == HEAD
    state = arrays(network)
    assert (state["fc.weight"] == 0.25).all()
    assert (state["fc.bias"] == 0.25).all()
    assert "fc.weight, fc.bias (2048x1000 in the file, 2048x102 here" in report.line()


def test_one_renamed_backbone_tensor_is_an_error_and_nothing_is_loaded(saved, network, tmp_path):
    tensors = dict(saved[1])
    tensors["blocks.3.conv1.conv.weights"] = tensors.pop("blocks.3.conv1.conv.weight")
    with pytest.raises(WeightsMismatch) as caught:
        load_weights.load_file(scrambled(network), write(tmp_path / "w.pdparams", tensors))
    assert "blocks.3.conv1.conv.weight: the network has [128, 128, 3, 3]" in str(caught.value)
    assert "blocks.3.conv1.conv.weights: the file has [128, 128, 3, 3]" in str(caught.value)
    assert all((array == 0.25).all() for array in arrays(network).values())


def test_another_network_is_an_error(saved, arch):
    with pytest.raises(WeightsMismatch, match="of another shape"):
        load_weights.load_file(arch.ResNet18_vd(class_num=1000), saved[0])


def test_the_10w_form_without_a_head(saved, network, tmp_path):
    tensors = {name: array for name, array in saved[1].items() if name not in HEAD}
    report = load_weights.load_file(scrambled(network), write(tmp_path / "w.pdparams", tensors))
    assert report.head == dict.fromkeys(sorted(HEAD, reverse=True), "not in the file")
    assert differing(network, saved[1]) == HEAD


def test_the_10w_form_with_a_head_of_100000_classes(saved, network, tmp_path):
    # protocol 3 has no frames, so a head can be put behind the rest; its 410 MB (float16) are a
    # hole in the file
    tensors = {name: array for name, array in saved[1].items() if name != "fc.weight"}
    tensors["fc.bias"] = np.zeros(100_000, np.float32)
    size = 2048 * 100_000 * 2
    file = tmp_path / "w.pdparams"
    with open(file, "wb") as stream:
        stream.write(pickle.dumps(tensors, 3)[:-1])
        stream.write(
            b"X\x09\x00\x00\x00fc.weightcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b"
            b"\x87R(K\x01M\x00\x08J" + struct.pack("<i", 100_000) +
            b"\x86cnumpy\ndtype\nX\x02\x00\x00\x00f2"
            b"K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B"
            + struct.pack("<I", size))
        stream.seek(size, 1)
        stream.write(b"tbs.")
    report = load_weights.load_file(scrambled(network), file)
    assert report.head["fc.weight"] == "2048x100000 in the file, 2048x102 here"
    assert differing(network, saved[1]) == HEAD


def hub_name(name):
    """PaddleHub's name of a ResNet50_vd tensor (see tests/pretrained/test_naming.py)."""
    name = name.replace(".conv.", "._conv.").replace(".bn.", "._batch_norm.")
    parts = name.split(".")
    if parts[0] == "stem":
        return ".".join([f"conv1_{int(parts[1]) + 1}", *parts[2:]])
    if parts[0] == "blocks":
        number, stage = int(parts[1]), 0
        for depth in (3, 4, 6):
            if number >= depth:
                number, stage = number - depth, stage + 1
            else:
                break
        return ".".join([f"bb_{stage}_{number}", *parts[2:]])
    return name.replace("fc.", "out.")


def test_load_by_the_name_10w_in_paddlehubs_form(saved, network, tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path))
    monkeypatch.delenv("http_proxy", raising=False)
    state = {hub_name(name): array for name, array in saved[1].items()}
    with WeightsServer(
        {"/dygraph/image_classification/resnet50_vd_10w.pdparams": pickle.dumps([state],
                                                                                2)}) as server:
        report = load_weights.load_pretrained(scrambled(network), "10w", mirror=server.address)
    assert report.naming == "PaddleHub"
    assert report.source == "10w"
    assert differing(network, saved[1]) == HEAD
    assert load_weights.load_pretrained(network, "none") is None


def test_an_equal_head_is_kept_or_left_fresh(saved, arch):
    model = scrambled(arch.ResNet50_vd(class_num=1000))
    assert not load_weights.load_file(model, saved[0]).head
    assert not differing(model, saved[1])
    assert set(load_weights.load_file(scrambled(model), saved[0], mode="fresh").head) == HEAD
    assert differing(model, saved[1]) == HEAD


def test_what_paddleclas_loads_afterwards_is_a_file_that_we_wrote(saved, network, tmp_path):
    weights = read(saved[0])
    made = load_weights.make_plan(network, weights, file="x")
    prepared = load_weights.write_prepared(tmp_path / "prepared.pdparams", weights, made)
    assert set(read(prepared).tensors) == set(saved[1]) - HEAD
    from ppcls.utils.save_load import load_dygraph_pretrain
    load_dygraph_pretrain(scrambled(network), str(prepared)[:-len(".pdparams")])
    assert differing(network, saved[1]) == HEAD


def test_a_training_checkpoint(arch, tmp_path):
    import paddle
    from ppcls.utils.save_load import save_model

    model = arch.MobileNetV3_small_x0_35(class_num=7)
    optimizer = paddle.optimizer.Momentum(parameters=model.parameters())
    save_model(model, [optimizer], {"metric": 0.5, "epoch": 3}, str(tmp_path), prefix="latest")
    file = next(tmp_path.rglob("latest.pdparams"))
    wanted = arrays(model)
    assert not load_weights.load_file(scrambled(model), file).head
    assert not differing(model, wanted)
    paddle.save({"model": model.state_dict(), "epoch": 3, "opt": optimizer.state_dict()},
                str(tmp_path / "c.pdparams"))
    report = load_weights.load_file(scrambled(model), tmp_path / "c.pdparams")
    assert not differing(model, wanted)
    assert set(report.ignored) == {"epoch", "opt"}


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_form_of_paddle_save(arch, tmp_path, protocol):
    import paddle

    model = arch.PPLCNet_x0_25(class_num=3)
    paddle.save(model.state_dict(), str(tmp_path / "w.pdparams"), protocol=protocol)
    wanted = arrays(model)
    load_weights.load_file(scrambled(model), tmp_path / "w.pdparams")
    assert not differing(model, wanted)


def test_other_number_types_are_brought_to_the_networks(tmp_path):
    import paddle

    model = paddle.nn.Linear(3, 2)
    weight = np.array([[1, 2], [3, 4], [5, 6]])
    for array in (weight.astype("f2"), weight.astype("f8"),
                  (weight.astype("<f4").view("<u4") >> 16).astype("<u2")):
        load_weights.load_file(
            model, write(tmp_path / "w.pdparams", {"weight": array, "bias": np.ones(2)}), head=())
        assert np.array_equal(model.weight.numpy(), weight)
    with pytest.raises(WeightsMismatch, match="weight: the network has float32, the file int64"):
        load_weights.load_file(
            model, write(tmp_path / "w.pdparams", {"weight": weight, "bias": np.ones(2)}), head=())


@pytest.mark.parametrize("name", [
    "ResNet50_vd", "VGG16", "MobileNetV3_small_x1_0", "PPLCNet_x1_0", "SqueezeNet1_1",
    "DeiT_tiny_distilled_patch16_224", "GoogLeNet", "ReXNet_1_0", "HarDNet39_ds", "LeViT_128S",
    "Xception41", "ShuffleNetV2_x0_25", "MixNet_S"
])
def test_the_head_found_by_building_twice_is_the_one_known_by_name(arch, networks, name):
    found = networks.head_of({"name": name, "class_num": 7})
    names = [*networks.shapes_of(lambda number: getattr(arch, name)(class_num=number), 7)]
    assert found
    assert heads.by_name(names) == found


def test_looking_for_the_head_draws_no_random_numbers(networks):
    import paddle

    def build(number):
        paddle.randn([3]), np.random.rand(), random.random()  # as an initialiser would
        return paddle.nn.Linear(4, number)

    def drawn(look):
        paddle.seed(3), np.random.seed(3), random.seed(3)
        if look:
            assert networks.find_head(build, 3) == ("weight", "bias")
        return paddle.randn([4]).numpy().tolist(), np.random.rand(), random.random()

    assert drawn(True) == drawn(False)


def test_looking_for_the_head_never_asks_for_weights(arch, networks, monkeypatch):
    import paddle

    asked = []

    def network(pretrained=True, class_num=3,
                backbone=None):  # as UniFormer of 2.6, whose default downloads
        asked.append((pretrained, backbone))
        return paddle.nn.Linear(4, class_num)

    monkeypatch.setattr(arch, "Downloads", network, raising=False)
    head = networks.head_of(
        {"name": "Downloads", "pretrained": True, "backbone": {"pretrained": True, "depth": 3}})
    assert head == ("weight", "bias")
    assert set(map(str, asked)) == {str((False, {"pretrained": False, "depth": 3}))}


def test_a_network_without_class_num_has_no_head(networks):
    assert networks.head_of({"name": "DistillationModel", "models": []}) == ()


@pytest.mark.parametrize("mode", ["eval", "infer", "export"])
def test_no_answers_of_a_network_without_weights(mode):
    run_weights = import_with_ppcls("run_weights", locate())
    config = {"Global": {"pretrained_model": None}, "Arch": {"name": "ResNet50_vd"}}
    with pytest.raises(TrialError, match="names no weights, so the network"):
        run_weights.require(None, config, mode)
    run_weights.require(None, config, "train")
    run_weights.require(None, {"Arch": {"models": []}}, mode)
