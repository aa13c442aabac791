"""What a search asks for before its first trial; e2e/test_weights.py does it with real networks."""

import hashlib
import json
import pickle

import numpy as np
import pytest

from paddle_transfer.space.hyperparameter import Choice
from paddle_transfer.space.search_key import SearchKey
from paddle_transfer.study.records import Proposal
from paddle_transfer.weights import for_search
from paddle_transfer.weights.errors import NotWeights, UnsafeWeights
from paddle_transfer.weights.for_search import SearchWeights
from paddle_transfer.weights.requests import weights_requests
from tests.helpers.configs import base_config
from tests.helpers.evil_weights import evil_files
from tests.helpers.settings import change
from tests.helpers.tiny_search import tiny_settings


def settings(tmp_path, *keys, **changes):
    base = base_config()
    for section, values in changes.items():
        base[section] = {**base.get(section, {}), **values}
    made = tiny_settings(str(tmp_path / "out"))
    return change(made, keys=keys, base_config=base)


def from_file(tmp_path, file):
    return settings(tmp_path, Global={"pretrained_model": file}, Arch={"pretrained": False})


def requests(made):
    return weights_requests(made.base, made.search_space, made.output, stages=made.stages)


def search_weights(made):
    return SearchWeights(requests(made), made.output)


def asked(made):
    return sorted((request.wanted.spec, request.arch, request.config["Arch"]["class_num"])
                  for request in requests(made).values())


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
        made = from_file(tmp_path, file)
        found = search_weights(made)
        found.resolve()
        return found.identity(made.identity())

    first = save(tmp_path / "a.pdparams")
    assert identity(first) == identity(save(tmp_path / "b.pdparams")) == identity(
        first.removesuffix(".pdparams"))
    assert identity(first) != identity(save(tmp_path / "c.pdparams", 2.0))
    digest = hashlib.sha256((tmp_path / "a.pdparams").read_bytes()).hexdigest()
    assert identity(first)["base_config"]["Global"]["pretrained_model"] == f"sha256:{digest}"


def test_what_cannot_be_read_names_the_place_that_asks(tmp_path):
    (tmp_path / "page.pdparams").write_text("<html>not found</html>")
    where = r"Global\.pretrained_model: .*page\.pdparams: is a web page"
    with pytest.raises(NotWeights, match=where):
        search_weights(from_file(tmp_path, str(tmp_path / "page"))).resolve()
    (tmp_path / "evil.pdparams").write_bytes(next(iter(evil_files(str(tmp_path / "mark"))))[1])
    with pytest.raises(UnsafeWeights, match=r"Global\.pretrained_model: .*system") as caught:
        search_weights(from_file(tmp_path, str(tmp_path / "evil"))).resolve()
    assert "system" in caught.value.asked


def fake_child(tmp_path, prepared):
    """In the place of ``ask_child``: prepares one file, and notes the job in ``prepared``."""
    def child(request, **_):
        (job,) = request["jobs"]
        prepared.append(job)
        content = save(tmp_path / "prepared") and (tmp_path / "prepared").read_bytes()
        with open(f"{job['stem']}.pdparams", "wb") as stream:
            stream.write(content)
        return {"result": {job["stem"]: {
            "sha256": job["sha256"], "line": "all of it",
            "prepared_sha256": hashlib.sha256(content).hexdigest()}}}
    return child


def test_a_prepared_file_is_used_again_only_when_it_is_whole_and_from_the_same_weights(
        tmp_path, monkeypatch):
    made, prepared = from_file(tmp_path, save(tmp_path / "a.pdparams")), []
    monkeypatch.setattr(for_search, "ask_child", fake_child(tmp_path, prepared))

    def prepare():
        found = search_weights(made)
        found.resolve()
        return found.prepare()

    first = prepare()
    (stem,) = first
    assert json.loads((tmp_path / f"{stem}.json").read_text()) == first[stem]
    assert prepare() == first
    assert len(prepared) == 1
    assert prepared[0]["file"] == str(tmp_path / "a.pdparams")
    with open(f"{stem}.pdparams", "ab") as stream:
        stream.write(b"more")
    assert prepare() == first
    assert len(prepared) == 2
    for note in ("[]", "{", "null"):  # left by something else
        (tmp_path / f"{stem}.json").write_text(note)
        assert prepare() == first
    assert len(prepared) == 5
    save(tmp_path / "a.pdparams", 3.0)
    assert prepare() != first
    assert len(prepared) == 6


def test_a_key_of_one_value_that_changes_what_is_loaded_has_its_file(tmp_path):
    made = settings(tmp_path, SearchKey(Choice("head_hidden", (8,))),
                    Transfer={"pretrained": save(tmp_path / "w.pdparams")}, Arch={"name": "VGG16"})
    point = {"head_hidden": 8}
    config = made.stages.config(Proposal(point))
    assert list(requests(made)) == [config["Global"]["pretrained_model"]]
