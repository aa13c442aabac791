from __future__ import annotations

import pickle

import numpy as np
import pytest

from paddle_transfer.weights.cache import cache_folder
from paddle_transfer.weights.errors import FetchError, NotWeights, UnknownWeights, UnsafeWeights
from paddle_transfer.weights.network import Network
from paddle_transfer.weights.resolve import name_for, resolve
from tests.helpers.evil_weights import evil_files
from tests.helpers.weights_server import WeightsServer

DATA = pickle.dumps({"w": np.ones(3, np.float32)}, 4)
NAME = "ResNet50_vd_10w_pretrained.pdparams"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_TRANSFER_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "PADDLE_TRANSFER_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home" / "weights"


def test_the_folder_is_paddleclass_own_unless_said_otherwise(home, monkeypatch):
    assert cache_folder() == home
    monkeypatch.delenv("PADDLE_TRANSFER_HOME")
    monkeypatch.setenv("HOME", "/somewhere")
    assert str(cache_folder()) == "/somewhere/.paddleclas/weights"


@pytest.mark.parametrize("spec", ["none", "None", "", None, False])
def test_none_is_none(spec):
    assert resolve(spec) is None


@pytest.mark.parametrize("number", range(3))
def test_10w_is_found_at_whichever_address_has_it(home, number):
    paths = ["/dygraph/legendary_models/" + NAME, "/dygraph/" + NAME,
             "/dygraph/image_classification/resnet50_vd_10w.pdparams"]
    with WeightsServer({paths[number]: DATA}) as server:
        found = resolve("10w", mirror=server.address, network=Network(sleep=lambda _: None))
    assert found.path == home / NAME
    assert found.path.read_bytes() == DATA
    assert found.source == "10w"
    assert [request.path for request in server.requests] == paths[:number + 1]
    assert found.to_dict() == {"path": str(found.path), "sha256": found.sha256, "source": "10w"}


def test_an_address_is_fetched_under_a_name_of_its_own(home):
    with WeightsServer({"/a/model.pdparams": DATA, "/b/model.pdparams": DATA}) as server:
        one, two = (resolve(f"{server.address}/{folder}/model.pdparams") for folder in "ab")
    assert one.path != two.path
    assert one.path.parent == home
    assert one.path.name.startswith("model-")
    assert name_for("https://h/x/../%2e%2e%2fpasswd?a=b") .count("/") == 0


@pytest.mark.parametrize("spec", ["imagenetz", "ftp://h/w.pdparams", 3])
def test_messages_stand_behind_whatever_key_asked(spec):
    with pytest.raises(UnknownWeights) as caught:
        resolve(spec)
    assert not str(caught.value).startswith("pretrained")


@pytest.mark.parametrize("spelt", ["w", "w.pdparams"])
def test_a_file_with_or_without_its_suffix(tmp_path, spelt):
    (tmp_path / "w.pdparams").write_bytes(DATA)
    found = resolve(str(tmp_path / spelt))
    assert found.path == tmp_path / "w.pdparams"
    assert found.source == "w.pdparams"
    assert len(found.sha256) == 64


def test_no_number_may_be_none(tmp_path):
    (tmp_path / "w.pdparams").write_bytes(pickle.dumps({"w": np.array([1, np.nan], np.float32)}))
    with pytest.raises(NotWeights, match="NaN or infinite numbers, in w"):
        resolve(tmp_path / "w.pdparams")


def test_an_evil_file_is_refused_before_any_training(tmp_path):
    (tmp_path / "w.pdparams").write_bytes(next(iter(evil_files(str(tmp_path / "mark"))))[1])
    with pytest.raises(UnsafeWeights, match=r"asks for .*system"):
        resolve(tmp_path / "w.pdparams")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(("spec", "error", "text"), [
    ("imagenett", UnknownWeights, "Did you mean 'imagenet'?"),
    ("ftp://h/x", UnknownWeights, "must begin with http:// or https://"),
    ("/no/such/file.pdparams", NotWeights, "there is no such file"),
    (3, UnknownWeights, "must be a name"),
    ("/", NotWeights, "is a folder"),
    ("imagenet", UnknownWeights, "needs an architecture"),
])
def test_mistakes_are_named(spec, error, text):
    with pytest.raises(error) as caught:
        resolve(spec)
    assert text in str(caught.value)


def test_offline_names_the_file_and_every_address(home):
    def nowhere(*_, **__):
        raise OSError("Network is unreachable")
    with pytest.raises(FetchError) as caught:
        resolve("imagenet", arch="ResNet50_vd", network=Network(open=nowhere,
                                                                sleep=lambda _: None))
    text = str(caught.value)
    assert str(home / "ResNet50_vd_pretrained.pdparams") in text
    assert "/dygraph/legendary_models/ResNet50_vd_pretrained.pdparams" in text
