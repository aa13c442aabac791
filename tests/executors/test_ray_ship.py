"""What nodes lack is copied there once, and nothing else is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from paddle_transfer.executors import ray_ship
from paddle_transfer.executors.ray_ship import Shipment, pack, unpack


class Store:
    """Ray's object store, with how often an object was asked for."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.gets = 0

    def put(self, part: bytes) -> int:
        self.parts.append(part)
        return len(self.parts) - 1

    def get(self, number: int) -> bytes:
        self.gets += 1
        return self.parts[number]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures of which one is a link to a file elsewhere, in parts of 4 kB."""
    monkeypatch.setattr(ray_ship, "PART", 4096)
    made = tmp_path / "flowers"
    (made / "rose").mkdir(parents=True)
    (made / "list.txt").write_text("rose/1.jpg 0\n")
    (made / "rose" / "1.jpg").write_bytes(os.urandom(10_000))
    (tmp_path / "elsewhere.jpg").write_bytes(b"linked")
    (made / "rose" / "2.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*")) if file.is_file()}


def shipped(store: Store, paths: Sequence[Path]) -> list[Shipment]:
    return pack([str(path) for path in paths], store.put)


def test_a_node_that_lacks_it_gets_all_of_it_once(store: Store, folder: Path) -> None:
    single = folder.parent / "elsewhere.jpg"
    before, shipments = content(folder), shipped(store, [folder, single, folder])
    assert [shipment.path for shipment in shipments] == [str(folder), str(single)]
    assert len(shipments[0].parts) > 2
    shutil.rmtree(folder)
    single.unlink()
    for shipment in shipments:
        unpack(shipment, store.get)
    assert content(folder) == before
    assert single.read_bytes() == b"linked"
    gets = store.gets
    assert gets == len(store.parts)
    for shipment in shipments:
        unpack(shipment, store.get)
    assert store.gets == gets


def test_what_the_node_has_of_its_own_stays(store: Store, folder: Path) -> None:
    [shipment] = shipped(store, [folder])
    (folder / "list.txt").write_text("of this node")
    unpack(shipment, store.get)
    assert (folder / "list.txt").read_text() == "of this node"
    assert store.gets == 0
    assert not list(folder.parent.glob(".*")), "no mark beside it"


@pytest.mark.parametrize("change", [
    lambda folder: (folder / "list.txt").write_text("changed"),
    lambda folder: os.utime(folder / "list.txt", (1, 1)),
    lambda folder: (folder / "rose" / "1.jpg").unlink()])
def test_what_was_shipped_before_follows_a_change(
        store: Store, folder: Path, tmp_path: Path, change: Callable[[Path], object]) -> None:
    [old] = shipped(store, [folder])
    kept = folder.rename(tmp_path / "kept")
    unpack(old, store.get)
    node = folder.rename(tmp_path / "node")  # the driver's own file system is another one
    kept.rename(folder)
    change(folder)
    after, [new] = content(folder), shipped(store, [folder])
    folder.rename(kept)
    node.rename(folder)
    unpack(new, store.get)
    assert content(folder) == after


def test_a_copy_that_was_cut_short_is_made_anew(store: Store, folder: Path) -> None:
    before, [shipment] = content(folder), shipped(store, [folder])
    shutil.rmtree(folder)
    lost = store.parts.pop()
    with pytest.raises(IndexError):
        unpack(shipment, store.get)
    assert not folder.exists()
    store.parts.append(lost)
    unpack(shipment, store.get)
    assert content(folder) == before
    assert {path.name for path in folder.parent.iterdir()} == {
        "elsewhere.jpg", "flowers", ".flowers.shipped"}


def test_what_cannot_be_read_is_told_with_its_name(store: Store, folder: Path) -> None:
    (folder / "broken.jpg").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError) as raised:
        shipped(store, [folder])
    assert raised.value.filename == str(folder / "broken.jpg")
