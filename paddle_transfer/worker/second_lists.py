"""Lists that are read beside ``DataLoader.Train``: images of the source, images without labels."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import paddle
from paddle.io.dataloader.collate import default_collate_fn
from ppcls.data import build_dataloader

from paddle_transfer import dotpath
from paddle_transfer.errors import TrialError
from paddle_transfer.files import open_file
from paddle_transfer.worker.batches import Batch, read
from paddle_transfer.worker.data_place import DataPlace


class InTurn:
    """A loader whose batches are read by whom asks for them, at that moment.

    Paddle reads ahead in a thread for each loader. Two of them would draw their augmentations from
    one random generator in an order that differs from run to run.
    """

    def __init__(self, loader: Any):
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        return self._read(iter(self._loader.batch_sampler))

    def without(self, first: int) -> Iterator[Batch]:
        """One pass without its ``first`` batches, of which no image is read."""
        places = iter(self._loader.batch_sampler)
        for _ in range(first):
            next(places)
        return self._read(places)

    def _read(self, places: Iterator[Sequence[int]]) -> Iterator[Batch]:
        loader = self._loader
        collate = loader.collate_fn or default_collate_fn
        for indices in places:
            yield [paddle.to_tensor(field)
                   for field in collate([loader.dataset[index] for index in indices])]


def in_turn(loader: Any) -> Any:
    """``loader`` so that its order depends on the seed alone: data workers have seeds of their
    own."""
    return loader if loader.num_workers or isinstance(loader, InTurn) else InTurn(loader)


class Endless:
    """Batches of ``DataLoader.<part>``, one pass after the other, each in another order.

    :param config: as the user wrote it
    :raises TrialError: a pass has no batch, or no image can be read
    """

    def __init__(self, config: dict[str, Any], part: str):
        self._loader = loader = in_turn(_loader(config, part, config["DataLoader"][part]))
        if not len(loader):
            raise TrialError(f"DataLoader.{part} gives no batch: its list has "
                             f"{len(loader.dataset)} images, fewer than sampler.batch_size, and "
                             "drop_last is true")
        self._place = DataPlace()
        self._batches: Iterator[Batch] = iter(())

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch = next(self._batches, None)
        while batch is None:
            self._batches = read(self._place.begin(self._loader))
            batch = next(self._batches, None)
        self._place.taken += 1
        return batch

    @property
    def sampler(self) -> Any:
        """What puts the list into an order."""
        return self._loader.batch_sampler

    def state(self) -> dict[str, Any]:
        """See ``DataPlace``."""
        return self._place.state(self._loader)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where the stream of another process was, before the first batch."""
        self._place.restore(state)


def whole_list(config: dict[str, Any], part: str) -> Iterator[Batch]:
    """All images of ``DataLoader.<part>`` once, as ``DataLoader.Eval`` transforms and batches
    them, in one mixed order: where a list is sorted by class, batches of one class would vary less
    than the list does."""
    section = dotpath.clone(config["DataLoader"]["Eval"])
    section["sampler"]["shuffle"] = True
    own = config["DataLoader"][part]["dataset"]
    section["dataset"] = {**section["dataset"], **{
        key: own[key] for key in ("name", "image_root", "cls_label_path", "delimiter")
        if key in own}}
    yield from read(iter(in_turn(_loader(config, part, section))))


def count_classes(config: dict[str, Any], part: str) -> int:
    """The largest label of the list of ``DataLoader.<part>``, and one. Raises TrialError."""
    dataset = config["DataLoader"][part]["dataset"]
    file = dataset["cls_label_path"]
    try:
        labels = [int(line.split(_delimiter(dataset))[1]) for line in _lines(file)]
    except (IndexError, ValueError) as error:
        raise TrialError(f"{file} (DataLoader.{part}): has a line without a label") from error
    if not labels:
        raise TrialError(f"{file} (DataLoader.{part}): names no image")
    return max(labels) + 1


def _loader(config: dict[str, Any], part: str, section: dict[str, Any]) -> Any:
    """PaddleClas's loader of ``section``; of ``Unlabeled`` no label is read."""
    section = dotpath.clone(section)
    sections = {"Train": section, "class_num": config["Arch"].get("class_num"),
                "epochs": config["Global"]["epochs"]}
    device = paddle.device.get_device()
    if part != "Unlabeled":
        return build_dataloader(sections, "Train", device, False)
    dataset = section["dataset"]
    names = [_path_of(line, dataset) for line in _lines(dataset["cls_label_path"])]
    with tempfile.TemporaryDirectory() as folder:  # it is read while the loader is built
        file = Path(folder) / "unlabeled.txt"
        delimiter = _delimiter(dataset)
        file.write_text("".join(f"{name}{delimiter}0\n" for name in names), encoding="utf-8")
        dataset["cls_label_path"] = str(file)
        return build_dataloader(sections, "Train", device, False)


def _path_of(line: str, dataset: dict[str, Any]) -> str:
    """The image of a line that may have a label, or none."""
    return line.split(_delimiter(dataset))[0]


def _delimiter(dataset: dict[str, Any]) -> str:
    return dataset.get("delimiter") or " "


def _lines(file: str) -> list[str]:
    with open_file(file) as stream:
        return [line.decode("utf-8").strip() for line in stream if line.strip()]
