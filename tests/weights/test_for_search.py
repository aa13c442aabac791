"""What a search asks for before its first trial. The whole way, with real networks, is in e2e/test_weights.py."""

import hashlib
import json
import pickle

import numpy as np
import pytest

from paddle_transfer.space.catalog import SearchKey
from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.weights import for_search
from paddle_transfer.weights.errors import NotWeights
from paddle_transfer.weights.for_search import SearchWeights
from paddle_transfer.weights.requests import needs
from tests.helpers.configs import base_config
from tests.helpers.tiny_search import tiny_settings


def settings(tmp_path, *keys, **changes):
    base = base_config()
    for section, values in changes.items():
        base[section] = {**base.get(section, {}), **values}
    made = tiny_settings(str(tmp_path / "out"))
    return made.__class__(**{**made.__dict__, "keys": keys, "base_config": base})


def asked(made):
    return sorted((need.wanted.spec, need.config["Arch"]["name"], need.config["Arch"]["class_num"])
                  for need in needs(made).values())


def save(file, number=1.0):
    file.write_bytes(pickle.dumps({"w": np.full(3, number, "float32")}, 4))
    return str(file)


def test_one_file_for_each_value_and_network(tmp_path):
    pretrained = SearchKey(Choice("pretrained", ("imagenet", "none", "10w")))
    network = SearchKey(Choice("network", ("ResNet18", "ResNet50_vd")), ("Arch.name",))
    rate = SearchKey(Choice("lr", (0.1, 0.01)))
    classes = base_config()["Arch"]["class_num"]
    assert asked(settings(tmp_path, rate, Arch={"pretrained": False})) == []
    assert asked(settings(tmp_path, rate, Arch={"name": "ResNet18", "pretrained": True})) == [
        ("imagenet", "ResNet18", classes)]
    assert asked(settings(tmp_path, pretrained, network, rate)) == sorted(
        (name, arch, classes)
        for name in ("imagenet", "10w")
        for arch in ("ResNet18", "ResNet50_vd"))


def test_a_search_is_known_by_what_is_in_the_file_and_not_by_where_it_lies(tmp_path):
    def identity(file):
        found = SearchWeights(
            settings(tmp_path, Global={"pretrained_model": file}, Arch={"pretrained": False}))
        found.resolve()
        return found.identity()

    first = save(tmp_path / "a.pdparams")
    assert identity(first) == identity(save(tmp_path / "b.pdparams")) == identity(
        first.removesuffix(".pdparams"))
    assert identity(first) != identity(save(tmp_path / "c.pdparams", 2.0))
    digest = hashlib.sha256((tmp_path / "a.pdparams").read_bytes()).hexdigest()
    assert identity(first)["base_config"]["Global"]["pretrained_model"] == f"sha256:{digest}"


def test_what_cannot_be_read_names_the_place_that_asks(tmp_path):
    (tmp_path / "page.pdparams").write_text("<html>not found</html>")
    with pytest.raises(NotWeights, match="Global.pretrained_model: .*page.pdparams: is a web page"):
        SearchWeights(settings(tmp_path, Global={"pretrained_model": str(tmp_path / "page")},
                               Arch={"pretrained": False})).resolve()


def test_a_prepared_file_is_used_again_only_when_it_is_whole_and_from_the_same_weights(
        tmp_path, monkeypatch):
    made = settings(tmp_path, Global={"pretrained_model": save(tmp_path / "a.pdparams")},
                    Arch={"pretrained": False})
    fitted = []

    def child(request, *, log, pause):
        fitted.append(request["jobs"][0])
        stem = request["jobs"][0]["stem"]
        content = save(tmp_path / "prepared") and (tmp_path / "prepared").read_bytes()
        with open(f"{stem}.pdparams", "wb") as stream:
            stream.write(content)
        return {"prepared": {stem: {"sha256": request["jobs"][0]["sha256"], "line": "all of it",
                                    "prepared_sha256": hashlib.sha256(content).hexdigest()}}}

    monkeypatch.setattr(for_search, "ask_child", child)

    def prepare():
        found = SearchWeights(made)
        found.resolve()
        return found.prepare()

    first = prepare()
    (stem,) = first
    assert json.loads((tmp_path / f"{stem}.json").read_text()) == first[stem]
    assert prepare() == first
    assert len(fitted) == 1
    assert fitted[0]["file"] == str(tmp_path / "a.pdparams")
    with open(f"{stem}.pdparams", "ab") as stream:
        stream.write(b"more")
    assert prepare() == first
    assert len(fitted) == 2
    save(tmp_path / "a.pdparams", 3.0)
    assert prepare() != first
    assert len(fitted) == 3
