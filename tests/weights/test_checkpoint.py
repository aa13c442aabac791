"""Checkpoints on disk: the last one is there, whole or not at all."""

import json
import os
from unittest import mock

import numpy as np
import pytest

from paddle_transfer.weights import checkpoint
from paddle_transfer.weights.checkpoint import CheckpointFolder, Distrusted

TENSORS = {"network/weight": np.arange(6, dtype="float32").reshape(2, 3),
           "optimizer 0/step": np.array(0.25, dtype="float64")}
STATE = {"random": [1, 2.5, None], "rate": float("nan")}


@pytest.fixture
def best(tmp_path):
    path = tmp_path / "best_model.pdparams"
    path.write_bytes(b"of epoch 1")
    return path


@pytest.fixture
def folder(tmp_path, best):
    made = CheckpointFolder(tmp_path / "checkpoint", made_by="me")
    made.save(1, STATE, TENSORS, {best.name: best})
    return made


def again(folder, made_by="me"):
    return CheckpointFolder(folder.path, made_by=made_by)


def test_what_was_saved_is_loaded(folder):
    found = again(folder).load()
    assert (found.epoch, found.state["random"]) == (1, STATE["random"])
    assert np.isnan(found.state["rate"])
    assert {name: (array.dtype, array.tolist()) for name, array in found.tensors.items()} == {
        name: (array.dtype, array.tolist()) for name, array in TENSORS.items()}
    assert {name: path.read_bytes() for name, path in found.files.items()} == {
        "best_model.pdparams": b"of epoch 1"}


def test_the_best_weights_are_those_of_the_checkpoint_whatever_replaces_them(folder, best):
    other = best.with_name("other")
    other.write_bytes(b"of epoch 2")
    os.replace(other, best)
    assert again(folder).load().files[best.name].read_bytes() == b"of epoch 1"
    folder.save(2, STATE, TENSORS, {best.name: best})
    assert again(folder).load().files[best.name].read_bytes() == b"of epoch 2"


def test_only_the_last_one_is_kept(folder, best):
    mine = again(folder)
    mine.load()
    mine.save(2, STATE, TENSORS, {best.name: best})
    assert {path.name for path in folder.path.iterdir()} == {
        "state.json", "2-tensors.safetensors", "1-best_model.pdparams"}
    mine.delete()
    assert not folder.path.exists()
    assert mine.load() is None


def test_a_kill_while_one_is_written_leaves_the_one_before(folder, best):
    def killed(path, content):
        if path.name == "state.json":
            raise KeyboardInterrupt
        path.write_bytes(b"".join(content))

    best.unlink()
    best.write_bytes(b"of epoch 2")
    with mock.patch.object(checkpoint, "write_atomic", killed), pytest.raises(KeyboardInterrupt):
        folder.save(2, {}, {"other": TENSORS["network/weight"]}, {best.name: best})
    found = again(folder).load()
    assert (found.epoch, sorted(found.tensors)) == (1, sorted(TENSORS))
    assert found.files[best.name].read_bytes() == b"of epoch 1"


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["1-tensors.safetensors", "1-best_model.pdparams"])
def test_a_damaged_file_is_told_by_name(folder, name):
    flip(folder.path / name)
    with pytest.raises(Distrusted, match=f"is damaged: .*{name}"):
        again(folder).load()


def test_a_file_that_is_missing_is_told(folder):
    (folder.path / "1-tensors.safetensors").unlink()
    with pytest.raises(Distrusted, match=r"is damaged: .*No such file"):
        again(folder).load()


def test_a_state_that_somebody_has_edited_is_not_trusted(folder):
    path = folder.path / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "epoch": 2}))
    with pytest.raises(Distrusted, match="is damaged: its checksum is another"):
        again(folder).load()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"epoch": 1}', "[" * 100_000])
def test_a_state_that_is_none_is_not_trusted(folder, text):
    (folder.path / "state.json").write_text(text)
    with pytest.raises(Distrusted, match=r"cannot be read|is damaged"):
        again(folder).load()


def test_that_of_another_version_is_not_trusted(folder):
    path = folder.path / "state.json"
    content = json.loads(path.read_text())
    del content["sha256"], content["files"]
    path.write_text(json.dumps({**content, "sha256": checkpoint._digest(content)}))
    with pytest.raises(Distrusted, match="is of another version"):
        again(folder).load()


def test_that_of_another_training_is_not_trusted(folder):
    with pytest.raises(Distrusted, match="is of another training: its config, seed or weights"):
        again(folder, made_by="you").load()


def test_without_links_files_are_copied(folder, best):
    with mock.patch.object(os, "link", side_effect=PermissionError):
        best.unlink()
        best.write_bytes(b"of epoch 2")
        folder.save(2, STATE, TENSORS, {best.name: best})
    assert again(folder).load().files[best.name].read_bytes() == b"of epoch 2"
